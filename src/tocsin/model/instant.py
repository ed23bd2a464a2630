"""
Instants and ranges of time.

An `Instant` is an `int`: nanoseconds since 1970-01-01 UTC, the unit of OTLP. In JSON it is an RFC 3339 text with nine
decimals (`2026-11-20T02:03:11.000000123Z`), because JSON numbers lose the last digits in most readers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from tocsin.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

NANOSECONDS = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT_MAX = 2**63 - 1  # 2262-04-11: the last nanosecond that the engine's DateTime64(9) and int64 can hold
INSTANT_MIN = -(2**63)
DURATION_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class InstantSchema:
    """Tells pydantic how an instant looks in JSON; pydantic is imported only when it asks."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            _read_instant,
            serialization=core_schema.plain_serializer_function_ser_schema(
                format_instant, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "examples": ["2026-11-20T02:03:11.000000123Z"]}


Instant = Annotated[int, InstantSchema()]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open range of time: `start` belongs to it, `end` does not."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            _bounded(instant, str(instant))
        if self.start > self.end:
            raise InvalidInput(
                f"the time range starts at {format_instant(self.start)}, after its end {format_instant(self.end)}; swap the two"
            )

    @property
    def duration_ns(self) -> int:
        """Its length in nanoseconds, >= 0."""
        return self.end - self.start


def _read_instant(value: Any) -> int:
    """What JSON or Python has in an instant's place; pydantic turns a ValueError into its own, which names the field."""
    if isinstance(value, int) and not isinstance(value, bool) and INSTANT_MIN <= value <= INSTANT_MAX:
        return value
    if not isinstance(value, str):
        raise ValueError("an instant is a text such as 2026-11-20T02:03:11Z, or nanoseconds since 1970")  # noqa: TRY004 - as pydantic asks
    try:
        return parse_instant(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error


def format_instant(instant: int) -> str:
    """`1700000000000000001` as `2023-11-14T22:13:20.000000001Z`; always nine decimals, always UTC."""
    seconds, nanoseconds = divmod(instant, NANOSECONDS)
    return f"{(EPOCH + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def parse_instant(text: str, *, now: int | None = None) -> int:
    """
    Read an instant that a human or a program wrote.

    Args:
        text: RFC 3339 (`2026-11-20T02:03:11.5Z`, a space for the T, a date alone, an offset; without one, UTC), seconds
            since 1970 with decimals (`1700000000.25`), or, when `now` is given, `now` and `now-15m`.
        now: What `now` means, nanoseconds since 1970-01-01 UTC.

    Returns:
        Nanoseconds since 1970-01-01 UTC.

    Raises:
        InvalidInput: The text is none of these, or an instant that 64 bits of nanoseconds can't hold (before 1677, after 2262).
    """
    return _bounded(_parse(text.strip(), now), text)


def _bounded(instant: int, text: str) -> int:
    if not INSTANT_MIN <= instant <= INSTANT_MAX:
        raise InvalidInput(f"{text!r} is out of range: instants lie between 1677-09-22 and 2262-04-11")
    return instant


def _parse(text: str, now: int | None) -> int:
    if now is not None and (match := re.fullmatch(r"now(?:\s*-\s*(.+))?", text)):
        return now - (parse_duration_ns(match[1]) if match[1] else 0)
    if match := re.fullmatch(r"(-?\d{1,11})(?:\.(\d{1,9}))?", text):
        fraction = int((match[2] or "0").ljust(9, "0"))
        return int(match[1]) * NANOSECONDS + (-fraction if text.startswith("-") else fraction)
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:?\d\d)?", text, re.IGNORECASE):
        try:
            moment = datetime.fromisoformat(match[1] + (match[3] or "Z").upper() if len(match[1]) > 10 else match[1])
        except ValueError as error:
            raise InvalidInput(f"{text!r} is not an instant: {error}") from error
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
        return (since.days * 86400 + since.seconds) * NANOSECONDS + int((match[2] or "0").ljust(9, "0"))
    raise InvalidInput(f"{text!r} is not an instant; write 2026-11-20T02:03:11Z, 2026-11-20, seconds since 1970, now or now-15m")


def parse_duration_ns(text: str) -> int:
    """
    Read a length of time: `250ms`, `90s`, `1.5h`, `1h30m`, `7d`.

    Returns:
        Nanoseconds, >= 0.

    Raises:
        InvalidInput: The text is not a sequence of numbers with a unit out of ms, s, m, h, d, w.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])", text.strip())
    if not parts or re.sub(r"\s", "", text) != "".join(number + unit for number, unit in parts):
        raise InvalidInput(f"{text!r} is not a length of time; write 250ms, 90s, 15m, 1h30m, 7d or 2w")
    seconds = sum(float(number) * DURATION_UNITS_S[unit] for number, unit in parts)
    if seconds > INSTANT_MAX / NANOSECONDS:
        raise InvalidInput(f"{text[:40]!r} is not a length of time that fits into the calendar, which has 292 years")
    return round(seconds * NANOSECONDS)
