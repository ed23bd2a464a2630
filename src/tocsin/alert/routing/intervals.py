"""
Time intervals: when a route is quiet, or when alone it speaks.

    weekdays: ['monday:friday'], times: [{start_time: 09:00, end_time: 17:00}], location: Europe/Berlin

Fields that are given must all hold, of a field's ranges one. Times include their start and exclude their end; all else includes both.

Source: Alertmanager documentation, `<time_interval_spec>`.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tocsin.model.instant import EPOCH, NANOSECONDS, Instant

UTC_NAME = "UTC"
LOCAL_NAME = "Local"

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """
    When: every field that is not empty must hold.

    Args:
        times: Minutes of the day, [start, end), 0 to 1440.
        weekdays: 0 Sunday to 6 Saturday, both ends inside.
        days_of_month: 1 to 31, or -31 to -1 counted from the month's end; both ends inside.
        months: 1 to 12, both ends inside.
        years: Both ends inside.
        location: Name in the time zone database; `Local` is this machine's.
    """

    times: tuple[Bounds, ...] = ()
    weekdays: tuple[Bounds, ...] = ()
    days_of_month: tuple[Bounds, ...] = ()
    months: tuple[Bounds, ...] = ()
    years: tuple[Bounds, ...] = ()
    location: str = UTC_NAME

    def holds(self, at: Instant) -> bool:
        """Whether an instant lies in it."""
        moment = (EPOCH + timedelta(seconds=at // NANOSECONDS)).astimezone(_zone(self.location))
        minute = moment.hour * 60 + moment.minute
        return (
            (not self.times or any(start <= minute < end for start, end in self.times))
            and _within(self.weekdays, moment.isoweekday() % 7)
            and _within(self.months, moment.month)
            and _within(self.years, moment.year)
            and self._day_holds(moment)
        )

    def _day_holds(self, moment: datetime) -> bool:
        if not self.days_of_month:
            return True
        last = monthrange(moment.year, moment.month)[1]
        return any(_day(start, last) <= moment.day <= _day(end, last) for start, end in self.days_of_month if start <= last)


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A name for a choice of times: one of `specs` must hold."""

    name: str
    specs: tuple[TimeSpec, ...] = ()

    def holds(self, at: Instant) -> bool:
        """Whether an instant lies in one of them."""
        return any(spec.holds(at) for spec in self.specs)


def _within(ranges: tuple[Bounds, ...], value: int) -> bool:
    return not ranges or any(start <= value <= end for start, end in ranges)


def _day(day: int, last: int) -> int:
    """A day of the month from 1, held within the month: -1 is the last one."""
    return max(1, min(last, day if day > 0 else last + 1 + day))


def _zone(location: str) -> tzinfo | None:
    return None if location == LOCAL_NAME else ZoneInfo(location)
