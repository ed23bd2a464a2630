"""The tables over incidents: the weekly one of the flywheel, and times of response."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.incident.house import MINUTE, START

from tocsin.incident.figures import response_figures, spread_of
from tocsin.incident.weekly import Week, weekly_table
from tocsin.model.incident import Incident, IncidentSource
from tocsin.model.instant import parse_instant
from tocsin.model.severity import Severity

DAY = 24 * 60 * MINUTE
MONDAY = parse_instant("2026-03-02")


@dataclass(frozen=True)
class Opened:
    """An incident as the table sees it."""

    opened_at: int
    signature: str


@dataclass(frozen=True)
class Made:
    """A guard as the table sees it."""

    created_at: int
    signature: str


def guarded_at_once(incidents: list[Opened]) -> list[Made]:
    """Every failure gets a guard when it comes for the first time, as in the exercise."""
    first: dict[str, int] = {}
    for incident in incidents:
        first.setdefault(incident.signature, incident.opened_at)
    return [Made(at, signature) for signature, at in first.items()]


def test_new_incidents_fall_while_guards_accumulate() -> None:
    """Four weeks: 3, 1, 0, 0 new ones; four guards; what comes again is a prevented repeat."""
    weeks = [["timeout", "bad-json", "rate-limit"], ["timeout", "empty-retrieval"], ["bad-json"], ["rate-limit"]]
    incidents = [Opened(MONDAY + 7 * DAY * week + DAY * day, kind) for week, kinds in enumerate(weeks) for day, kind in enumerate(kinds)]
    table = weekly_table(incidents, guarded_at_once(incidents), MONDAY, MONDAY + 28 * DAY)
    assert table[0] == Week(1, "2026-03-02", 3, 3, 0, 3)
    assert table[3] == Week(4, "2026-03-23", 1, 0, 1, 4)
    assert [(week.new, week.repeats_prevented, week.total_guards) for week in table] == [(3, 0, 3), (1, 1, 4), (0, 1, 4), (0, 1, 4)]


def test_nobody_knows_a_failure_without_a_signature() -> None:
    """It is new each time, and a guard without one knows nothing."""
    table = weekly_table([Opened(MONDAY + DAY, "")], [Made(MONDAY, "")], MONDAY, MONDAY + DAY)
    assert table == [Week(1, "2026-03-02", 1, 1, 0, 1)]


def test_weeks_without_an_incident_are_told_too() -> None:
    """From the week in which the range begins to the one in which it ends."""
    table = weekly_table([], [], MONDAY + 3 * DAY, MONDAY + 15 * DAY)
    assert [(week.week, week.start) for week in table] == [(1, "2026-03-02"), (2, "2026-03-09"), (3, "2026-03-16")]


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abc")), max_size=30))
def test_every_incident_is_counted_once(found: list[tuple[int, str]]) -> None:
    """New ones and repeats together are all; with a guard for each at once, a failure is new in one week alone."""
    incidents = [Opened(MONDAY + day * DAY + index, kind) for index, (day, kind) in enumerate(sorted(found))]
    table = weekly_table(incidents, guarded_at_once(incidents), MONDAY, MONDAY + 61 * DAY)
    assert sum(week.incidents for week in table) == len(incidents)
    assert all(week.incidents == week.new + week.repeats_prevented for week in table)
    assert sum(week.new for week in table) == len({incident.signature for incident in incidents}) == table[-1].total_guards


def incident(
    minutes: tuple[int | None, int, int | None, int | None], service: str = "checkout", severity: Severity = Severity.P1
) -> Incident:
    """First bad minute, alert, acknowledgement, restoration: minutes after START; opened with the alert."""
    bad, alerted, answered, restored = (None if minute is None else START + minute * MINUTE for minute in minutes)
    assert alerted is not None
    return Incident(
        1, "t", service, severity, "", IncidentSource.PAGE, alerted, first_bad_at=bad, alerted_at=alerted, acknowledged_at=answered,
        watch_since=restored, resolved_at=None if restored is None else restored + 30 * MINUTE,
    )  # fmt: skip


def test_times_of_response_say_of_how_many() -> None:
    """Each over those incidents for which it is known, of all and by service and severity."""
    incidents = [incident((0, 3, 4, 33)), incident((None, 10, 15, 50)), incident((0, 5, None, None), "search", Severity.P2)]
    everything, checkout, search = response_figures(incidents, acknowledge_s=120, now=START + 60 * MINUTE)
    assert (everything.service, everything.severity, everything.incidents, everything.late_acknowledged) == ("", "", 3, 2)
    assert (everything.detection.count, everything.detection.mean_s, everything.detection.longest_s) == (2, 240.0, 300.0)
    assert (checkout.acknowledge.median_s, checkout.acknowledge.p90_s) == (60.0, 300.0)
    assert checkout.restore.mean_s == (33 + 40) / 2 * 60
    assert (search.severity, search.restore.count, search.restore.mean_s) == ("P2", 0, None)


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_a_spread_lies_within_what_happened(seconds: list[float]) -> None:
    """Percentiles are durations that were measured, in order."""
    spread = spread_of(seconds)
    assert spread.median_s in seconds
    assert spread.p90_s in seconds
    assert spread.longest_s == max(seconds)
    assert spread.mean_s == pytest.approx(sum(seconds) / len(seconds))
