"""
Where the window of an objective lies at an instant, in whole minutes.

    window_at(RollingWindow(30 days), 12:00:45)        ends at 12:00:00, began 43,200 minutes before
    window_at(CalendarWindow(1, "M", ...), 20 November) November in that time zone: 43,200 minutes; March in Berlin has 44,580

Calendar periods are counted from the start that the file names, in both directions, in local time: a day may have 23 or 25 hours. A
period that starts on the 31st starts on the last day of shorter months. A local time that the clock skips is the instant it jumps
over; one that comes twice is the first.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.errors import InvalidInput
from tocsin.model.instant import EPOCH
from tocsin.slo.definition import CalendarWindow, Window
from tocsin.slo.minutes import MINUTE_S, MinuteRange

DAYS = {"d": 1, "w": 7}
MONTHS = {"M": 1, "Q": 3, "Y": 12}
DAYS_PER_MONTH = 30.436875  # the mean of the Gregorian calendar, for a first guess at a period's number


@dataclass(frozen=True, slots=True)
class WindowAt:
    """
    A window at an instant; all three are seconds since 1970, multiples of 60.

    Args:
        start_s: Its first minute.
        end_s: Its end; ahead of the instant in a calendar window.
        elapsed_end_s: The end of the last whole minute that has passed; start_s <= elapsed_end_s <= end_s.
    """

    start_s: int
    end_s: int
    elapsed_end_s: int

    @property
    def minutes(self) -> int:
        """Minutes of the whole window."""
        return (self.end_s - self.start_s) // MINUTE_S

    @property
    def elapsed(self) -> MinuteRange:
        """The part that has passed."""
        return MinuteRange(self.start_s, self.elapsed_end_s)

    @property
    def whole(self) -> MinuteRange:
        """All of it."""
        return MinuteRange(self.start_s, self.end_s)


def window_at(window: Window, at_s: int) -> WindowAt:
    """
    Where a window lies.

    Args:
        window: Rolling or calendar.
        at_s: The instant, seconds since 1970; what counts is the last whole minute.

    Raises:
        InvalidInput: The time zone is not known, the start is no local time, or a period leaves the calendar (years 1 to 9999).
    """
    now_s = floor_minute(at_s)
    if isinstance(window, CalendarWindow):
        start_s, end_s = _period(window, now_s)
        return WindowAt(start_s, end_s, now_s)
    return WindowAt(now_s - ceil_minute(window.duration_s), now_s, now_s)


def floor_minute(at_s: int) -> int:
    """The start of the minute that an instant lies in, seconds since 1970."""
    return at_s // MINUTE_S * MINUTE_S


def ceil_minute(at_s: int) -> int:
    """The first start of a minute that is not before an instant, seconds since 1970."""
    return -(-at_s // MINUTE_S) * MINUTE_S


def _period(window: CalendarWindow, now_s: int) -> tuple[int, int]:
    try:
        if window.count < 1:
            raise ValueError(f"{window.count} units")
        zone = ZoneInfo(window.time_zone)
        origin = datetime.fromisoformat(window.start)
        number = _guess(window, origin, (EPOCH + timedelta(seconds=now_s)).astimezone(zone).replace(tzinfo=None))
        while _start_s(window, origin, zone, number) > now_s:
            number -= 1
        while _start_s(window, origin, zone, number + 1) <= now_s:
            number += 1
        return _start_s(window, origin, zone, number), _start_s(window, origin, zone, number + 1)
    except (KeyError, ValueError, TypeError, ArithmeticError, OSError) as error:
        raise InvalidInput(
            f"a calendar window of {window.count}{window.unit} from {window.start!r} in {window.time_zone!r} can't be placed at "
            f"{EPOCH + timedelta(seconds=now_s):%Y-%m-%d %H:%M} UTC: {error}; write a unit out of d, w, M, Q, Y, a start such as "
            "2026-01-01 00:00:00, an IANA time zone, and periods within the years 1 to 9999"
        ) from error


def _guess(window: CalendarWindow, origin: datetime, local: datetime) -> int:
    """About the number of the period that `local` lies in; at most one or two off."""
    days = window.count * (DAYS[window.unit] if window.unit in DAYS else MONTHS[window.unit] * DAYS_PER_MONTH)
    return int((local - origin) / timedelta(days=days))


def _start_s(window: CalendarWindow, origin: datetime, zone: ZoneInfo, number: int) -> int:
    """Start of the period with that number (0 is the one that starts at `origin`), seconds since 1970."""
    if window.unit in DAYS:
        local = origin + timedelta(days=number * window.count * DAYS[window.unit])
    else:
        year, month = divmod(origin.year * 12 + origin.month - 1 + number * window.count * MONTHS[window.unit], 12)
        local = origin.replace(year=year, month=month + 1, day=min(origin.day, monthrange(year, month + 1)[1]))
    return floor_minute(int((local.replace(tzinfo=zone) - EPOCH).total_seconds()))
