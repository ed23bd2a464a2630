"""
Floats as Go's strconv writes them: the fewest digits that read back as the same number, and where the exponent begins.

    1e+06   123456   1.2345675e+06   1.5   1e-05   +Inf   NaN
"""

from __future__ import annotations

import math
from decimal import Decimal

SHORTEST_DIGITS = 6  # %g without a precision writes an exponent from 10 to this power on


def format_float(value: float, verb: str, precision: int | None = None) -> str:
    """
    A float as a verb of Go prints it.

    Args:
        value: Any.
        verb: `e`, `E`, `f`, `F`, `g` or `G`.
        precision: Digits after the point (%e, %f) or in all (%g); None: as Go does without one, 6 for %e and %f, the shortest for %g.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb in "eEfF":
        return format(value, f".{6 if precision is None else precision}{verb}")
    text = _shortest(value) if precision is None else format(value, f".{precision or 1}g")
    return text.upper() if verb == "G" else text


def _shortest(value: float) -> str:
    sign = "-" if math.copysign(1, value) < 0 else ""
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    written = "".join(map(str, digits))
    point = len(written) + exponent  # digits before the decimal point
    if value == 0:
        return f"{sign}0"
    if point - 1 < -4 or point - 1 >= SHORTEST_DIGITS:
        return sign + _scientific(written, point - 1)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{written}"
    if point >= len(written):
        return sign + written.ljust(point, "0")
    return f"{sign}{written[:point]}.{written[point:]}"


def _scientific(digits: str, exponent: int) -> str:
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
