"""
Shifts as iCalendar, for programs that subscribe to them.

An event's UID is a hash of schedule, person and the shift's start, so that it is the same however often and for whatever range it is asked:
a subscriber sees a shift move, not vanish and come back. Lines end in CRLF; instants are UTC, so no zone needs to be described.
Source: RFC 5545.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from tocsin.model.instant import EPOCH, Instant
from tocsin.model.oncall import Origin, Shift
from tocsin.oncall.definition import OncallPlan

PRODUCT = "-//Tocsin//On call//EN"
REFRESH = timedelta(hours=1)
REASONS = {Origin.LAYER: "by the rotation {source}", Origin.OVERRIDE: "by the override {source}", Origin.SWAP: "by a swap ({source})"}


def render(title: str, shifts: Iterable[Shift], plan: OncallPlan, *, now: Instant) -> bytes:
    """
    A calendar.

    Args:
        title: Its name for people.
        shifts: Whole ones; gaps are left out.
        plan: For the names of people and schedules.
        now: When it is made.

    Returns:
        UTF-8.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for shift in shifts:
        if not shift.is_gap:
            calendar.add_component(_event(shift, plan, now))
    return bytes(calendar.to_ical())


def uid_of(shift: Shift) -> str:
    """What names a shift in calendars."""
    text = f"{shift.schedule}\0{shift.person}\0{shift.start}"
    return f"{hashlib.sha256(text.encode()).hexdigest()[:40]}@tocsin"


def _event(shift: Shift, plan: OncallPlan, now: Instant) -> Event:
    person, schedule = plan.people.get(shift.person), plan.schedules.get(shift.schedule)
    name = person.title if person is not None and person.title else shift.person
    title = schedule.title if schedule is not None and schedule.title else shift.schedule
    event = Event()
    event.add("uid", uid_of(shift))
    event.add("dtstamp", _moment(now))
    event.add("dtstart", _moment(shift.start))
    event.add("dtend", _moment(shift.end))
    event.add("summary", f"{name} on call: {title}")
    reach = f"\n{person.email}" if person is not None and person.email else ""
    event.add("description", f"{shift.person} is on call on {shift.schedule} {REASONS[shift.origin].format(source=shift.source)}.{reach}")
    event.add("transp", "TRANSPARENT")  # who is on call is not busy
    return event


def _moment(at: Instant) -> datetime:
    """To the second: iCalendar has no fractions."""
    return EPOCH + timedelta(seconds=at // 1_000_000_000)
