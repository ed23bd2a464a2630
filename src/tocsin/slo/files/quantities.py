"""
Targets, lengths of time, windows and instants as SLO files write them.

    99.9%   0.999        30d  4w  1M  1Q          2026-01-21 12:30:00 in Europe/Berlin

Targets are computed in decimals: 99.9 % is 0.999, not 0.9990000000000001.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from decimal import Decimal

from tocsin.errors import InvalidInput
from tocsin.model.instant import NANOSECONDS, format_instant, parse_duration_ns, parse_instant
from tocsin.model.spelling import did_you_mean
from tocsin.slo.definition import CalendarWindow, RollingWindow, Window
from tocsin.slo.files.parts import Part, Sort

DEFAULT_TARGET = 0.99  # stands in for one that is wrong
DEFAULT_WINDOW = RollingWindow(30 * 86_400)
MONTH_MINUTES = 30 * 1440
TARGET_REMARK = 0.999999  # above it a month allows less than 3 seconds
UNLIKELY_TARGET = 0.5  # below it the failures were probably meant
WINDOW_DAYS_MAX = 3660
UNLIKELY_WINDOW_S = 3600

# Months, quarters and years roll by as fixed numbers of days; only a calendar window follows the calendar.
# Source: OpenSLO v1, duration-shorthand, which leaves that to the implementation.
SHORTHAND_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 30 * 86_400, "Q": 90 * 86_400, "Y": 365 * 86_400}
CALENDAR_UNITS = "dwMQY"
UNIT_SLIPS = {"D": "d", "W": "w", "H": "h", "y": "Y", "q": "Q", "min": "m", "mo": "M", "days": "d", "weeks": "w", "months": "M"}

_SHORTHAND = re.compile(r"(\d{1,6})([mhdwMQY])")
_UNIT = re.compile(r"(\d{1,6})\s*([A-Za-z]+)")
_SHARE = re.compile(r"(\d{1,4}(?:\.\d{1,15})?|\.\d{1,15})\s*(%?)")


def read_share(part: Part, what: str) -> float:
    """A share as `95%` or `0.95`, 0 to 1; 0.5 when it is wrong."""
    found = _SHARE.fullmatch(part.text("a share, 95% or 0.95"))
    share = Decimal(found[1]) / (100 if found[2] else 1) if found else None
    if share is not None and share <= 1:
        return float(share)
    hint = f"; did you mean {found[1]}%?" if found and not found[2] and share is not None and share <= 100 else ""
    part.wrong(f"{what} is a share, 95% or 0.95; found {part.shown}{hint}")
    return 0.5


def read_target(part: Part) -> float:
    """The target of our own kinds: `99.9%` or `0.999`."""
    found = _SHARE.fullmatch(part.text("a target, 99.9% or 0.999"))
    if not found:
        part.wrong(f"the target is a share of good events, 99.9% or 0.999; found {part.shown}")
        return DEFAULT_TARGET
    if not found[2] and 1 < Decimal(found[1]) <= 100:
        part.wrong(f"the target {found[1]} is more than everything; did you mean {found[1]}%?")
        return DEFAULT_TARGET
    return check_target(part, Decimal(found[1]) / (100 if found[2] else 1))


def check_target(part: Part, share: Decimal) -> float:
    """A target as a share: what can't be kept is a mistake, what is hard to keep is remarked."""
    if share == 1:
        part.wrong(
            "a target of 100 % leaves no error budget: every failure would be a breach, and no deployment safe; "
            f"99.99 % allows {MONTH_MINUTES * 0.0001:.1f} minutes a month"
        )
        return DEFAULT_TARGET
    if not 0 < share < 1:
        part.wrong(f"the target must lie between 0 and 100 %, both left out; found {part.shown}")
        return DEFAULT_TARGET
    if share > Decimal(repr(TARGET_REMARK)):
        seconds = float((1 - share) * MONTH_MINUTES * 60)
        part.remark(f"a target of {in_percent(float(share))} allows {seconds:.1g} seconds a month, less than anybody can react in")
    elif share < Decimal(repr(UNLIKELY_TARGET)):
        part.remark(f"a target of {in_percent(float(share))} lets most events fail; the target is the share of good ones")
    return float(share)


def in_percent(share: float) -> str:
    """`0.9995` as `99.95 %`, every digit that the share has."""
    return f"{(Decimal(repr(share)) * 100).normalize():f} %"


def read_shorthand(part: Part, *, zero: bool = False) -> tuple[int, str]:
    """
    OpenSLO's duration: a whole number and one of m, h, d, w, M, Q, Y.

    Returns:
        Number and unit; `(1, "d")` when it is wrong.
    """
    text = part.text("a length of time such as 30d")
    found = _SHORTHAND.fullmatch(text)
    if found and (int(found[1]) > 0 or zero):
        return int(found[1]), found[2]
    loose = _UNIT.fullmatch(text)
    unit = UNIT_SLIPS.get(loose[2]) if loose else None
    hint = f"; did you mean '{loose[1]}{unit}'?" if loose and unit else ""
    if text.isdecimal() and not hint:
        hint = f"; did you mean '{text}m' or '{text}d'?"
    number = "a whole number" if zero else "a whole number above 0"
    part.wrong(f"expected a length of time, {number} followed by m, h, d, w, M (month), Q or Y; found {part.shown}{hint}")
    return 1, "d"


def read_shorthand_s(part: Part, *, zero: bool = False) -> int:
    """OpenSLO's duration in seconds."""
    count, unit = read_shorthand(part, zero=zero)
    return count * SHORTHAND_S[unit]


def rolling(part: Part, count: int, unit: str) -> RollingWindow:
    """A rolling window; a month is 30 days, which is remarked, as is a window too short for a budget."""
    if count * SHORTHAND_S[unit] > WINDOW_DAYS_MAX * 86_400:
        part.wrong(f"a window is at most {WINDOW_DAYS_MAX} days long; found {part.shown}")
        return DEFAULT_WINDOW
    if unit in "MQY":
        days = count * SHORTHAND_S[unit] // 86_400
        part.remark(f"a rolling window of {part.shown} is read as {days} days; a calendar window follows the calendar")
    elif count * SHORTHAND_S[unit] < UNLIKELY_WINDOW_S:
        month = f"; m is minutes, a month is {count}M" if unit == "m" else ""
        part.remark(f"a window of {part.shown} is too short to say much: its budget comes and goes with single requests{month}")
    return RollingWindow(count * SHORTHAND_S[unit])


def calendar(part: Part, count: int, unit: str, start: Part | None, zone: Part | None) -> CalendarWindow:
    """
    A calendar window.

    Args:
        part: The duration.
        count: Its number.
        unit: Its unit.
        start: Local time at which some period starts; None: the first of January 2024, which is a Monday.
        zone: IANA name; None: UTC.
    """
    if unit not in CALENDAR_UNITS:
        part.wrong(f"a calendar window is of d, w, M, Q or Y, whole days at least; found {part.shown}; a rolling one may be shorter")
        unit = "d"
    elif count * SHORTHAND_S[unit] > WINDOW_DAYS_MAX * 86_400:
        part.wrong(f"a window is at most {WINDOW_DAYS_MAX} days long; found {part.shown}")
    return CalendarWindow(count, unit, _local_time(start), _zone(zone))


def _local_time(part: Part | None) -> str:
    if part is None:
        return "2024-01-01 00:00:00"
    text = part.text("a local time such as 2026-01-01 00:00:00")
    try:
        moment = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        moment = None
    if moment is None:
        part.wrong(f"expected a local time such as 2026-01-01 00:00:00, found {part.shown}")
    elif moment.tzinfo is not None:
        part.wrong(f"the start of a calendar window is local time, its zone stands in timeZone; found {part.shown}")
    else:
        return f"{moment.replace(microsecond=0, tzinfo=None):%Y-%m-%d %H:%M:%S}".rjust(19, "0")
    return "2024-01-01 00:00:00"


def _zone(part: Part | None) -> str:
    name = part.text("the name of a time zone") if part is not None else "UTC"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        assert part is not None, "UTC is there always"
        part.wrong(f"no time zone is called {part.shown}; write an IANA name such as Europe/Berlin{_nearest_zone(name)}")
        return "UTC"
    return name


def _nearest_zone(name: str) -> str:
    zones = zoneinfo.available_timezones()
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
    by_city = cities.get(name.replace(" ", "_").title())
    return f"; did you mean {by_city!r}?" if by_city else did_you_mean(name, zones)


def read_length_s(part: Part, *, whole_minutes: bool = False) -> float:
    """
    A length of time of our own kinds in seconds: `300ms`, `90s`, `1h30m`, `7d`; 60 when it is wrong.

    Args:
        part: The text.
        whole_minutes: Counts are kept per minute, so it must be a multiple of one.
    """
    text = part.text("a length of time such as 300ms, 5m or 30d")
    try:
        length_ns = parse_duration_ns(text)
    except InvalidInput:
        hint = "; write its unit" if re.fullmatch(r"[\d.]+", text) else ""
        part.wrong(f"expected a length of time such as 300ms, 5m, 2h or 30d, found {part.shown}{hint}")
        return 60.0
    if length_ns == 0 or (whole_minutes and length_ns % (60 * NANOSECONDS)):
        part.wrong(f"expected {'whole minutes' if whole_minutes else 'more than nothing'}, found {part.shown}; counts are kept per minute")
        return 60.0
    return length_ns / NANOSECONDS


def read_window(part: Part) -> Window:
    """The window of our own kinds: `30d`, or `{calendar: 1M, start: 2026-01-01, timeZone: Europe/Berlin}`."""
    if part.sort is Sort.SCALAR:
        count, unit = read_shorthand(part)
        return rolling(part, count, unit)
    fields = part.fields("a window", ("calendar", "start", "timeZone"))
    length = fields.needed("calendar", "as in {calendar: 1M, start: 2026-01-01, timeZone: Europe/Berlin}; or write 30d alone")
    if length is None:
        return DEFAULT_WINDOW
    count, unit = read_shorthand(length)
    return calendar(length, count, unit, fields.optional("start"), fields.optional("timeZone"))


def read_instant(part: Part) -> int:
    """An instant, nanoseconds since 1970; without a zone it is UTC."""
    try:
        return parse_instant(part.text("an instant"))
    except InvalidInput as error:
        part.wrong(str(error))
        return 0


def shown_instant(instant: int) -> str:
    """An instant for messages, to the second."""
    return format_instant(instant)[:19] + "Z"
