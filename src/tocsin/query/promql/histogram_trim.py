"""
The trim operators: `h </ 5` keeps what was observed below 5, `h >/ 5` what was above.

    bucket wholly kept      keeps its count
    bucket with the bound   keeps the share that interpolation puts on the right side of the bound
    bucket wholly outside   is emptied

If anything was removed, the count is what the buckets hold and the sum what they would have with every observation at the (geometric)
middle of what is left of its bucket. Infinite buckets can't be split: what they hold lies at the infinite end, but for the first custom
bucket, which begins at 0 if its upper bound is positive and no bound below 0 is asked for.

Source: Prometheus documentation, 'Operators', 'Histogram trim operators'; native histogram specification, 'Binary operators'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NO_BUCKETS, Buckets, NativeHistogram
from tocsin.query.promql.histogram_layout import log_of, sides, stripped, zero_bounds

Floats = NDArray[np.float64]
# Overflow gives infinities and what has no value gives NaN, as in IEEE 754: that is no news.
_IEEE = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")


def trim_upper(h: NativeHistogram, bound: float) -> NativeHistogram:
    """`h </ bound`: without the observations above `bound`; the bucket that holds the bound is interpolated, the sum is estimated."""
    return _trimmed(h, bound, keep_below=True)


def trim_lower(h: NativeHistogram, bound: float) -> NativeHistogram:
    """`h >/ bound`: without the observations below `bound`; the bucket that holds the bound is interpolated, the sum is estimated."""
    return _trimmed(h, bound, keep_below=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is left of some buckets: counts [B], and the middle of what is left of each [B]."""

    counts: Floats
    middles: Floats


@_IEEE
def _trimmed(h: NativeHistogram, bound: float, *, keep_below: bool) -> NativeHistogram:
    linear = h.schema == CUSTOM_BUCKETS_SCHEMA
    lower, upper = sides(h, h.positive)
    positive = _kept(lower, upper, h.positive.counts, bound, keep_below=keep_below, linear=linear)
    inner, outer = sides(h, h.negative)
    negative = _kept(-outer, -inner, h.negative.counts, bound, keep_below=keep_below, linear=False)
    zero = _Kept(np.zeros(0), np.zeros(0)) if linear else _kept_of_zero(h, bound, keep_below=keep_below)
    before = (h.positive.counts, h.negative.counts, np.zeros(0) if linear else np.array([h.zero_count]))
    after = (positive, negative, zero)
    if all(np.array_equal(kept.counts, counts) for kept, counts in zip(after, before, strict=True)):
        return h
    return replace(
        h,
        count=float(sum(kept.counts.sum() for kept in after)),
        sum=float(sum((kept.counts * kept.middles)[kept.counts != 0].sum() for kept in after)),
        zero_count=float(zero.counts.sum()),
        positive=stripped(Buckets(h.positive.offset, positive.counts)),
        negative=NO_BUCKETS if linear else stripped(Buckets(h.negative.offset, negative.counts)),
    )


def _kept_of_zero(h: NativeHistogram, bound: float, *, keep_below: bool) -> _Kept:
    lower, upper = zero_bounds(h)
    return _kept(np.array([lower]), np.array([upper]), np.array([h.zero_count]), bound, keep_below=keep_below, linear=True)


def _kept(lower: Floats, upper: Floats, counts: Floats, bound: float, *, keep_below: bool, linear: bool) -> _Kept:
    """What is left of buckets of one kind; `linear` for those without an exponential scale."""
    lower = np.where((lower == -np.inf) & (upper > 0) & (upper < np.inf) & (bound >= 0), 0.0, lower)
    split = (lower < bound) & (bound < upper)
    whole = (upper <= bound) if keep_below else (lower >= bound)
    share = np.where(whole, 1.0, 0.0)
    for at in np.flatnonzero(split).tolist():  # at most one
        share[at] = _share_kept(float(lower[at]), float(upper[at]), bound, keep_below=keep_below, linear=linear)
    ends = (lower, np.where(split, bound, upper)) if keep_below else (np.where(split, bound, lower), upper)
    return _Kept(counts * share, _middles(*ends, linear=linear))


def _share_kept(lower: float, upper: float, bound: float, *, keep_below: bool, linear: bool) -> float:
    """The share of a bucket's observations on the side that is kept of a bound inside it."""
    if lower == -math.inf and upper > 0:
        return 0.0  # where its observations lie cannot be told: they are given up on either side
    if lower == -math.inf:
        below = 1.0
    elif upper == math.inf:
        below = 0.0
    elif linear:
        below = (bound - lower) / (upper - lower)
    else:
        low, high = log_of(lower), log_of(upper)
        below = (log_of(bound) - low) / (high - low)
    return below if keep_below else 1 - below


def _middles(lower: Floats, upper: Floats, *, linear: bool) -> Floats:
    """Where the observations between two ends are taken to be: at the finite end if the other is infinite."""
    middles = (lower + upper) / 2 if linear else np.copysign(np.sqrt(np.abs(lower)) * np.sqrt(np.abs(upper)), upper)
    middles = np.where(upper == np.inf, lower, middles)
    middles = np.where(lower == -np.inf, np.where(upper > 0, upper / 2, upper), middles)
    return np.where((lower == -np.inf) & (upper == np.inf), 0.0, middles)
