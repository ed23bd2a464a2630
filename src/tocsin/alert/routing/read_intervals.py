"""The `time_intervals` block of an Alertmanager's file: times of day, weekdays, days of the month, months and years by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.alert.routing import fields as read
from tocsin.alert.routing.intervals import LOCAL_NAME, UTC_NAME, Bounds, TimeInterval, TimeSpec
from tocsin.model.spelling import did_you_mean
from tocsin.slo.files.parts import Part

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MINUTES_OF_DAY = 1440
DAYS_MAX = 31
YEAR_MAX = 9999

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24:00)")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SPEC = ("times", "weekdays", "days_of_month", "months", "years", "location")


def read_intervals(parts: Sequence[Part], found: dict[str, TimeInterval]) -> None:
    """Add the time intervals of a block to those found already, by name."""
    for part in parts:
        fields = read.mapping(part, "a time interval", ("name", "time_intervals"))
        name = fields.text("name")
        interval = TimeInterval(name, tuple(_spec(item) for item in read.elements(fields.optional("time_intervals"), "times")))
        if not name:
            part.wrong("a time interval needs a name")
        elif name in found:
            part.wrong(f"two time intervals are called {name!r}; each needs a name of its own")
        else:
            found[name] = interval


def _spec(part: Part) -> TimeSpec:
    fields = read.mapping(part, "a time interval", _SPEC)
    location = fields.optional("location")
    return TimeSpec(
        times=tuple(_times(item) for item in read.elements(fields.optional("times"), "times")),
        weekdays=_ranges(fields.optional("weekdays"), _weekday),
        days_of_month=_ranges(fields.optional("days_of_month"), _day),
        months=_ranges(fields.optional("months"), _month),
        years=_ranges(fields.optional("years"), _year),
        location=_location(location) if location is not None else UTC_NAME,
    )


def _times(part: Part) -> Bounds:
    fields = read.mapping(part, "a time", ("start_time", "end_time"))
    start, end = (_minute(found) if (found := fields.needed(name)) is not None else None for name in ("start_time", "end_time"))
    if start is None or end is None:
        return 0, MINUTES_OF_DAY
    if start >= end:
        fields.wrong("a time ends after it starts; write what goes past midnight as two, until 24:00 and from 00:00")
    return start, end


def _minute(part: Part) -> int | None:
    match = _CLOCK.fullmatch(part.text("a time of day such as 09:30"))
    if match is None:
        part.wrong(f"expected a time of day from 00:00 to 24:00, found {part.shown}")
        return None
    return MINUTES_OF_DAY if match[3] else int(match[1]) * 60 + int(match[2])


def _ranges(part: Part | None, reader: Callable[[Part, str], int | None]) -> tuple[Bounds, ...]:
    found = []
    for item in read.elements(part, "ranges"):
        text = item.text("a range such as 1:5")
        first, colon, last = text.partition(":")
        start = reader(item, first)
        end = reader(item, last) if colon else start
        if start is None or end is None:
            continue
        if reader is _day and start < 0 < end:
            item.wrong(f"the range {text!r} begins at the month's end and ends at its start; write it as two")
        # Counted from the end of a month of 31 days, which is as late as a day can be.
        elif start > (DAYS_MAX + 1 + end if reader is _day and end < 0 < start else end):
            item.wrong(f"the range {text!r} ends before it starts; write it as two")
        found.append((start, end))
    return tuple(found)


def _weekday(part: Part, text: str) -> int | None:
    return _named(part, text, {name: index for index, name in enumerate(WEEKDAYS)}, "a day of the week")


def _month(part: Part, text: str) -> int | None:
    if _NUMBER.fullmatch(text):
        return _numbered(part, text, 1, 12, "a month")
    return _named(part, text, {name: index for index, name in enumerate(MONTHS, 1)}, "a month")


def _day(part: Part, text: str) -> int | None:
    number = _numbered(part, text, -DAYS_MAX, DAYS_MAX, "a day of the month, from 1, or counted from the month's end, from -1,")
    if number == 0:
        part.wrong("expected a day of the month, from 1, or counted from the month's end, from -1, found 0")
        return None
    return number


def _year(part: Part, text: str) -> int | None:
    return _numbered(part, text, 0, YEAR_MAX, "a year")


def _numbered(part: Part, text: str, lowest: int, highest: int, what: str) -> int | None:
    if not _NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        part.wrong(f"expected {what} between {lowest} and {highest}, found {text!r}")
        return None
    return int(text)


def _named(part: Part, text: str, known: Mapping[str, int], what: str) -> int | None:
    if text.lower() not in known:
        part.wrong(f"expected {what} such as {next(iter(known))}, found {text!r}{did_you_mean(text, known)}")
        return None
    return known[text.lower()]


def _location(part: Part) -> str:
    text = part.text("a time zone such as Europe/Berlin")
    if text == LOCAL_NAME or not text:
        return text or UTC_NAME
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        part.wrong(f"no time zone is called {part.shown}; write a name such as Europe/Berlin, UTC or Local")
        return UTC_NAME
    return text
