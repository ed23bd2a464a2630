"""
Numbers as exporters write them: a kernel for the usual ones, Python for the rest, and the form that bounds of buckets are stored in.

A mantissa below 2^53 and a power of ten of at most 22 make one exact multiplication or division of two exact numbers, so the result is
rounded once, as it should be. Up to 19 digits go to `decimal_double`; the rest is checked against the grammar and given to `float`.

Source: W. D. Clinger, "How to read floating point numbers accurately" (the fast path); OpenMetrics 1.0, "Numbers"; Prometheus 3.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.decimal_double import POWER_MAX, round_decimal

POWERS_OF_TEN = np.array([float(f"1e{power}") for power in range(23)])
DIGITS_MAX = 19
"""Significant digits that surely fit into 64 bits."""
EXACT_MAX = np.uint64(2**53)
TIME_DIGITS_MAX = 18
"""What surely fits into 64 bits; no instant that can be stored has as many."""

_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(rb"[+-]?inf(?:inity)?|nan", re.IGNORECASE)


@njit(cache=True, nogil=True)
def read_exponent(body: NDArray[np.uint8], start: int, end: int) -> tuple[int, bool]:
    """The number behind an `e`, if it has digits only, at most four; and whether it has."""
    negative = False
    if start < end and (body[start] == 43 or body[start] == 45):
        negative = body[start] == 45
        start += 1
    if start >= end or end - start > 4:
        return 0, False
    exponent = 0
    for index in range(start, end):
        digit = body[index] - 48
        if digit < 0 or digit > 9:
            return 0, False
        exponent = exponent * 10 + digit
    return -exponent if negative else exponent, True


@njit(cache=True, nogil=True)
def read_word(body: NDArray[np.uint8], start: int, end: int) -> tuple[float, bool]:
    """`NaN`, `+Inf`, `-Inf` and `Inf` as exporters write them; False for anything else."""
    size = end - start
    if size == 3 and body[start] == 78 and body[start + 1] == 97 and body[start + 2] == 78:
        return np.nan, True
    if size == 4 and (body[start] == 43 or body[start] == 45):
        negative = body[start] == 45
        start += 1
        size -= 1
    else:
        negative = False
    if size == 3 and body[start] == 73 and body[start + 1] == 110 and body[start + 2] == 102:
        return -np.inf if negative else np.inf, True
    return 0.0, False


@njit(cache=True, nogil=True)
def read_digits(body: NDArray[np.uint8], start: int, end: int) -> tuple[np.uint64, int, int, int]:
    """
    Digits with at most one point among them, from `start` on.

    Returns:
        Their number without the point; the power of ten that puts the point back, 0 or less; how many digits there are, or -1 for more
        significant ones than fit; where they end.
    """
    mantissa = np.uint64(0)
    seen = significant = scale = 0
    point = False
    at = start
    while at < end:
        digit = body[at] - 48
        if digit == -2 and not point:
            point = True
        elif digit < 0 or digit > 9:
            break
        else:
            seen += 1
            significant += mantissa != np.uint64(0) or digit != 0
            if significant > DIGITS_MAX:
                return mantissa, 0, -1, at
            mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            scale -= point
        at += 1
    return mantissa, scale, seen, at


@njit(cache=True, nogil=True)
def read_number(body: NDArray[np.uint8], start: int, end: int) -> tuple[float, bool]:
    """
    The number in `body[start:end]`, exactly rounded; and whether this way could read it.

    False says nothing of whether it is a number: ask `slow_number`.
    """
    negative = start < end and body[start] == 45
    first = start + 1 if negative or (start < end and body[start] == 43) else start
    mantissa, scale, seen, at = read_digits(body, first, end)
    if seen == 0:
        return read_word(body, start, end)
    if seen < 0:
        return 0.0, False
    if at < end:
        if body[at] not in (101, 69):
            return 0.0, False
        exponent, whole = read_exponent(body, at + 1, end)
        if not whole:
            return 0.0, False
        scale += exponent
    if mantissa == np.uint64(0):
        value, certain = 0.0, True
    elif mantissa <= EXACT_MAX and -22 <= scale <= 22:
        value, certain = float(mantissa), True
        value = value * POWERS_OF_TEN[scale] if scale >= 0 else value / POWERS_OF_TEN[-scale]
    elif -POWER_MAX <= scale <= POWER_MAX:
        value, certain = round_decimal(mantissa, scale)
    else:
        value, certain = 0.0, False
    return -value if negative else value, certain


@njit(cache=True, nogil=True)
def read_milliseconds(body: NDArray[np.uint8], start: int, end: int) -> int:
    """A time in whole milliseconds; -1 for what is no row of digits, -2 for too long a one."""
    if start >= end:
        return -1
    if end - start > TIME_DIGITS_MAX:
        return -2
    time = 0
    for index in range(start, end):
        digit = body[index] - 48
        if digit < 0 or digit > 9:
            return -1
        time = time * 10 + digit
    return time


def slow_number(text: bytes) -> float | None:
    """
    Any number of the formats; None for what is none of theirs (hexadecimal, underscores, a signed NaN) or larger than a double can be.

    `slow_number(b"1e400")` is None, `slow_number(b"-inf")` is -inf.
    """
    if _NUMBER.fullmatch(text):
        value = float(text)
        return None if math.isinf(value) else value
    if _WORD.fullmatch(text):
        return float(text)
    return None


def canonical_bound(text: str) -> str:
    """
    The value of `le` or `quantile` as Prometheus 3 stores it, whatever way the exporter spelled it; what is no number stays as it is.

    `1`, `+1.0` and `1e0` are `1.0`; `1000000` is `1e+06`; `inf` is `+Inf`.
    """
    value = slow_number(text.encode("utf-8", "surrogatepass"))
    return text if value is None else format_bound(value)


def format_bound(value: float) -> str:
    """
    A bound of a bucket or a quantile as text: the shortest digits that give the number, an exponent from 1e+06 up and from 1e-05 down.

    0.5 is `0.5`, 2500000.0 is `2.5e+06`, 1.0 is `1.0`.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0.0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    exponent = int(exponent_text or 0)
    digits = (whole + fraction).lstrip("0")
    leading = len(whole) - 1 + exponent if whole != "0" else exponent - (len(fraction) - len(fraction.lstrip("0"))) - 1
    digits = digits.rstrip("0") or "0"
    if leading < -4 or leading >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if leading < 0 else '+'}{abs(leading):02d}"
    if leading < 0:
        return f"{sign}0.{'0' * (-leading - 1)}{digits}"
    digits = digits.ljust(leading + 1, "0")
    return f"{sign}{digits[: leading + 1]}.{digits[leading + 1 :] or '0'}"
