"""Calendars: what subscribers see, and that a shift keeps its name as long as it is the same shift."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from icalendar import Calendar
from tests.oncall.house import NOON, shop_plan
from tests.oncall.plans import HOUR, at, days, override

from tocsin.model.oncall import Shift
from tocsin.oncall.calendar import render, uid_of
from tocsin.oncall.roster import Roster

START, END = at("2026-01-05T08:00:00Z"), at("2026-02-02T08:00:00Z")


def shifts(*overrides: object, start: int = START, end: int = END) -> list[Shift]:
    """Whole shifts of the primary."""
    return Roster(shop_plan(), overrides).shifts("primary", start, end, whole=True)  # type: ignore[arg-type]  # overrides


def test_a_calendar_is_what_subscribers_read() -> None:
    """Lines end in CRLF and are at most 75 bytes long; every event has UID, DTSTAMP, start, end and summary."""
    raw = render("On call: primary", shifts(), shop_plan(), now=NOON)
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert all(b"\n" not in line and len(line) <= 75 for line in lines)
    calendar = Calendar.from_ical(raw)
    assert (calendar["version"], calendar["method"], calendar["x-wr-calname"]) == ("2.0", "PUBLISH", "On call: primary")
    events = calendar.walk("VEVENT")
    assert len(events) == 4
    first = events[0]
    assert first["summary"] == "Ana on call: primary"
    assert first.decoded("dtstart") == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert first.decoded("dtend") == datetime(2026, 1, 12, 8, tzinfo=UTC)
    assert first.decoded("dtstamp") == datetime(2026, 1, 6, 11, tzinfo=UTC)
    assert "by the rotation weekly" in str(first["description"])


def test_a_shift_keeps_its_name_however_it_is_asked() -> None:
    """In another range, at another time, after an override of another shift."""
    names = {uid_of(shift) for shift in shifts()}
    assert {uid_of(shift) for shift in shifts(start=START + days(3), end=END - days(3))} == names
    elsewhere = override("bob", START + days(8), START + days(9))
    assert len(names & {uid_of(shift) for shift in shifts(elsewhere)}) == 4
    assert len({uid_of(shift) for shift in shifts(elsewhere)}) == 6
    assert uid_of(replace(shifts()[0], schedule="secondary")) not in names


def test_a_shift_that_ends_earlier_is_the_same_shift() -> None:
    """Subscribers see it change; the name does not."""
    shorter = shifts(override("bob", START + days(6), START + days(7)))
    assert uid_of(shorter[0]) == uid_of(shifts()[0])
    assert shorter[0].end == START + days(6)


def test_gaps_are_not_in_calendars_and_any_name_is_safe() -> None:
    """Commas, semicolons and line ends in names come back as they were."""
    plan = shop_plan()
    odd = replace(plan, people={**plan.people, "ana": replace(plan.people["ana"], title="Ruiz, Ana; \\ the\nfirst")})
    raw = render("x", [*shifts(start=START - days(2), end=START + HOUR)], odd, now=NOON)
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    assert event["summary"] == "Ruiz, Ana; \\ the\nfirst on call: primary"
