"""
Estimates from native histograms: quantiles, fractions, mean, spread.

Within a bucket, observations are taken to lie as if every finer resolution split them evenly (exponential buckets), or evenly
(custom buckets and the zero bucket).

Source: Prometheus documentation, 'Query functions'; native histogram specification, 'Functions', 'Interpolation within a bucket'.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NativeHistogram
from tocsin.query.promql.histogram_layout import Floats, Spread, bounds_at, log_of, ordered_counts, spread
from tocsin.query.promql.histogram_notes import Note, Remark, Remarks


def quantile(q: float, h: NativeHistogram) -> tuple[float, Remarks]:
    """`histogram_quantile`: -Inf below 0, +Inf above 1, NaN for NaN and for an empty histogram (the evaluator warns of a wrong `q`)."""
    return quantiles((q,), h)[0]


_EXPONENT_MAX = 1024
_LARGEST = sys.float_info.max  # where the last bucket but one ends, whose logarithm rounds to 1024
# Overflow gives infinities and what has no value gives NaN, as in IEEE 754: that is no news.
_IEEE = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")


@_IEEE
def quantiles(qs: Sequence[float], h: NativeHistogram) -> list[tuple[float, Remarks]]:
    """The same for several quantiles of one histogram (`histogram_quantiles`)."""
    counts = ordered_counts(h)
    return [_quantile(q, h, counts) for q in qs]


@_IEEE
def fraction(lower: float, upper: float, h: NativeHistogram) -> tuple[float, Remarks]:
    """`histogram_fraction`: estimated share of observations in between; NaN for an empty histogram or NaN bounds, 0 if lower >= upper."""
    if h.count == 0 or math.isnan(h.count) or math.isnan(lower) or math.isnan(upper):
        return math.nan, ()
    buckets = spread(h)
    remarks = (Remark(Note.FRACTION_NAN),) if _has_nan(h, buckets.counts) else ()
    if lower >= upper:
        return 0.0, remarks
    return (_below(upper, h, buckets) - _below(lower, h, buckets)) / h.count, remarks


@_IEEE
def average(h: NativeHistogram) -> float:
    """`histogram_avg`: sum / count; NaN when empty."""
    return float(np.divide(h.sum, h.count))


@_IEEE
def variance(h: NativeHistogram) -> float:
    """`histogram_stdvar`: population variance, with every observation at the (geometric) middle of its bucket."""
    if not h.count:
        return math.nan
    buckets = spread(h)
    middle = (buckets.lower + buckets.upper) / 2
    if h.schema != CUSTOM_BUCKETS_SCHEMA:
        regular = np.arange(len(middle)) != buckets.zero
        # Roots before the product, so that it doesn't overflow.
        geometric = np.sqrt(np.abs(buckets.lower)) * np.sqrt(np.abs(buckets.upper))
        middle = np.where(regular, np.copysign(geometric, middle), 0.0)
    distance = middle - np.divide(h.sum, h.count)
    return float(np.divide((buckets.counts * distance * distance).sum(), h.count))


@_IEEE
def standard_deviation(h: NativeHistogram) -> float:
    """`histogram_stddev`: the root of `variance`."""
    return float(np.sqrt(variance(h)))


def _quantile(q: float, h: NativeHistogram, counts: Floats) -> tuple[float, Remarks]:
    if q < 0:
        return -math.inf, ()
    if q > 1:
        return math.inf, ()
    if math.isnan(q) or h.count == 0 or math.isnan(h.count):
        return math.nan, ()
    nan_observed = _has_nan(h, counts)
    populated = np.flatnonzero(counts)
    if len(populated) == 0:
        return math.nan, ((Remark(Note.QUANTILE_NAN_RESULT),) if nan_observed else ())
    # From the nearer end, which rounds least. NaN observations count as +Inf, so with them only the lower end is known.
    from_top = q >= 0.5 and not math.isnan(h.sum)
    if from_top:
        populated = populated[::-1]
    reached = np.cumsum(counts[populated])
    rank = (1 - q) * h.count if from_top else q * h.count
    found = int(np.searchsorted(reached, rank))
    if found == len(reached):
        if nan_observed:
            return math.nan, (Remark(Note.QUANTILE_NAN_RESULT),)
        lower, upper, _ = bounds_at(h, int(populated[-1]))  # the buckets hold less than the count says
        return (lower if upper == math.inf else upper), ()
    before = float(reached[found - 1]) if found else 0.0
    at = int(populated[found])
    share = min((rank - before) / float(counts[at]), 1.0)
    value = _interpolated(h, at, 1 - share if from_top else share)
    return value, ((Remark(Note.QUANTILE_NAN_SKEW),) if nan_observed else ())


def _has_nan(h: NativeHistogram, counts: Floats) -> bool:
    """Whether NaN was observed: it is in the sum, and in the count but in no bucket (custom buckets put it into the last)."""
    return h.schema != CUSTOM_BUCKETS_SCHEMA and math.isnan(h.sum) and h.count > float(counts.sum())


def _interpolated(h: NativeHistogram, at: int, share: float) -> float:
    """The value below which `share` of the observations of the bucket at a position lie."""
    lower, upper, is_zero = bounds_at(h, at)
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        if lower == -math.inf:
            if upper <= 0 or upper == math.inf:
                return upper
            lower = 0.0
        if upper == math.inf:
            return lower
    if h.schema == CUSTOM_BUCKETS_SCHEMA or is_zero:
        return lower + (upper - lower) * share
    if math.isinf(lower) or math.isinf(upper):  # observations of infinity itself
        return math.inf if upper > 0 else -math.inf
    low, high = log_of(lower), log_of(upper)
    exponent = low + (high - low) * share
    return math.copysign(2**exponent if exponent < _EXPONENT_MAX else _LARGEST, upper)


def _below(bound: float, h: NativeHistogram, buckets: Spread) -> float:
    """Estimated number of observations up to `bound`."""
    whole = buckets.upper <= bound
    count = float(buckets.counts[whole].sum())
    for at in np.flatnonzero((buckets.lower < bound) & ~whole).tolist():  # at most one
        count += _share_below(bound, h, buckets, at) * float(buckets.counts[at])
    return count


def _share_below(bound: float, h: NativeHistogram, buckets: Spread, at: int) -> float:
    """The share of one bucket's observations up to a bound inside it."""
    lower, upper = float(buckets.lower[at]), float(buckets.upper[at])
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        if lower == -math.inf:
            if upper <= 0:
                return 1.0  # what it holds lies at -Inf
            lower = 0.0
        if upper == math.inf:
            return 0.0
    if h.schema == CUSTOM_BUCKETS_SCHEMA or at == buckets.zero:
        return max(bound - lower, 0.0) / (upper - lower)
    if math.isinf(lower) or math.isinf(upper):
        return 0.0 if upper > 0 else 1.0
    low, high = log_of(lower), log_of(upper)
    return (log_of(bound) - low) / (high - low)
