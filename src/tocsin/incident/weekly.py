"""
The flywheel: week by week, how many incidents were new, how many repeated what a guard knows, and how many guards there are.

    week  from        incidents  new  repeats_prevented  total_guards
       1  2026-03-02          3    3                  0             3
       4  2026-03-23          1    0                  1             4

Every incident leaves a guard behind, so the slope of `new` is the score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from tocsin.model.instant import EPOCH, NANOSECONDS, Instant

WEEKS_MAX = 1000


class Signed(Protocol):
    """An incident or a guard as far as this table cares."""

    @property
    def signature(self) -> str:
        """Which failure; empty where nobody knows."""
        ...


class OpenedIncident(Signed, Protocol):
    """An incident."""

    @property
    def opened_at(self) -> Instant:
        """When."""
        ...


class MadeGuard(Signed, Protocol):
    """A guard."""

    @property
    def created_at(self) -> Instant:
        """When."""
        ...


@dataclass(frozen=True, slots=True)
class Week:
    """
    One week, Monday to Sunday in UTC.

    Args:
        week: Counted from 1, the first week of the table.
        start: Its Monday, `2026-03-02`.
        incidents: Opened in it.
        new: Those whose signature no guard knew when they were opened.
        repeats_prevented: Those whose signature a guard knew: noticed, and told to be a repeat, rather than found out anew.
        total_guards: Guards there are at its end.
    """

    week: int
    start: str
    incidents: int
    new: int
    repeats_prevented: int
    total_guards: int


def weekly_table(incidents: Iterable[OpenedIncident], guards: Iterable[MadeGuard], start: Instant, end: Instant) -> list[Week]:
    """
    The weeks that [start, end) touches, at most a thousand, those without an incident too.

    An incident without a signature is always new. One opened at the very instant of a guard came before it: the guard
    may be its own.
    """
    opened, made = list(incidents), list(guards)
    first = _monday(start)
    known_since: dict[str, Instant] = {}
    for guard in made:
        if guard.signature:
            known_since[guard.signature] = min(guard.created_at, known_since.get(guard.signature, guard.created_at))
    weeks = []
    for number in range(min(WEEKS_MAX, (_monday(max(start, end - 1)) - first).days // 7 + 1)):
        monday = first + timedelta(weeks=number)
        from_ns, to_ns = _instant(monday), _instant(monday + timedelta(weeks=1))
        within = [incident for incident in opened if from_ns <= incident.opened_at < to_ns]
        repeats = sum(1 for incident in within if is_repeat(incident, known_since))
        guarded = sum(1 for guard in made if guard.created_at < to_ns)
        weeks.append(Week(number + 1, monday.isoformat(), len(within), len(within) - repeats, repeats, guarded))
    return weeks


def is_repeat(incident: OpenedIncident, known_since: dict[str, Instant]) -> bool:
    """Whether a guard knew the incident's signature when it was opened; `known_since` says when the first one was made."""
    since = known_since.get(incident.signature) if incident.signature else None
    return since is not None and since < incident.opened_at


def _monday(instant: Instant) -> date:
    day = (EPOCH + timedelta(seconds=instant // NANOSECONDS)).date()
    return day - timedelta(days=day.weekday())


def _instant(day: date) -> Instant:
    return (day - EPOCH.date()).days * 86_400 * NANOSECONDS
