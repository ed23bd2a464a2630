"""
Who is on call: the layers of schedules with what people changed about them. Pure: the same plan and overrides give the same answer.

    Roster(plan, overrides).who("primary", at)      -> ana, until monday 09:00, because of the layer weekly

Later layers lie over earlier ones, overrides over layers, later overrides over earlier ones. Shifts tile time: none overlaps another, and
where nobody is on call a shift says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from tocsin.errors import InvalidInput
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.model.oncall import Origin, Override, Shift
from tocsin.oncall.definition import OncallPlan, Schedule
from tocsin.oncall.rotation import turns

DAY = 86_400 * NANOSECONDS
RANGE_DAYS_MAX = 800  # shifts are worked out one by one
LOOK_AHEAD_DAYS = (2, 15, 100, 400)  # for the next hand-over


@dataclass(frozen=True, slots=True)
class OnCall:
    """
    Who is on call at an instant.

    Args:
        schedule: Its name.
        at: The instant.
        shift: The shift that it lies in; its `person` is empty when nobody is on call.
        next: The next shift of somebody else, or of nobody; None when none comes within a year.
    """

    schedule: str
    at: Instant
    shift: Shift
    next: Shift | None


@dataclass(frozen=True, slots=True)
class Roster:
    """
    Schedules with overrides.

    Args:
        plan: What the files say.
        overrides: Those in force, of any schedules, in any order.
    """

    plan: OncallPlan
    overrides: Sequence[Override] = ()

    def who(self, schedule: str, at: Instant) -> Shift:
        """
        The shift that an instant lies in, whole; its person is empty when nobody is on call.

        Raises:
            NotFound: There is no such schedule.
        """
        (shift,) = self.shifts(schedule, at, at + 1, whole=True)
        return shift

    def on_call(self, schedule: str, at: Instant) -> OnCall:
        """Who is on call at an instant, and who is next."""
        shift = self.who(schedule, at)
        for days in LOOK_AHEAD_DAYS:
            ahead = self.shifts(schedule, at, at + days * DAY)
            changed = next((other for other in ahead if other.person != shift.person), None)
            if changed is not None:
                return OnCall(schedule, at, shift, self.who(schedule, changed.start))
        return OnCall(schedule, at, shift, None)

    def shifts(self, schedule: str, start: Instant, end: Instant, *, whole: bool = False) -> list[Shift]:
        """
        Everything from `start` to `end`, without a hole and in order: shifts, and gaps in which nobody is on call.

        Args:
            schedule: Its name.
            start: Nanoseconds since 1970.
            end: The same.
            whole: Shifts that begin before or end after are whole, rather than cut; gaps are always cut.

        Raises:
            NotFound: There is no such schedule.
            InvalidInput: The range is empty, or longer than `RANGE_DAYS_MAX` days.
        """
        found = self.plan.schedule(schedule)
        if TimeRange(start, end).duration_ns > RANGE_DAYS_MAX * DAY or start == end:
            raise InvalidInput(f"shifts are listed for a range of time of at most {RANGE_DAYS_MAX} days; ask for less")
        overrides = sorted((one for one in self.overrides if one.schedule == schedule), key=lambda one: (one.created, one.id))
        if whole:
            wide_start, wide_end = _widened(found, overrides, start, end)
            shifts = [one for one in _covered(found, overrides, wide_start, wide_end) if one.start < end and one.end > start]
        else:
            covered = _covered(found, overrides, start, end)
            shifts = [replace(one, start=max(one.start, start), end=min(one.end, end)) for one in covered]
            shifts = [one for one in shifts if one.start < one.end]
        return list(_with_gaps(schedule, shifts, start, end))

    def gaps(self, schedule: str, start: Instant, end: Instant) -> list[Shift]:
        """When nobody is on call."""
        return [shift for shift in self.shifts(schedule, start, end) if shift.is_gap]


def _covered(schedule: Schedule, overrides: Iterable[Override], start: Instant, end: Instant) -> list[Shift]:
    """Shifts without gaps; those at the edges may reach beyond them, and be wrong there."""
    shifts: list[Shift] = []
    for layer in schedule.layers:
        shifts = _overlay(shifts, turns(schedule, layer, start, end))
    for override in overrides:
        if override.start < end and override.end > start:
            shifts = _overlay(shifts, list(_taken(override, shifts)))
    return shifts


def _widened(schedule: Schedule, overrides: Iterable[Override], start: Instant, end: Instant) -> tuple[Instant, Instant]:
    """The range in which every shift that touches [start, end) is whole: what cuts it begins or ends inside of it."""
    spans = [(turn.start, turn.end) for layer in schedule.layers for turn in turns(schedule, layer, start, end)]
    spans += [(override.start, override.end) for override in overrides if override.start < end and override.end > start]
    return min((begin for begin, _ in spans), default=start), max((until for _, until in spans), default=end)


def _taken(override: Override, shifts: Sequence[Shift]) -> Iterator[Shift]:
    """What an override gives to its person, in order."""
    origin = Origin.SWAP if override.swap else Origin.OVERRIDE
    if not override.replaces:
        yield Shift(override.schedule, override.start, override.end, override.person, origin, override.id)
        return
    for shift in shifts:
        start, end = max(shift.start, override.start), min(shift.end, override.end)
        if shift.person == override.replaces and start < end:
            yield Shift(override.schedule, start, end, override.person, origin, override.id)


def _overlay(lower: Sequence[Shift], upper: Sequence[Shift]) -> list[Shift]:
    """Both in order and without overlaps: what is above, and what is left of what is below."""
    if not upper or not lower:
        return list(upper or lower)
    ends = [above.end for above in upper]
    result = list(upper)
    for below in lower:
        cursor, index = below.start, bisect_right(ends, below.start)
        while index < len(upper) and upper[index].start < below.end:
            if upper[index].start > cursor:
                result.append(replace(below, start=cursor, end=upper[index].start))
            cursor, index = max(cursor, upper[index].end), index + 1
        if cursor < below.end:
            result.append(replace(below, start=cursor))
    return sorted(result, key=attrgetter("start"))


def _with_gaps(schedule: str, shifts: Sequence[Shift], start: Instant, end: Instant) -> Iterator[Shift]:
    cursor = start
    for shift in shifts:
        if shift.start > cursor:
            yield Shift(schedule, cursor, shift.start, "", Origin.NOBODY)
        yield shift
        cursor = shift.end
    if cursor < end:
        yield Shift(schedule, cursor, end, "", Origin.NOBODY)
