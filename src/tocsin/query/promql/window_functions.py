"""
Machine code of what is computed from the floats of one window: `values[begin:end]` with their instants, at least one of them.

Sums are compensated (Neumaier's form of Kahan's), as upstream's are, so that answers agree to the last digits.
Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats
from tocsin.query.promql.kernels import Times

# Up to so many numbers are sorted one by one.
SORT_MAX = 24


@compiled
def compensated(increment: float, total: float, rest: float) -> tuple[float, float]:
    """`total + increment` and what rounding has lost so far."""
    new = total + increment
    if np.isinf(new):
        return new, 0.0
    if abs(total) >= abs(increment):
        return new, rest + ((total - new) + increment)
    return new, rest + ((increment - new) + total)


@compiled
def window_sum(values: Floats, begin: int, end: int) -> float:
    """`sum_over_time`."""
    total = rest = 0.0
    for i in range(begin, end):
        total, rest = compensated(values[i], total, rest)
    return float(total if np.isinf(total) else total + rest)


@compiled
def window_mean(values: Floats, begin: int, end: int) -> float:
    """`avg_over_time`: sum over count, or, once the sum overflows, a mean that is carried along."""
    total, rest, mean = values[begin], 0.0, 0.0
    carried = False
    for i in range(begin + 1, end):
        count = i - begin + 1.0
        if not carried:
            new, new_rest = compensated(values[i], total, rest)
            if not np.isinf(new):
                total, rest = new, new_rest
                continue
            carried = True
            mean = total / (count - 1)
            rest /= count - 1
        share = (count - 1) / count
        mean, rest = compensated(values[i] / count, share * mean, share * rest)
    if carried:
        return mean + rest
    return float(total / (end - begin) + rest / (end - begin))


@compiled
def window_variance(values: Floats, begin: int, end: int) -> float:
    """`stdvar_over_time`: population variance, in one pass."""
    count = mean = mean_rest = squares = squares_rest = 0.0
    for i in range(begin, end):
        count += 1
        off = values[i] - (mean + mean_rest)
        mean, mean_rest = compensated(off / count, mean, mean_rest)
        squares, squares_rest = compensated(off * (values[i] - (mean + mean_rest)), squares, squares_rest)
    return (squares + squares_rest) / count


@compiled
def window_lowest(values: Floats, begin: int, end: int) -> int:
    """Index of the last sample with the smallest value; NaN only where all are."""
    at = begin
    for i in range(begin + 1, end):
        if values[i] <= values[at] or np.isnan(values[at]):
            at = i
    return at


@compiled
def window_highest(values: Floats, begin: int, end: int) -> int:
    """Index of the last sample with the largest value; NaN only where all are."""
    at = begin
    for i in range(begin + 1, end):
        if values[i] >= values[at] or np.isnan(values[at]):
            at = i
    return at


@compiled
def window_changes(values: Floats, begin: int, end: int) -> float:
    """`changes`: how often a value differs from the one before; NaN equals NaN."""
    count = 0.0
    for i in range(begin + 1, end):
        if values[i] != values[i - 1] and not (np.isnan(values[i]) and np.isnan(values[i - 1])):
            count += 1
    return count


@compiled
def window_resets(values: Floats, begin: int, end: int) -> float:
    """`resets`: how often a value is smaller than the one before."""
    count = 0.0
    for i in range(begin + 1, end):
        count += values[i] < values[i - 1]
    return count


@compiled
def window_line(timestamps_ms: Times, values: Floats, begin: int, end: int, origin_ms: int) -> tuple[float, float]:
    """
    Slope per second and value at `origin_ms` of the line of least squares.

    Args:
        timestamps_ms: Of the samples.
        values: Their values.
        begin: First of the window.
        end: One past its last.
        origin_ms: Where the second number is taken.
    """
    level = True
    x_sum = x_rest = y_sum = y_rest = xy_sum = xy_rest = xx_sum = xx_rest = 0.0
    for i in range(begin, end):
        level = level and values[i] == values[begin]
        x = (timestamps_ms[i] - origin_ms) / 1000
        x_sum, x_rest = compensated(x, x_sum, x_rest)
        y_sum, y_rest = compensated(values[i], y_sum, y_rest)
        xy_sum, xy_rest = compensated(x * values[i], xy_sum, xy_rest)
        xx_sum, xx_rest = compensated(x * x, xx_sum, xx_rest)
    if level:
        return (np.nan, np.nan) if np.isinf(values[begin]) else (0.0, values[begin])
    count = float(end - begin)
    x_sum, y_sum, xy_sum, xx_sum = x_sum + x_rest, y_sum + y_rest, xy_sum + xy_rest, xx_sum + xx_rest
    slope = (xy_sum - x_sum * y_sum / count) / (xx_sum - x_sum * x_sum / count)
    return slope, y_sum / count - slope * x_sum / count


@compiled
def _unknown_first(numbers: Floats, count: int) -> int:
    """Move NaN before all others, as PromQL's quantiles rank them; how many there are."""
    unknown = 0
    for i in range(count):
        if np.isnan(numbers[i]):
            numbers[i] = numbers[unknown]
            numbers[unknown] = np.nan
            unknown += 1
    return unknown


@compiled
def _insertion_sort(numbers: Floats, low: int, high: int) -> None:
    for i in range(low + 1, high):
        number = numbers[i]
        at = i
        while at > low and numbers[at - 1] > number:
            numbers[at] = numbers[at - 1]
            at -= 1
        numbers[at] = number


@compiled
def _partition(numbers: Floats, low: int, high: int, rank: int) -> None:
    """Rearrange [low, high), which holds no NaN, so that `rank` holds what sorting would put there, with the smaller before it."""
    while high - low > SORT_MAX:
        a, b, c = numbers[low], numbers[(low + high) // 2], numbers[high - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        left, right = low, high - 1
        while left <= right:
            while numbers[left] < pivot:
                left += 1
            while numbers[right] > pivot:
                right -= 1
            if left <= right:
                numbers[left], numbers[right] = numbers[right], numbers[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right + 1
        elif rank >= left:
            low = left
        else:
            return
    _insertion_sort(numbers, low, high)


@compiled
def quantile_of(numbers: Floats, count: int, q: float) -> float:
    """
    The q-quantile of the first `count` numbers, interpolated; -Inf for a q below 0, +Inf above 1, NaN for NaN.

    Args:
        numbers: Rearranged by this; NaN ranks below all others.
        count: >= 1.
        q: 0 to 1.
    """
    if np.isnan(q):
        return np.nan
    if q < 0:
        return -np.inf
    if q > 1:
        return np.inf
    unknown = _unknown_first(numbers, count)
    rank = q * (count - 1)
    lower = int(max(0.0, np.floor(rank)))
    upper = min(count - 1, lower + 1)
    if lower < unknown:
        return np.nan
    _partition(numbers, unknown, count, lower)
    above = numbers[lower]
    if upper > lower:
        above = numbers[upper]
        for i in range(upper + 1, count):
            above = min(above, numbers[i])
    weight = rank - np.floor(rank)
    return float(numbers[lower] * (1 - weight) + above * weight)


@compiled
def window_quantile(values: Floats, begin: int, end: int, q: float, scratch: Floats) -> float:
    """`quantile_over_time`; `scratch` has room for the window."""
    count = end - begin
    scratch[:count] = values[begin:end]
    return quantile_of(scratch, count, q)


@compiled
def window_median_deviation(values: Floats, begin: int, end: int, scratch: Floats) -> float:
    """`mad_over_time`: the median distance from the median, NaN if any of them is; `scratch` has room for the window."""
    for i in range(begin, end):
        if np.isnan(values[i]):
            return np.nan
    median = window_quantile(values, begin, end, 0.5, scratch)
    count = end - begin
    for i in range(count):
        scratch[i] = abs(values[begin + i] - median)
    return quantile_of(scratch, count, 0.5)


@compiled
def window_smoothed(values: Floats, begin: int, end: int, smoothing: float, trend: float) -> float:
    """`double_exponential_smoothing` of at least two samples, both factors between 0 and 1."""
    before, now = 0.0, values[begin]
    slope = values[begin + 1] - values[begin]
    for i in range(begin + 1, end):
        if i > begin + 1:
            slope = trend * (now - before) + (1 - trend) * slope
        before, now = now, smoothing * values[i] + (1 - smoothing) * (now + slope)
    return float(now)
