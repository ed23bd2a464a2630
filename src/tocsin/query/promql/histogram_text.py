"""
How native histograms are shown: as text (label values of `count_values`, messages) and as buckets of the HTTP API.

Source: Prometheus documentation, 'HTTP API', 'Native histograms'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NativeHistogram
from tocsin.query.promql.histogram_layout import spread

_OPEN_LEFT, _OPEN_RIGHT, _CLOSED = 0, 1, 3
# Plain digits reach from 1e-6 to below 1e21 in numbers of the API, from 1e-4 to six digits in the short form.
_PLAIN_EXPONENTS = range(-6, 21)
_SHORT_EXPONENTS = range(-4, 6)


@dataclass(frozen=True, slots=True)
class ShownBucket:
    """
    One bucket with its bounds.

    Args:
        rule: 0 open left, 1 open right, 2 open both, 3 closed both.
        lower: Lower bound.
        upper: Upper bound.
        count: Observations in it.
    """

    rule: int
    lower: float
    upper: float
    count: float


def number_text(value: float) -> str:
    """A number as the API prints it: shortest digits, with an exponent from 1e21 on and below 1e-6 (`1e-07`), `+Inf`, `-Inf`, `NaN`."""
    return _decimal(value, _PLAIN_EXPONENTS)


def short_number_text(value: float) -> str:
    """A number as histograms in text have it: shortest digits, with an exponent from 1e6 on (`1e+06`) and below 1e-4 (`1e-05`)."""
    return _decimal(value, _SHORT_EXPONENTS)


def histogram_text(h: NativeHistogram) -> str:
    """Such as `{count:4, sum:4, [-1,-0.5):1, (1,2]:3}`, in order of the bounds, without empty buckets."""
    parts = [f"count:{short_number_text(h.count)}", f"sum:{short_number_text(h.sum)}"]
    # Here a bucket that the zero bucket overlaps keeps its own bounds: a histogram without a zero bucket shows them.
    for bucket in shown_buckets(h, cut_at_zero=False):
        left = "[" if bucket.rule in (_OPEN_RIGHT, _CLOSED) else "("
        right = "]" if bucket.rule in (_OPEN_LEFT, _CLOSED) else ")"
        bounds = f"{short_number_text(bucket.lower)},{short_number_text(bucket.upper)}"
        parts.append(f"{left}{bounds}{right}:{short_number_text(bucket.count)}")
    return "{" + ", ".join(parts) + "}"


def shown_buckets(h: NativeHistogram, *, cut_at_zero: bool = True) -> list[ShownBucket]:
    """
    Buckets with observations, from the lowest to the highest, as the HTTP API shows them: `[rule, "lower", "upper", "count"]`.

    Args:
        h: Whose buckets.
        cut_at_zero: Whether a bucket that the zero bucket overlaps begins where that ends.
    """
    buckets = spread(h, cut_at_zero=cut_at_zero)
    shown: list[ShownBucket] = []
    for at, (lower, upper, count) in enumerate(zip(buckets.lower.tolist(), buckets.upper.tolist(), buckets.counts.tolist(), strict=True)):
        if at == buckets.zero:
            if cut_at_zero and not count > 0:
                continue  # the API has only ever shown a zero bucket with observations
            shown.append(ShownBucket(_CLOSED, -h.zero_threshold, h.zero_threshold, count))
        elif lower == -math.inf and h.schema == CUSTOM_BUCKETS_SCHEMA:
            shown.append(ShownBucket(_CLOSED, lower, upper, count))
        else:
            shown.append(ShownBucket(_OPEN_LEFT if upper > 0 or h.schema == CUSTOM_BUCKETS_SCHEMA else _OPEN_RIGHT, lower, upper, count))
    return shown


def _decimal(value: float, plain: range) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    if not digits.strip("0"):
        return f"{sign}0"
    # The value is 0.digits times ten to the `point`.
    point = len(whole) + int(exponent or 0) - (len(whole + rest) - len(digits))
    digits = digits.rstrip("0")
    if point - 1 not in plain:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"
