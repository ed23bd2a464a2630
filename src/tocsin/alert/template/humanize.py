"""
Numbers for people, as Prometheus and Alertmanager write them.

    humanize 1234567     1.235M        humanizeDuration 899.99     14m 59s        humanizePercentage 0.1234567     12.35%

Source: Prometheus documentation, 'Template reference', 'Numbers'.
"""

from __future__ import annotations

import math

from tocsin.alert.template.times import GoDuration, GoTime
from tocsin.alert.template.values import Value, type_name
from tocsin.errors import InvalidInput
from tocsin.model.instant import INSTANT_MAX, NANOSECONDS

LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


def number_of(value: Value) -> float:
    """
    A number, or a text that is one.

    Raises:
        InvalidInput: It is neither.
    """
    if isinstance(value, GoDuration):
        return value.nanoseconds / NANOSECONDS
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidInput(f"a value of type {type_name(value)} is no number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{str(value)[:40]!r} is no number") from None


def _four(value: float) -> str:
    """Four significant digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.4g}"


def humanize(value: Value) -> str:
    """With k, M, G, ... or m, u, n, ..."""
    number, prefix = number_of(value), ""
    if number == 0 or not math.isfinite(number):
        return _four(number)
    if abs(number) >= 1:
        for larger in LARGE:
            if abs(number) < 1000:
                break
            number, prefix = number / 1000, larger
    else:
        for smaller in SMALL:
            if abs(number) >= 1:
                break
            number, prefix = number * 1000, smaller
    return _four(number) + prefix


def humanize_1024(value: Value) -> str:
    """With ki, Mi, Gi, ..."""
    number, prefix = number_of(value), ""
    if abs(number) <= 1 or not math.isfinite(number):
        return _four(number)
    for larger in BINARY:
        if abs(number) < 1024:
            break
        number, prefix = number / 1024, larger
    return _four(number) + prefix


def humanize_duration(value: Value) -> str:
    """Seconds as `1d 2h 3m 4s`, below a minute with four digits."""
    number, prefix = number_of(value), ""
    if not math.isfinite(number):
        return _four(number)
    if number == 0:
        return f"{_four(number)}s"
    if abs(number) < 1:
        for smaller in SMALL:
            if abs(number) >= 1:
                break
            number, prefix = number * 1000, smaller
        return f"{_four(number)}{prefix}s"
    sign, whole = ("-" if number < 0 else ""), int(abs(number))
    days, hours, minutes, seconds = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_four(abs(number))}s"


def humanize_percentage(value: Value) -> str:
    """A share of 1 as percent."""
    return f"{_four(number_of(value) * 100)}%"


def to_time(value: Value) -> GoTime:
    """
    Seconds since 1970 as an instant.

    Raises:
        InvalidInput: 64 bits of nanoseconds can't hold it.
    """
    number = number_of(value)
    if not math.isfinite(number) or abs(number) * NANOSECONDS > INSTANT_MAX:
        raise InvalidInput(f"{_four(number)} seconds since 1970 is no instant between 1678 and 2262")
    return GoTime(round(number * 1000) * 10**6)


def humanize_timestamp(value: Value) -> str:
    """Seconds since 1970 as `2015-06-23 13:19:44.128 +0000 UTC`."""
    number = number_of(value)
    return str(to_time(number)) if math.isfinite(number) else _four(number)
