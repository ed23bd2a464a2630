"""
How native histograms are shown: as text (label values of `count_values`, messages) and as buckets of the HTTP API.

Source: Prometheus documentation, 'HTTP API', 'Native histograms'.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.native_histogram import NativeHistogram


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
    """A number as Prometheus prints it: shortest digits, exponent form from 1e21 on and below 1e-6 (`1e-07`), `+Inf`, `-Inf`, `NaN`."""
    raise NotImplementedError


def histogram_text(h: NativeHistogram) -> str:
    """Such as `{count:4, sum:4, [-1,-0.5):1, (1,2]:3}`, in order of the bounds, without empty buckets."""
    raise NotImplementedError


def shown_buckets(h: NativeHistogram) -> list[ShownBucket]:
    """Buckets with observations, from the lowest to the highest, as the HTTP API shows them: `[rule, "lower", "upper", "count"]`."""
    raise NotImplementedError
