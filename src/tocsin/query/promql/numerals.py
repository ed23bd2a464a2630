"""
Lengths of time, numbers and strings, as PromQL writes them.

`1h30m` is 5,400,000 ms; units go from the longest to the shortest, each at most once; a year has 365 days.
Source: Prometheus documentation, 'Querying basics', float literals and time durations.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from tocsin.errors import InvalidInput

UNITS_MS = {"y": 365 * 86_400_000, "w": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}

# Upstream counts nanoseconds in 64 bits, which ends after 292 years: a longer time is refused here as there.
DURATION_MS_MAX = (2**63 - 1) // 1_000_000

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}

# No duration in range has a number with more digits; converting one would only cost time.
_DIGITS_MAX = 20

_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in UNITS_MS))
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_NUMBER = re.compile(
    r"0[xX](?P<hex>_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|"
    rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_OCTAL = re.compile(r"0[0-7_]+")


def parse_duration_ms(text: str) -> int:
    """
    The length of time that a text like `1h30m` writes, milliseconds.

    Raises:
        InvalidInput: It writes none, or one longer than 292 years.
    """
    found = _DURATION.fullmatch(text)
    digits = [number for number in found.groups() if number] if found else []
    if found is None or not digits:
        message = f'expected a duration such as 5m or 1h30m, found "{text[:100]}": numbers with units y, w, d, h, m, s, ms, in this order'
        raise InvalidInput(message)
    too_long = max(map(len, digits)) > _DIGITS_MAX
    ms = 0 if too_long else sum(int(number) * UNITS_MS[unit] for unit, number in found.groupdict().items() if number)
    if too_long or ms > DURATION_MS_MAX:
        raise InvalidInput(f'duration out of range: "{text[:100]}" is longer than 292 years')
    return ms


def parse_number(text: str) -> float | None:
    """The number that a text like `1_000.5`, `0x1F`, `0755` (octal) or `1e3` writes, without sign; None if it is none or too large."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    digits = text.replace("_", "")
    if found["hex"] is not None:
        return _whole(digits[2:], 16)
    if _OCTAL.fullmatch(text) and len(digits) > 1:
        return _whole(digits, 8)
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole(digits: str, base: int) -> float | None:
    # More than 250 digits are more than a float holds.
    return float(int(digits, base)) if len(digits) <= 250 else None


def seconds_to_ms(seconds: float) -> int | None:
    """Seconds as whole milliseconds, cut as upstream cuts; None if it is not finite or longer than 292 years."""
    if not math.isfinite(seconds) or abs(seconds) * 1000 > DURATION_MS_MAX:
        return None
    return int(Decimal(repr(seconds)) * 1000)


def format_duration(ms: int) -> str:
    """
    The writing of a length of time in the fewest units: 5,400,000 is `1h30m`, 0 is `0s`, and what is below zero begins with `-`.

    Years and weeks are written only where nothing remains, as upstream does: 8 days are `8d`, 14 days are `2w`.
    """
    if ms == 0:
        return "0s"
    parts, rest = ["-" if ms < 0 else ""], abs(ms)
    for unit, size in UNITS_MS.items():
        if unit in {"y", "w"} and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_number(value: float) -> str:
    """The shortest decimal writing that reads back as the same number, without exponent: `1000`, `0.1`, `+Inf`, `-Inf`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def quote(text: str) -> str:
    """A string in double quotes, with what doesn't print escaped."""
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 128:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"
