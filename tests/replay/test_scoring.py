"""Scoring: precision, recall, detection, reset, nights and weeks of people, near misses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, parse_instant
from tocsin.model.labels import Labels
from tocsin.replay.evidence import Firing, KnownIncident, Page, Told, Waiting
from tocsin.replay.options import ReplayOptions
from tocsin.replay.scoring import Evidence, score

MINUTE = 60 * NANOSECONDS
MONDAY = parse_instant("2026-11-16")
TIGHT = ReplayOptions(early_s=0, late_s=0)


def at(minutes: float) -> Instant:
    """So many minutes into a Monday."""
    return MONDAY + round(minutes * MINUTE)


def page(minutes: float, *, until: float | None = None, service: str = "shop", person: str = "ana", zone: str = "") -> Page:
    """A page that one rule made."""
    ends = at(until if until is not None else minutes + 5)
    return Page(at(minutes), person, ("Rule",), (service,) if service else (), until=ends, time_zone=zone)


def evidence(*pages: Page, incidents: tuple[KnownIncident, ...] = (), days: int = 7, firings: tuple[Firing, ...] = ()) -> Evidence:
    """What a replay over some days saw."""
    return Evidence(TimeRange(MONDAY, at(days * 1440)), firings, pages, incidents)


def test_precision_and_recall_count_pages_and_incidents() -> None:
    """Two of three pages belong to the one of two incidents that was found: precision 2/3, recall 1/2."""
    incidents = (KnownIncident("a", at(100), at(140), ("shop",)), KnownIncident("b", at(5000), at(5010), ("shop",)))
    found = score(evidence(page(110), page(125), page(3000), incidents=incidents), TIGHT)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == 0.5
    assert [one.at for one in found.woken_for_nothing] == [at(3000)]


def test_no_pages_and_no_incidents_have_no_ratios() -> None:
    """Nothing divided by nothing is not a number that anybody should read."""
    found = score(evidence(), TIGHT)
    assert (found.precision, found.recall, found.detection.median_s, found.pages_per_week) == (None, None, None, 0.0)


def test_detection_and_reset() -> None:
    """An incident from 100 to 140, paged at 110 by an alert that ends at 143: found after ten minutes, reset after three."""
    found = score(evidence(page(110, until=143), incidents=(KnownIncident("a", at(100), at(140)),)), TIGHT)
    assert (found.detection.median_s, found.reset.max_s) == (600.0, 180.0)


def test_a_page_before_the_noted_start_is_found_at_once() -> None:
    """People note an incident's start late: a page a little before it belongs to it, and took no time."""
    options = ReplayOptions(early_s=600, late_s=0)
    found = score(evidence(page(95, until=97), incidents=(KnownIncident("a", at(100), at(140)),)), options)
    assert (found.recall, found.detection.max_s) == (1.0, 0.0)


def test_a_page_of_another_service_does_not_count() -> None:
    """An incident of the cart is not found by a page about the shop, but by one that names no service."""
    incident = (KnownIncident("a", at(100), at(140), ("cart",)),)
    assert score(evidence(page(110), incidents=incident), TIGHT).recall == 0.0
    assert score(evidence(page(110, service=""), incidents=incident), TIGHT).recall == 1.0


def test_an_incident_that_goes_on_has_no_reset() -> None:
    """What has not ended can't be late in ending."""
    found = score(evidence(page(110), incidents=(KnownIncident("a", at(100), None),)), TIGHT)
    assert found.recall == 1.0
    assert found.reset.max_s is None


def test_weeks_and_nights_of_a_person() -> None:
    """Three pages in a week are one too many; 23:00 and 02:00 are one night, 03:00 of the next day another."""
    pages = [page(23 * 60), page(26 * 60), page(24 * 60 + 27 * 60), page(9 * 1440 + 720)]
    (ana,) = score(evidence(*pages, days=14), TIGHT).people
    assert (ana.pages, ana.night_pages, ana.nights, ana.worst_week, ana.weeks_over) == (4, 3, 2, 3, 1)


def test_nights_are_those_of_the_person() -> None:
    """Twenty o'clock in UTC is night in Berlin's summer, two hours ahead, and not in London's."""
    july = parse_instant("2026-07-06T20:30:00Z")
    pages = [Page(july, name, ("Rule",), time_zone=zone) for name, zone in (("ana", "Europe/Berlin"), ("bo", "Europe/London"))]
    ana, bo = score(Evidence(TimeRange(july, july + MINUTE), (), pages), TIGHT).people
    assert (ana.night_pages, bo.night_pages) == (1, 0)


def test_a_night_within_one_day() -> None:
    """Where the night is said to go from one to six, midnight is day."""
    options = ReplayOptions(night_begins=1, night_ends=6)
    (ana,) = score(evidence(page(30), page(90)), options).people
    assert ana.night_pages == 1


def test_near_misses_say_what_saw_it() -> None:
    """A missed incident names alerts that were kept quiet and conditions that did not hold long enough."""
    labels = Labels({"service": "shop"})
    firing = Firing("Ticket", labels, at(110), at(120), at(105), Told.NOTIFIED)
    seen = Evidence(
        TimeRange(MONDAY, at(1440)),
        (firing,),
        (),
        (KnownIncident("a", at(100), at(140), ("shop",)),),
        (Waiting("Slow", labels, at(101), at(104)), Waiting("Slow", labels, at(120), at(121))),
    )
    (incident,) = score(seen, TIGHT).incidents
    assert incident.near_misses == ("Ticket fired and was told to nobody whom it wakes", "Slow held for 180 s, not long enough to fire")


def test_budget_spent_until_the_first_page() -> None:
    """The share of the budget that went between the start and the first page is asked of the objective that the page names."""
    asked = []

    def spent(objective: str, start: Instant, end: Instant) -> float:
        asked.append((objective, start, end))
        return 0.02

    burning = Page(at(110), "ana", ("Burns",), ("shop",), ("shop-availability",), until=at(120))
    found = score(evidence(burning, incidents=(KnownIncident("a", at(100), at(140)),)), TIGHT, spent=spent)
    assert asked == [("shop-availability", at(100), at(110))]
    assert found.budget_spent_max == 0.02


def test_rules_one_by_one() -> None:
    """A rule's firings, pages, true pages, incidents and seconds."""
    firings = (Firing("Rule", Labels({"service": "shop"}), at(110), at(115), at(105)), Firing("Rule", Labels(), at(3000), None, at(3000)))
    incident = (KnownIncident("a", at(100), at(140), ("shop",)),)
    (rule,) = score(evidence(page(110), page(3000), incidents=incident, firings=firings, days=3), TIGHT).rules
    assert (rule.firings, rule.pages, rule.true_pages, rule.incidents) == (2, 2, 1, 1)
    assert rule.fired_s == 5 * 60 + (3 * 1440 - 3000) * 60


@given(
    pages=st.lists(st.integers(0, 10_000), max_size=20),
    incidents=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 500)), max_size=10),
)
def test_shares_are_shares(pages: list[int], incidents: list[tuple[int, int]]) -> None:
    """Whatever happened: ratios lie between nought and one, and every page is either true or for nothing."""
    known = tuple(KnownIncident(str(number), at(start), at(start + length)) for number, (start, length) in enumerate(incidents))
    found = score(evidence(*(page(minute) for minute in pages), incidents=known), ReplayOptions())
    assert all(ratio is None or 0 <= ratio <= 1 for ratio in (found.precision, found.recall))
    assert found.true_pages + len(found.woken_for_nothing) == found.pages == sum(person.pages for person in found.people)
    assert all(one.detection_s is None or one.detection_s >= 0 for one in found.incidents)
