"""
Classic histograms: series of cumulative counts with the upper bound in the label `le`.

Source: Prometheus documentation, 'Query functions', histogram_quantile and histogram_fraction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, Buckets, NativeHistogram
from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.histogram_layout import stripped

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Differences between neighbours below this share of their sum come from rounding, not from wrong data.
_ROUNDING = 1e-12
_NUMBER = re.compile(
    r"[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII
)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClassicAnswer:
    """
    Quantiles of one classic histogram at every step.

    Args:
        values: [T] float64.
        forced_monotonic: [T] bool: counts had to be raised by more than rounding (info `input to histogram_quantile needed to be fixed
            for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)`).
        forced_min_bucket: [T] float64: upper bound of the first bucket that was raised; NaN where none was.
        forced_max_bucket: [T] float64: upper bound of the last one; NaN where none was.
        forced_max_difference: [T] float64: the largest amount.
    """

    values: Floats
    forced_monotonic: Mask
    forced_min_bucket: Floats
    forced_max_bucket: Floats
    forced_max_difference: Floats


def parse_le(text: str) -> float | None:
    """
    Upper bound in a label `le`; None when it is no number.

    Such a sample is left out, with a warning: `bucket label "le" is missing or has a malformed value of "..."`.
    """
    if _INFINITY.fullmatch(text):
        return -np.inf if text.startswith("-") else np.inf
    if text.lower() == "nan":
        return np.nan
    if not _NUMBER.fullmatch(text):
        return None
    return float.fromhex(text) if "x" in text.lower() else float(text)


def bucket_quantile(q: Floats, upper_bounds: Floats, counts: Floats, present: Mask) -> ClassicAnswer:
    """
    `histogram_quantile` of one classic histogram over the steps; NaN where no bucket is present, too.

    Args:
        q: [T] the quantile asked for at each step.
        upper_bounds: [B] in any order, +Inf among them or not; equal ones are merged.
        counts: [B, T] cumulative counts, NaN allowed.
        present: [B, T] whether the bucket has a sample at the step.
    """
    order = np.argsort(upper_bounds, kind="stable")
    steps = len(q)
    values, low, high, difference = np.empty(steps), np.full(steps, np.nan), np.full(steps, np.nan), np.zeros(steps)
    _quantiles(q, upper_bounds[order], counts[order], present[order], values, low, high, difference)
    return ClassicAnswer(values, ~np.isnan(low), low, high, difference)


def bucket_fraction(lower: Floats, upper: Floats, upper_bounds: Floats, counts: Floats, present: Mask) -> Floats:
    """
    `histogram_fraction` of one classic histogram over the steps; [T] float64.

    Args:
        lower: [T] lower bound asked for.
        upper: [T] upper bound asked for.
        upper_bounds: [B] in any order, as in `bucket_quantile`.
        counts: [B, T] cumulative counts.
        present: [B, T] whether the bucket has a sample at the step.
    """
    order = np.argsort(upper_bounds, kind="stable")
    values = np.empty(len(lower))
    _fractions(lower, upper, upper_bounds[order], counts[order], present[order], values)
    return values


def to_custom_buckets(upper_bounds: Floats, counts: Floats, total_sum: float, count: float | None) -> NativeHistogram | None:
    """
    A classic histogram as a native one with custom buckets (`load_with_nhcb`); None when the counts are no histogram.

    Args:
        upper_bounds: [B] in any order; +Inf may be missing.
        counts: [B] cumulative counts.
        total_sum: The series `_sum`; 0 without one.
        count: The series `_count`; None: that of the +Inf bucket or else of the highest.
    """
    bounds, first = np.unique(upper_bounds, return_index=True)  # sorted; of equal bounds the first one counts
    cumulative = counts[first]
    if np.isnan(bounds).any() or np.isnan(cumulative).any():
        return None
    finite = bounds < np.inf
    if count is None:
        count = float(cumulative[-1]) if len(cumulative) else 0.0
    steps = np.diff(np.concatenate(([0.0], cumulative[finite], [count])))
    if (steps < 0).any() or (not finite.all() and cumulative[-1] != count):
        return None
    return NativeHistogram(
        CUSTOM_BUCKETS_SCHEMA, count, total_sum, positive=stripped(Buckets(0, steps)), custom_values=tuple(bounds[finite].tolist())
    )


@compiled
def _gathered(bounds: Floats, counts: Floats, present: Mask, at: int, some_bounds: Floats, some_counts: Floats) -> int:
    """The buckets that one step has, equal bounds merged, into the last two arguments; how many."""
    number = 0
    for bucket in range(len(bounds)):
        if not present[bucket, at]:
            continue
        if number > 0 and some_bounds[number - 1] == bounds[bucket]:
            some_counts[number - 1] += counts[bucket, at]
            continue
        some_bounds[number] = bounds[bucket]
        some_counts[number] = counts[bucket, at]
        number += 1
    return number


@compiled
def _quantiles(
    q: Floats, bounds: Floats, counts: Floats, present: Mask, values: Floats, low: Floats, high: Floats, difference: Floats
) -> None:
    """Quantiles of all steps into `values`, what had to be mended into the last three."""
    some_bounds = np.empty(len(bounds))
    some_counts = np.empty(len(bounds))
    for at in range(len(q)):
        number = _gathered(bounds, counts, present, at, some_bounds, some_counts)
        if np.isnan(q[at]) or number == 0:
            values[at] = np.nan
        elif q[at] < 0:
            values[at] = -np.inf
        elif q[at] > 1:
            values[at] = np.inf
        elif some_bounds[number - 1] != np.inf:
            values[at] = np.nan
        else:
            _make_monotonic(some_bounds, some_counts, number, low, high, difference, at)
            values[at] = _one_quantile(q[at], some_bounds, some_counts, number)


@compiled
def _make_monotonic(bounds: Floats, counts: Floats, number: int, low: Floats, high: Floats, difference: Floats, at: int) -> None:
    """Raise counts that fall to the one before; say of those that fall by more than rounding does where and by how much."""
    before = counts[0]
    for bucket in range(1, number):
        count = counts[bucket]
        if count == before:
            continue
        if abs(count - before) < _ROUNDING * (abs(count) + abs(before)):
            counts[bucket] = before
            continue
        if count < before:
            counts[bucket] = before
            if np.isnan(low[at]):
                low[at] = bounds[bucket]
            high[at] = bounds[bucket]
            difference[at] = max(difference[at], before - count)
            continue
        before = count


@compiled
def _one_quantile(q: float, bounds: Floats, counts: Floats, number: int) -> float:
    if number < 2:
        return np.nan
    observed = counts[number - 1]
    if observed == 0:
        return np.nan
    rank = q * observed
    bucket = 0
    while bucket < number - 1 and not counts[bucket] >= rank:
        bucket += 1
    if bucket == number - 1:
        return float(bounds[number - 2])
    if bucket == 0 and bounds[0] <= 0:
        return float(bounds[0])
    start, count = 0.0, counts[bucket]
    if bucket > 0:
        start = bounds[bucket - 1]
        count -= counts[bucket - 1]
        rank -= counts[bucket - 1]
    return float(start + (bounds[bucket] - start) * (rank / count))


@compiled
def _fractions(lower: Floats, upper: Floats, bounds: Floats, counts: Floats, present: Mask, values: Floats) -> None:
    """Fractions of all steps into `values`."""
    some_bounds = np.empty(len(bounds))
    some_counts = np.empty(len(bounds))
    for at in range(len(lower)):
        number = _gathered(bounds, counts, present, at, some_bounds, some_counts)
        if number == 0 or some_bounds[number - 1] != np.inf or np.isnan(lower[at]) or np.isnan(upper[at]):
            values[at] = np.nan
            continue
        observed = some_counts[number - 1]
        if observed == 0 or np.isnan(observed):
            values[at] = np.nan
        elif lower[at] >= upper[at]:
            values[at] = 0.0
        else:
            above = _count_below(upper[at], some_bounds, some_counts, number)
            values[at] = (above - _count_below(lower[at], some_bounds, some_counts, number)) / observed


@compiled
def _count_below(bound: float, bounds: Floats, counts: Floats, number: int) -> float:
    """Estimated observations up to `bound`; what the +Inf bucket holds lies above every number."""
    start, before = -np.inf, 0.0
    for bucket in range(number):
        end, count = bounds[bucket], counts[bucket]
        if bound < end:
            if bucket == 0:
                if end <= 0:  # what it holds lies at -Inf
                    return 0.0 if bound == -np.inf else count
                start = 0.0
            if end == np.inf or bound <= start:
                return float(before)
            return float(before + (count - before) * (bound - start) / (end - start))
        start, before = end, count
    return float(before)
