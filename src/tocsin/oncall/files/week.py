"""
Times of the week as on-call files write them.

    {days: weekdays, from: "09:00", to: "17:00"}        {days: [fri, sat], from: "22:00", to: "06:00"}
    {from: friday 17:00, to: monday 09:00}              handover: monday 09:00

YAML reads a bare 09:00 as a text, which is what is meant; quotes do no harm.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime, timedelta

from tocsin.model.spelling import did_you_mean
from tocsin.oncall.definition import ALL_DAYS, DAY_MINUTES, Hours
from tocsin.oncall.wall_time import YEAR_MAX, YEAR_MIN
from tocsin.slo.files.parts import Part, Sort

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_GROUPS = {"weekdays": frozenset(range(5)), "weekends": frozenset({5, 6}), "daily": ALL_DAYS}
WEEK_MINUTES = 7 * DAY_MINUTES
LENGTH_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(days=7)}
LENGTH_MAX = timedelta(days=366)
DEFAULT_LENGTH = timedelta(days=7)
DEFAULT_START = datetime.fromisoformat("2026-01-05T09:00")  # stands in for one that is wrong

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
_DAY_AND_TIME = re.compile(r"(?:([A-Za-z]+)\s+)?(\d{1,2}:\d\d(?::\d\d)?)")
_LENGTH = re.compile(r"(\d{1,5})\s*([hdw])")


def read_zone(part: Part) -> str:
    """An IANA name of a time zone; UTC when it is wrong."""
    name = part.text("the name of a time zone")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zones = zoneinfo.available_timezones()
        city = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}.get(name.replace(" ", "_").title())
        hint = f"; did you mean {city!r}?" if city else did_you_mean(name, zones)
        part.wrong(f"no time zone is called {part.shown}; write an IANA name such as Europe/Berlin{hint}")
        return "UTC"
    return name


def read_day(part: Part, text: str) -> int:
    """A day by its name or the beginning of it; 0 is Monday, also when it is wrong."""
    found = [number for number, name in enumerate(DAYS) if len(text) >= 2 and name.startswith(text.lower())]
    if len(found) != 1:
        part.wrong(f"expected a day, monday to sunday, found {text!r}{did_you_mean(text, DAYS)}")
        return 0
    return found[0]


def read_day_and_time(part: Part) -> tuple[int | None, int]:
    """`monday 09:00` or `09:00`: the day, None without one, and minutes after midnight."""
    found = _DAY_AND_TIME.fullmatch(part.text("a time of day such as 09:00, or monday 09:00"))
    if not found:
        part.wrong(f"expected a time of day such as 09:00, or with a day, monday 09:00; found {part.shown}")
        return None, 0
    return read_day(part, found[1]) if found[1] else None, _minutes(part, found[2])


def read_hours(parts: list[Part]) -> tuple[Hours, ...]:
    """Pieces of the week, one of each part."""
    return tuple(_piece(part) for part in parts)


def read_length(part: Part) -> timedelta:
    """How long a turn lasts: `12h`, `1d`, `1w`; a week when it is wrong."""
    found = _LENGTH.fullmatch(part.text("a length of time such as 1w"))
    length = int(found[1]) * LENGTH_UNITS[found[2]] if found else timedelta()
    if not timedelta() < length <= LENGTH_MAX:
        part.wrong(f"a turn lasts a whole number of hours, days or weeks, 12h, 1d or 1w, at most a year; found {part.shown}")
        return DEFAULT_LENGTH
    return length


def read_wall_time(part: Part) -> tuple[datetime, bool]:
    """A local date, or date and time, and whether it has a time."""
    text = part.text("a local date and time such as 2026-01-05 09:00")
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?", text)
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}") if found else None
    except ValueError:
        moment = None
    if found is None or moment is None:
        zoned = re.fullmatch(r".*(Z|[+-]\d\d:?\d\d)", text) and len(text) > 10
        hint = "; its zone stands in timeZone" if zoned else ""
        part.wrong(f"expected a local date and time such as 2026-01-05 09:00, found {part.shown}{hint}")
        return DEFAULT_START, True
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        part.wrong(f"expected a date from {YEAR_MIN} to {YEAR_MAX}, found {part.shown}")
        return DEFAULT_START, True
    return moment, found[2] is not None


def _piece(part: Part) -> Hours:
    fields = part.fields("a piece of the week", ("days", "from", "to"))
    days = _days(fields.found["days"]) if "days" in fields else None
    start_part, end_part = fields.optional("from"), fields.optional("to")
    if days is None and start_part is None and end_part is None:
        fields.wrong("a piece of the week needs days, or from and to, as in {days: weekdays, from: '09:00', to: '17:00'}")
    first, start = read_day_and_time(start_part) if start_part is not None else (None, 0)
    last, end = _end(end_part) if end_part is not None else (None, DAY_MINUTES)
    if first is None and last is None:
        lasting = end - start if end > start else end - start + DAY_MINUTES
        return Hours(days if days is not None else ALL_DAYS, start, lasting)
    if first is None or last is None or days is not None:
        part.wrong(
            "a piece of the week has days beside plain times, or a day in both from and to, as in {from: friday 17:00, to: monday 09:00}"
        )
        return Hours(ALL_DAYS, 0, DAY_MINUTES)
    lasting = (last * DAY_MINUTES + end - first * DAY_MINUTES - start) % WEEK_MINUTES
    return Hours(frozenset({first}), start, lasting or WEEK_MINUTES)


def _end(part: Part) -> tuple[int | None, int]:
    """The same as the beginning of a piece, but 24:00 is allowed."""
    text = part.text("a time of day such as 17:00")
    if found := re.fullmatch(r"(?:([A-Za-z]+)\s+)?24:00", text):
        return read_day(part, found[1]) if found[1] else None, DAY_MINUTES
    return read_day_and_time(part)


def _days(part: Part) -> frozenset[int]:
    if part.sort is Sort.LIST:
        return frozenset(number for item in part.items for number in _day_group(item)) or ALL_DAYS
    return _day_group(part)


def _day_group(part: Part) -> frozenset[int]:
    text = part.text("days: weekdays, weekends, daily, or names of days").lower()
    if text in DAY_GROUPS:
        return DAY_GROUPS[text]
    if found := re.fullmatch(r"([a-z]+)\s*-\s*([a-z]+)", text):
        first, last = read_day(part, found[1]), read_day(part, found[2])
        return frozenset((first + offset) % 7 for offset in range((last - first) % 7 + 1))
    if text and did_you_mean(text, DAY_GROUPS):
        part.wrong(f"expected weekdays, weekends, daily, or names of days; found {part.shown}{did_you_mean(text, DAY_GROUPS)}")
        return ALL_DAYS
    return frozenset({read_day(part, text)})


def _minutes(part: Part, text: str) -> int:
    found = _TIME.fullmatch(text)
    if not found:
        part.wrong(f"expected a time of day from 00:00 to 23:59, found {text!r}")
        return 0
    return int(found[1]) * 60 + int(found[2])
