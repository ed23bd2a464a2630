"""
Go's instants and lengths of time, as templates see them.

    {{ (index .Alerts 0).StartsAt.Format "2006-01-02 15:04 MST" }}     2026-11-20 02:03 UTC

Source: Go documentation, package time (layouts, `Time.String`, `Duration.String`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tocsin.alert.template.values import Function, Kind, Structure, Value
from tocsin.errors import InvalidInput
from tocsin.model.instant import EPOCH, NANOSECONDS, Instant

YEAR_MAX = 9999
ZERO_TIME_S = -62135596800  # Go's zero: the first of January of the year 1
DEFAULT_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"
RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00"

_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|_?2006|__2|_2|002|0[1-6]|15|PM|pm"
    r"|[Z-]07:00:00|[Z-]070000|[Z-]07:00|[Z-]0700|[Z-]07|[.,](?:0+|9+)(?!\d)|[1-5]"
)
_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_PARSED = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS_NS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


class GoDuration(Structure):
    """
    A length of time.

    Args:
        nanoseconds: How long; may be below 0.
    """

    type_name = "time.Duration"

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __str__(self) -> str:
        return format_duration(self.nanoseconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoDuration) and self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def methods(self) -> Mapping[str, Function]:
        """Go's."""
        whole = self.nanoseconds
        return {
            "Hours": Function(lambda: whole / (3600 * NANOSECONDS)),
            "Microseconds": Function(lambda: int(whole / 1000)),
            "Milliseconds": Function(lambda: int(whole / 10**6)),
            "Minutes": Function(lambda: whole / (60 * NANOSECONDS)),
            "Nanoseconds": Function(lambda: whole),
            "Round": Function(lambda to: GoDuration(_rounded(whole, to.nanoseconds)), (Kind.DURATION,)),
            "Seconds": Function(lambda: whole / NANOSECONDS),
            "String": Function(self.__str__),
            "Truncate": Function(lambda to: GoDuration(_truncated(whole, to.nanoseconds)), (Kind.DURATION,)),
        }


def _truncated(value: int, to: int) -> int:
    return value if to <= 0 else (abs(value) // to * to) * (1 if value >= 0 else -1)


def _rounded(value: int, to: int) -> int:
    return value if to <= 0 else ((abs(value) + to // 2) // to * to) * (1 if value >= 0 else -1)


def format_duration(nanoseconds: int) -> str:
    """`1h2m3.5s`, `150ms`, `0s`."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest == 0:
        return "0s"
    if rest < NANOSECONDS:
        unit, size = next((unit, size) for unit, size in (("ms", 10**6), ("µs", 1000), ("ns", 1)) if rest >= size)
        return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, seconds_ns = divmod(rest, 60 * NANOSECONDS)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(seconds_ns, NANOSECONDS)}s"
    if hours:
        text = f"{hours}h{minutes}m{text}"
    elif minutes:
        text = f"{minutes}m{text}"
    return sign + text


def _decimal(value: int, size: int) -> str:
    whole, part = divmod(value, size)
    digits = f"{part:0{len(str(size)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{digits}" if digits else str(whole)


def parse_go_duration(text: str) -> GoDuration:
    """
    `1h15m30.918s`.

    Raises:
        InvalidInput: It is no length of time as Go writes it.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    parts = _PARSED.findall(rest[:64])
    if rest != "0" and (not parts or "".join(number + unit for number, unit in parts) != rest):
        raise InvalidInput(f"{text[:40]!r} is no length of time; write 90s, 1h15m or 250ms")
    return GoDuration(sign * round(sum(float(number) * _UNITS_NS[unit] for number, unit in parts)))


class GoTime(Structure):
    """
    An instant in a time zone.

    Args:
        instant: Nanoseconds since 1970-01-01 UTC.
        zone: Where it is read.
    """

    type_name = "time.Time"

    def __init__(self, instant: Instant, zone: tzinfo = UTC) -> None:
        self.instant = instant
        self.zone = zone

    def __str__(self) -> str:
        return self.format(DEFAULT_LAYOUT)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoTime) and self.instant == other.instant

    def __hash__(self) -> int:
        return hash(self.instant)

    @property
    def local(self) -> datetime:
        """The same in Python, to the second; the years 1 to 9999."""
        try:
            return (EPOCH + timedelta(seconds=self.instant // NANOSECONDS)).astimezone(self.zone)
        except OverflowError:
            raise InvalidInput("an instant lies outside of the years 1 to 9999") from None

    def format(self, layout: str) -> str:
        """Written as a layout of Go says, in which `2006-01-02 15:04:05` stands for what to put there."""
        local, nanoseconds = self.local, self.instant % NANOSECONDS
        return _LAYOUT.sub(lambda found: _part(found[0], local, nanoseconds), layout)

    def methods(self) -> Mapping[str, Function]:
        """Those of Go that a text can use."""
        local, instant = self.local, self.instant
        numbers: Mapping[str, Callable[[], Value]] = {
            "Day": lambda: local.day,
            "Hour": lambda: local.hour,
            "IsZero": lambda: instant == ZERO_TIME_S * NANOSECONDS,
            "Local": lambda: GoTime(instant),
            "Minute": lambda: local.minute,
            "Month": lambda: _MONTHS[local.month - 1],
            "Nanosecond": lambda: instant % NANOSECONDS,
            "Second": lambda: local.second,
            "String": self.__str__,
            "UTC": lambda: GoTime(instant),
            "Unix": lambda: instant // NANOSECONDS,
            "UnixMilli": lambda: instant // 10**6,
            "UnixNano": lambda: instant,
            "Weekday": lambda: _DAYS[local.weekday()],
            "Year": lambda: local.year,
            "YearDay": lambda: local.timetuple().tm_yday,
        }
        one = (Kind.TIME,)
        return {
            **{name: Function(run) for name, run in numbers.items()},
            "Add": Function(lambda duration: GoTime(instant + duration.nanoseconds, self.zone), (Kind.DURATION,)),
            "After": Function(lambda other: instant > other.instant, one),
            "Before": Function(lambda other: instant < other.instant, one),
            "Equal": Function(lambda other: instant == other.instant, one),
            "Format": Function(self.format, (Kind.TEXT,)),
            "Sub": Function(lambda other: GoDuration(instant - other.instant), one),
        }


def zone_of(name: str) -> tzinfo:
    """
    A time zone by its name, `Europe/Berlin`; UTC for an empty one, `UTC` and `Local`.

    Raises:
        InvalidInput: There is none of this name.
    """
    if name in ("", "UTC", "Local"):
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise InvalidInput(f"no time zone is called {name[:60]!r}; write one as Europe/Berlin") from None


def _part(piece: str, local: datetime, nanoseconds: int) -> str:
    if piece[0] in ".,":
        digits = f"{nanoseconds:09d}"[: len(piece) - 1]
        if piece[1] == "9":
            digits = digits.rstrip("0")
        return piece[0] + digits if digits else ""
    if piece[0] in "Z-" and piece != "MST":
        return _offset(piece, local)
    hour = local.hour % 12 or 12
    parts: Mapping[str, Callable[[], str]] = {
        "January": lambda: _MONTHS[local.month - 1],
        "Jan": lambda: _MONTHS[local.month - 1][:3],
        "Monday": lambda: _DAYS[local.weekday()],
        "Mon": lambda: _DAYS[local.weekday()][:3],
        "MST": lambda: local.tzname() or "",
        "2006": lambda: f"{local.year:04d}",
        "_2006": lambda: f"_{local.year:04d}",
        "06": lambda: f"{local.year % 100:02d}",
        "01": lambda: f"{local.month:02d}",
        "1": lambda: str(local.month),
        "002": lambda: f"{local.timetuple().tm_yday:03d}",
        "__2": lambda: f"{local.timetuple().tm_yday:3d}",
        "02": lambda: f"{local.day:02d}",
        "_2": lambda: f"{local.day:2d}",
        "2": lambda: str(local.day),
        "15": lambda: f"{local.hour:02d}",
        "03": lambda: f"{hour:02d}",
        "3": lambda: str(hour),
        "04": lambda: f"{local.minute:02d}",
        "4": lambda: str(local.minute),
        "05": lambda: f"{local.second:02d}",
        "5": lambda: str(local.second),
        "PM": lambda: "AM" if local.hour < 12 else "PM",
        "pm": lambda: "am" if local.hour < 12 else "pm",
    }
    return parts[piece]()


def _offset(piece: str, local: datetime) -> str:
    offset = local.utcoffset() or timedelta()
    if piece[0] == "Z" and not offset:
        return "Z"
    seconds = round(abs(offset).total_seconds())
    sign = "-" if offset < timedelta() else "+"
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    match piece[1:]:
        case "07:00:00":
            return f"{sign}{hours:02d}:{minutes:02d}:{rest:02d}"
        case "070000":
            return f"{sign}{hours:02d}{minutes:02d}{rest:02d}"
        case "07:00":
            return f"{sign}{hours:02d}:{minutes:02d}"
        case "0700":
            return f"{sign}{hours:02d}{minutes:02d}"
    return f"{sign}{hours:02d}"
