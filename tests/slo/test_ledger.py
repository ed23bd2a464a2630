"""The ledger: every bad event has exactly one entry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slo.stories import KEY, MONTH, instant, maintenance, objective, seconds, traffic
from tests.slo.test_budget import situations

from tocsin.model.budget import CauseKind, CauseMark, Exclusion
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.slo.answers import Ledger, LedgerEntry
from tocsin.slo.budget import judge_budgets
from tocsin.slo.definition import EventCount, EventRate, EventSignal, Objective, RollingWindow, StreamRatio, Timeslices
from tocsin.slo.ledger import keep_ledger, ledger_range, net_bad
from tocsin.slo.slices import slice_width_s
from tocsin.testing.counts import MemoryCounts

NOW = "2026-11-20 12:00"
SINCE = "2026-10-01 00:00"


def keep(
    one: Objective,
    counts: MemoryCounts,
    at: int,
    *,
    deployments: Sequence[Deployment] = (),
    marks: Sequence[CauseMark] = (),
    exclusions: Sequence[Exclusion] = (),
) -> Ledger:
    """The ledger of one objective, with its budget and its minutes read as a caller does."""
    (budget,) = judge_budgets([one], counts, at, exclusions, windows=())
    minutes = counts.minutes(one.key, ledger_range(one, at))
    return keep_ledger(one, minutes, budget.figures, at, deployments=deployments, marks=marks, exclusions=exclusions, blame_s=1800)


def deploy(at: str, version: str = "v2", *, source: DeploymentSource = DeploymentSource.MARK) -> Deployment:
    """A deployment of `checkout`."""
    return Deployment(f"{version}@{at}", "checkout", version, instant(at), source)


def mark(start: str, end: str, cause: str, *, created: int = 0, kind: CauseKind = CauseKind.INCIDENT) -> CauseMark:
    """A human's word about `checkout`."""
    return CauseMark(cause, "", "checkout", instant(start), instant(end), kind, cause, "ada", "looked at the graphs", created)


def brief(entries: Sequence[LedgerEntry]) -> list[tuple[str, str, float, bool]]:
    """Kind, cause, cost in minutes, and whether it was excluded."""
    return [(entry.kind.value, entry.cause, round(entry.minutes, 3), entry.excluded) for entry in entries]


def test_a_month_is_accounted_for() -> None:
    """A deploy of 5 minutes, a failover of 3, another deploy of 20, and what nobody explained: together all that is bad."""
    counts = traffic(
        "2026-11-01 00:00",
        "2026-11-30 00:00",
        downtime={"2026-11-03 10:02": 5, "2026-11-10 10:00": 3, "2026-11-17 10:04": 20, "2026-11-25 04:00": 6},
    )
    counts.fill(KEY, seconds("2026-11-30 00:00"), seconds("2026-12-01 00:00"), good=100, total=100)
    counts.add(KEY, seconds("2026-11-12 12:00"), good=-3)
    ledger = keep(
        objective(window=MONTH),
        counts,
        instant("2026-11-30 23:59"),
        deployments=[deploy("2026-11-03 10:00", "v1"), deploy("2026-11-17 10:00:20", "v2"), deploy("2026-11-20 10:00", "v3")],
        marks=[mark("2026-11-10 10:00", "2026-11-10 10:05", "database failover", kind=CauseKind.INFRASTRUCTURE)],
    )
    assert brief(ledger.entries) == [
        ("deployment", "checkout v2", 20.0, False),
        ("unknown", "", 6.0, False),
        ("deployment", "checkout v1", 5.0, False),
        ("infrastructure", "database failover", 3.0, False),
        ("unknown", "background", 0.03, False),
    ]
    assert ledger.bad == 3403 == sum(entry.bad for entry in ledger.entries)
    assert ledger.entries[0].start == instant("2026-11-17 10:04")
    assert ledger.entries[0].end == instant("2026-11-17 10:24")
    assert ledger.entries[0].share == pytest.approx(20 / 43.2, rel=1e-3)
    assert ledger.entries[0].detail == "65 % bad after it, 0 % before; told by mark"
    assert ledger.entries[3].detail == "ada: looked at the graphs"


def test_a_deployment_into_an_outage_is_not_blamed() -> None:
    """What had begun ten minutes before has another cause; the deployment before that one may be it."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:05": 40})
    first, fix = deploy("2026-11-18 10:00", "v1"), deploy("2026-11-18 10:15", "v1.1")
    assert brief(keep(objective(), counts, instant(NOW), deployments=[fix]).entries) == [("unknown", "", 40.0, False)]
    assert brief(keep(objective(), counts, instant(NOW), deployments=[first, fix]).entries) == [
        ("deployment", "checkout v1", 25.0, False),
        ("unknown", "", 15.0, False),
    ]


def test_a_deployment_is_not_blamed_for_what_is_usual() -> None:
    """One bad event in a hundred before and after is no change; nor are two bad events where there were none."""
    usual = MemoryCounts()
    usual.fill(KEY, seconds(SINCE), seconds(NOW), good=99, total=100)
    assert {entry.kind for entry in keep(objective(), usual, instant(NOW), deployments=[deploy("2026-11-18 10:00")]).entries} == {
        CauseKind.UNKNOWN
    }
    chance = traffic(SINCE, NOW)
    chance.add(KEY, seconds("2026-11-18 10:05"), total=2)
    assert brief(keep(objective(), chance, instant(NOW), deployments=[deploy("2026-11-18 10:00")]).entries) == [
        ("unknown", "background", 0.02, False)
    ]


def test_a_minute_that_is_one_observation_is_no_noise() -> None:
    """Where each minute is judged as one (throughput, freshness), two bad minutes after a deployment are its own."""
    rate = objective(0.9, indicator=EventRate(EventCount(EventSignal.LOGS, "orders"), 5.0))
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:05": 2}, per_minute=1)
    assert [entry.cause for entry in keep(rate, counts, instant(NOW), deployments=[deploy("2026-11-18 10:00")]).entries] == ["checkout v2"]


def test_of_two_deployments_the_later_that_qualifies_is_blamed() -> None:
    """Both lie within half an hour before the outage; the later one is nearer to it."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:20": 5})
    found = keep(objective(), counts, instant(NOW), deployments=[deploy("2026-11-18 10:00", "v1"), deploy("2026-11-18 10:15", "v2")])
    assert brief(found.entries) == [("deployment", "checkout v2", 5.0, False)]


def test_a_deployment_told_of_twice_is_one() -> None:
    """Marked by the pipeline and found in the telemetry a minute later: the mark stands. One that was removed is none."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:20": 5})
    told = [deploy("2026-11-18 10:16"), deploy("2026-11-18 10:17", source=DeploymentSource.TELEMETRY)]
    (entry,) = keep(objective(), counts, instant(NOW), deployments=told).entries
    assert entry.detail.endswith("told by mark")
    gone = Deployment("x", "checkout", "v2", instant("2026-11-18 10:16"), DeploymentSource.CDEVENTS, DeploymentStatus.REMOVED)
    foreign = Deployment("y", "payments", "v2", instant("2026-11-18 10:16"), DeploymentSource.CDEVENTS)
    assert brief(keep(objective(), counts, instant(NOW), deployments=[gone, foreign]).entries) == [("unknown", "", 5.0, False)]


def test_peoples_word_comes_before_deployments() -> None:
    """Where marks overlap, the one that was entered first has the minutes; what is outside of them goes on as usual."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:00": 30})
    found = keep(
        objective(),
        counts,
        instant(NOW),
        deployments=[deploy("2026-11-18 10:00")],
        marks=[
            mark("2026-11-18 10:10", "2026-11-18 10:25", "INC-2", created=2),
            mark("2026-11-18 10:05:30", "2026-11-18 10:14:30", "INC-1", created=1),
            CauseMark("z", "", "payments", 0, instant(NOW), CauseKind.INCIDENT, "theirs", "ada", "not ours", 0),
        ],
    )
    assert brief(found.entries) == [
        ("deployment", "checkout v2", 10.0, False),
        ("incident", "INC-1", 10.0, False),
        ("incident", "INC-2", 10.0, False),
    ]


def test_what_is_excluded_costs_nothing_but_is_told() -> None:
    """A maintenance and health checks stand in the ledger with what they would have cost."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-15 02:00": 20, "2026-11-16 02:00": 10})
    counts.add(KEY, seconds("2026-11-17 00:00"), excluded_good=1, excluded_total=5)
    planned = [
        maintenance("2026-11-15 02:00", "2026-11-15 02:15", name="upgrade"),
        maintenance("2026-11-15 02:10", "2026-11-15 02:30", name="restart"),
        Exclusion("q", "", "checkout", None, None, "http.route:/health", "mia", "health checks"),
    ]
    ledger = keep(objective(), counts, instant(NOW), exclusions=planned)
    assert [(entry.cause, entry.bad, entry.excluded) for entry in ledger.entries] == [
        ("", 1000.0, False),
        ("database upgrade", 1500.0, True),
        ("database restart", 500.0, True),
        ("health checks", 4.0, True),
    ]
    assert ledger.bad == 1000
    (budget,) = judge_budgets([objective()], counts, instant(NOW), planned)
    assert budget.without_exclusions.bad == sum(entry.bad for entry in ledger.entries)


def test_episodes_are_at_most_ten_minutes_apart() -> None:
    """A gap of ten minutes is bridged, one of eleven is not; what is too small to matter is background."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:00": 2, "2026-11-18 10:12": 2, "2026-11-18 10:25": 2})
    for minute in range(0, 600, 60):
        counts.add(KEY, seconds("2026-11-10 00:00") + minute * 60, total=1)
    entries = keep(objective(), counts, instant(NOW)).entries
    assert [(entry.cause, entry.bad, (entry.end - entry.start) // (60 * 10**9)) for entry in entries] == [
        ("", 400.0, 14),
        ("", 200.0, 2),
        ("background", 10.0, 541),
    ]


def test_a_slice_has_one_cause() -> None:
    """Five-minute slices: one bad slice after a deployment is enough to blame it, and what a maintenance spared is told in slices."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-18 10:06": 3, "2026-11-19 02:00": 15})
    one = objective(0.99, budgeting=Timeslices(300, 0.9))
    ledger = keep(
        one,
        counts,
        instant(NOW),
        deployments=[deploy("2026-11-18 10:00")],
        exclusions=[maintenance("2026-11-19 02:00", "2026-11-19 02:15")],
    )
    assert ledger.unit == "slices"
    assert [(entry.kind.value, entry.bad, entry.excluded) for entry in ledger.entries] == [
        ("deployment", 1.0, False),
        ("maintenance", 3.0, True),
    ]


def test_what_comes_late_makes_up_for_what_was_missing() -> None:
    """In a comparison of two streams only what never came is entered, where it was last missing before the surplus."""
    assert net_bad(np.array([5.0, 0, 12, 10]), np.array([10.0, 10, 10, 10])).tolist() == [5, 8, 0, 0]
    assert net_bad(np.array([15.0, 0]), np.array([10.0, 10])).tolist() == [0, 5]
    assert net_bad(np.array([5.0, 25]), np.array([10.0, 10])).tolist() == [0, 0]
    counts = MemoryCounts()
    counts.fill(KEY, seconds(SINCE), seconds(NOW), good=10, total=10)
    counts.fill(KEY, seconds("2026-11-18 10:00"), seconds("2026-11-18 10:10"), good=0, total=10)
    counts.add(KEY, seconds("2026-11-18 11:00"), good=60)
    flow = objective(indicator=StreamRatio(EventCount(EventSignal.LOGS, "in"), EventCount(EventSignal.LOGS, "out")))
    (entry,) = keep(flow, counts, instant(NOW)).entries
    assert (entry.bad, entry.start, entry.end) == (40.0, instant("2026-11-18 10:00"), instant("2026-11-18 10:04"))


@given(data=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_net_counts_add_up(data: list[tuple[int, int]]) -> None:
    """They are never negative, never more than what was missing in their minute, and add up to what is missing over all."""
    good, total = (np.array([pair[side] for pair in data], dtype=np.float64) for side in (0, 1))
    net = net_bad(good, total)
    assert net.sum() == max(0, total.sum() - good.sum())
    assert (net >= 0).all()
    assert (net <= np.maximum(total - good, 0)).all()


def test_an_empty_window_has_an_empty_ledger() -> None:
    """Nothing was counted: nothing is entered, and a window that has just begun is no trouble."""
    assert keep(objective(), MemoryCounts(), instant(NOW)).entries == []
    one = objective(window=MONTH, budgeting=Timeslices(3600, 0.5))
    assert keep(one, traffic(SINCE, NOW), instant("2026-11-01 00:00:30")).entries == []
    assert keep(objective(window=RollingWindow(60)), traffic(SINCE, NOW, downtime={"2026-11-20 11:59": 1}), instant(NOW)).bad == 100


MOMENTS = st.integers(-420, 60)


@settings(max_examples=150)
@given(
    situation=situations(),
    deployed=st.lists(MOMENTS, max_size=4),
    marked=st.lists(st.tuples(MOMENTS, st.integers(1, 90), st.integers(0, 3)), max_size=4),
)
def test_every_bad_event_has_exactly_one_entry(
    situation: tuple[Objective, MemoryCounts, dict[int, tuple[int, int]], int, int, list[Exclusion]],
    deployed: list[int],
    marked: list[tuple[int, int, int]],
) -> None:
    """Whatever happened and whoever said what: entries add up to what the budget lost, and each mark has what a walk by hand gives it."""
    one, counts, minutes, now, _, exclusions = situation
    deployments = [
        Deployment(str(index), "checkout", str(index), (now + shift) * 60 * 10**9, DeploymentSource.MARK)
        for index, shift in enumerate(deployed)
    ]
    marks = [
        CauseMark(
            str(index),
            one.slo,
            "",
            (now + shift) * 60 * 10**9,
            (now + shift + length) * 60 * 10**9,
            CauseKind.INCIDENT,
            f"INC-{index}",
            "a",
            "b",
            age,
        )
        for index, (shift, length, age) in enumerate(marked)
    ]
    at = now * 60 * 10**9
    ledger = keep(one, counts, at, deployments=deployments, marks=marks, exclusions=exclusions)
    (budget,) = judge_budgets([one], counts, at, exclusions, windows=())
    counted = [entry for entry in ledger.entries if not entry.excluded]
    assert ledger.bad == pytest.approx(budget.figures.bad, abs=1e-9)
    if ledger.unit == "events":
        assert sum(entry.bad for entry in counted) == ledger.bad == budget.figures.bad
        assert sum(entry.bad for entry in ledger.entries) == budget.without_exclusions.bad
        assert by_hand(marks, minutes, budget.window_start, now, exclusions) == {
            entry.cause: entry.bad for entry in counted if entry.kind is CauseKind.INCIDENT
        }
    assert all(
        entry.bad > 0 and budget.window_start - slice_width_s(one.budgeting) * 10**9 <= entry.start < entry.end <= at for entry in counted
    )
    assert sum(entry.share for entry in counted) == pytest.approx(budget.figures.consumed_ratio or 0.0)


def by_hand(
    marks: Sequence[CauseMark], minutes: dict[int, tuple[int, int]], window_start: int, now: int, exclusions: Sequence[Exclusion]
) -> dict[str, float]:
    """What each mark gets, minute by minute in plain Python."""
    minute_ns = 60 * 10**9
    costs: dict[str, float] = {}
    for minute, (good, total) in minutes.items():
        excluded = any((each.start or 0) // minute_ns <= minute < -(-(each.end or 0) // minute_ns) for each in exclusions)
        about = [one for one in marks if one.start <= minute * minute_ns < one.end]
        if about and not excluded and total > good and window_start // minute_ns <= minute < now:
            first = min(about, key=lambda one: (one.created, one.id))
            costs[first.cause] = costs.get(first.cause, 0) + total - good
    return costs
