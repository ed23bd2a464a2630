"""
The load that pages are: how many a person and a shift had, how many of them at night, and how many are bearable.

    ana: 5 pages in 4 weeks, 2 of them at night; budget 8

A page counts once for a person, however often it called them. Messages don't count: they wake nobody.
Source: SRE Book, ch. 11 (at most two incidents per shift); the budget per week is an option.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.oncall import Call
from tocsin.oncall.roster import Roster

WEEK = 7 * 86_400 * NANOSECONDS


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """
    What one person bore in a time.

    Args:
        person: Who.
        pages: Pages that called them.
        nights: Those of them that did so at night, where they are.
        unanswered: Those of them that went on to the next step, or turn, after calling them.
        on_call_s: How long they were on call, in any schedule, seconds; schedules at once add up.
        budget: Pages that are bearable in that time.
        is_over: Whether there were more.
    """

    person: str
    pages: int
    nights: int
    unanswered: int
    on_call_s: float
    budget: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class ShiftLoad:
    """
    What one shift brought.

    Args:
        schedule, person: Whose shift.
        start, end: When it was, cut to the time that was asked for.
        pages: Pages that called the person because of this shift.
        nights: Those of them at night.
        budget: Pages that are bearable: those of a week, or of as many weeks as it is longer.
        is_over: Whether there were more.
    """

    schedule: str
    person: str
    start: Instant
    end: Instant
    pages: int
    nights: int
    budget: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Load:
    """
    The load of a time.

    Args:
        start, end: The time.
        pages_per_week: The budget.
        pages: Pages that called anybody.
        people: By pages, the most first; those on call without any are there too.
        shifts: In order.
    """

    start: Instant
    end: Instant
    pages_per_week: float
    pages: int
    people: tuple[PersonLoad, ...]
    shifts: tuple[ShiftLoad, ...]


def load(roster: Roster, calls: Sequence[Call], start: Instant, end: Instant, *, pages_per_week: float) -> Load:
    """
    The load in [start, end).

    Args:
        roster: Who was on call.
        calls: Made in that time, in order.
        start: Nanoseconds since 1970.
        end: The same.
        pages_per_week: What a person should bear.
    """
    waking = [call for call in calls if call.wakes and start <= call.at < end]
    shifts = tuple(_shift_loads(roster, waking, start, end, pages_per_week))
    on_call: dict[str, int] = defaultdict(int)
    for shift in shifts:
        on_call[shift.person] += shift.end - shift.start
    budget = pages_per_week * (end - start) / WEEK
    names = dict.fromkeys([*(call.person for call in waking), *on_call])
    people = [_person_load(name, waking, on_call[name], budget) for name in names]
    people.sort(key=lambda one: (-one.pages, -one.nights, one.person))
    return Load(start, end, pages_per_week, len({call.page for call in waking}), tuple(people), shifts)


def _person_load(person: str, waking: Sequence[Call], on_call_ns: int, budget: float) -> PersonLoad:
    own = [call for call in waking if call.person == person]
    pages, nights = _counts(own)
    went_on = {(call.page, call.turn, call.step) for call in waking}
    unanswered = {one.page for one in own if any(page == one.page and (turn, step) > (one.turn, one.step) for page, turn, step in went_on)}
    return PersonLoad(person, pages, nights, len(unanswered), on_call_ns / NANOSECONDS, budget, pages > budget)


def _shift_loads(roster: Roster, waking: Sequence[Call], start: Instant, end: Instant, pages_per_week: float) -> list[ShiftLoad]:
    by_schedule: dict[str, list[Call]] = defaultdict(list)
    for call in waking:
        by_schedule[call.schedule].append(call)
    found = []
    for schedule in roster.plan.schedules:
        for shift in roster.shifts(schedule, start, end):
            own = [call for call in by_schedule[schedule] if call.person == shift.person and shift.start <= call.at < shift.end]
            pages, nights = _counts(own)
            budget = pages_per_week * max(1.0, (shift.end - shift.start) / WEEK)
            if not shift.is_gap:
                found.append(ShiftLoad(schedule, shift.person, shift.start, shift.end, pages, nights, budget, pages > budget))
    return sorted(found, key=lambda one: (one.start, one.schedule))


def _counts(calls: Sequence[Call]) -> tuple[int, int]:
    return len({call.page for call in calls}), len({call.page for call in calls if call.at_night})
