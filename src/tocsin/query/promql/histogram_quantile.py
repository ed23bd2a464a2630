"""
Estimates from native histograms: quantiles, fractions, mean, spread.

Source: Prometheus documentation, 'Query functions'; native histogram specification, 'Functions', 'Interpolation within a bucket'.
"""

from __future__ import annotations

from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.histogram_notes import Remarks


def quantile(q: float, h: NativeHistogram) -> tuple[float, Remarks]:
    """`histogram_quantile`: -Inf below 0, +Inf above 1, NaN for NaN and for an empty histogram (the warning about `q` is the evaluator's)."""
    raise NotImplementedError


def fraction(lower: float, upper: float, h: NativeHistogram) -> tuple[float, Remarks]:
    """`histogram_fraction`: estimated share of observations in between; NaN for an empty histogram or NaN bounds, 0 if lower >= upper."""
    raise NotImplementedError


def average(h: NativeHistogram) -> float:
    """`histogram_avg`: sum / count; NaN when empty."""
    raise NotImplementedError


def variance(h: NativeHistogram) -> float:
    """`histogram_stdvar`: population variance, with every observation at the (geometric) middle of its bucket."""
    raise NotImplementedError


def standard_deviation(h: NativeHistogram) -> float:
    """`histogram_stddev`: the root of `variance`."""
    raise NotImplementedError
