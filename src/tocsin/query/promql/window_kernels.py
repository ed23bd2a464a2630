"""
Machine code of every function over a window of floats but `rate` and its kin: one walk over the series, one switch over what is computed.

The code on disk is known by the text of this file alone: a change of what `window_functions` computes needs a change here too (edition 2).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask
from tocsin.query.promql.kernels import Times, copy_fresh, first_after, has_stale, longest
from tocsin.query.promql.window_functions import (
    window_changes,
    window_highest,
    window_line,
    window_lowest,
    window_mean,
    window_median_deviation,
    window_quantile,
    window_resets,
    window_smoothed,
    window_sum,
    window_variance,
)


class WindowFunction(IntEnum):
    """What is computed from a window; from IRATE on, at least two samples are needed."""

    COUNT = 0
    PRESENT = 1
    FIRST = 2
    LAST = 3
    SUM = 4
    AVERAGE = 5
    MIN = 6
    MAX = 7
    STDVAR = 8
    STDDEV = 9
    CHANGES = 10
    RESETS = 11
    TIME_OF_FIRST = 12
    TIME_OF_LAST = 13
    TIME_OF_MIN = 14
    TIME_OF_MAX = 15
    QUANTILE = 16
    MAD = 17
    IRATE = 18
    IDELTA = 19
    DERIV = 20
    PREDICT_LINEAR = 21
    SMOOTHING = 22


_COUNT, _PRESENT, _FIRST, _LAST, _SUM, _AVERAGE, _MIN, _MAX, _STDVAR, _STDDEV = range(10)
_CHANGES, _RESETS, _TIME_OF_FIRST, _TIME_OF_LAST, _TIME_OF_MIN, _TIME_OF_MAX, _QUANTILE, _MAD = range(10, 18)
_IRATE, _IDELTA, _DERIV, _PREDICT_LINEAR, _SMOOTHING = range(18, 23)


@compiled
def _simple(function: int, timestamps_ms: Times, values: Floats, begin: int, end: int) -> float:
    if function == _COUNT:
        return float(end - begin)
    if function == _FIRST:
        return float(values[begin])
    if function == _LAST:
        return float(values[end - 1])
    if function == _TIME_OF_FIRST:
        return float(timestamps_ms[begin] / 1000)
    if function == _TIME_OF_LAST:
        return float(timestamps_ms[end - 1] / 1000)
    if function == _TIME_OF_MIN:
        return float(timestamps_ms[window_lowest(values, begin, end)] / 1000)
    if function == _TIME_OF_MAX:
        return float(timestamps_ms[window_highest(values, begin, end)] / 1000)
    return 1.0


@compiled
def _aggregated(function: int, values: Floats, begin: int, end: int) -> float:
    if function == _SUM:
        return window_sum(values, begin, end)
    if function == _AVERAGE:
        return window_mean(values, begin, end)
    if function == _MIN:
        return float(values[window_lowest(values, begin, end)])
    if function == _MAX:
        return float(values[window_highest(values, begin, end)])
    if function == _STDVAR:
        return window_variance(values, begin, end)
    if function == _STDDEV:
        return float(np.sqrt(window_variance(values, begin, end)))
    if function == _CHANGES:
        return window_changes(values, begin, end)
    return window_resets(values, begin, end)


@compiled
def _pairwise(
    function: int, timestamps_ms: Times, values: Floats, begin: int, end: int, now_ms: int, first_factor: float, second_factor: float
) -> float:
    if function == _DERIV:
        return window_line(timestamps_ms, values, begin, end, timestamps_ms[begin])[0]
    if function == _PREDICT_LINEAR:
        slope, level = window_line(timestamps_ms, values, begin, end, now_ms)
        return slope * first_factor + level
    if function == _SMOOTHING:
        return window_smoothed(values, begin, end, first_factor, second_factor)
    difference = values[end - 1] - values[end - 2]
    if function == _IDELTA:
        return float(difference)
    if values[end - 1] < values[end - 2]:
        difference = values[end - 1]
    return float(difference / ((timestamps_ms[end - 1] - timestamps_ms[end - 2]) / 1000))


@compiled
def _window_row(
    function: int,
    series_ms: Times,
    series: Floats,
    low: int,
    high: int,
    ends_ms: Times,
    range_ms: int,
    now_ms: Times,
    first_factor: Floats,
    second_factor: Floats,
    scratch: Floats,
    out: Floats,
    present: Mask,
) -> None:
    begin = stop = low
    for t in range(ends_ms.shape[0]):
        begin = first_after(series_ms, begin, high, ends_ms[t] - range_ms)
        stop = first_after(series_ms, max(begin, stop), high, ends_ms[t])
        if stop - begin < (2 if function >= _IRATE else 1):
            continue
        present[t] = True
        if function >= _IRATE:
            out[t] = _pairwise(function, series_ms, series, begin, stop, now_ms[t], first_factor[t], second_factor[t])
        elif function == _QUANTILE:
            out[t] = window_quantile(series, begin, stop, first_factor[t], scratch)
        elif function == _MAD:
            out[t] = window_median_deviation(series, begin, stop, scratch)
        elif _SUM <= function <= _RESETS:
            out[t] = _aggregated(function, series, begin, stop)
        else:
            out[t] = _simple(function, series_ms, series, begin, stop)


@compiled
def window_rows(
    function: int,
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    range_ms: int,
    now_ms: Times,
    first_factor: Floats,
    second_factor: Floats,
    out: Floats,
    present: Mask,
    first: int,
    last: int,
) -> None:
    """
    One function over the window (end - range, end] of every series at every step.

    Args:
        function: A `WindowFunction`.
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N].
        values: [N]; stale markers are left out.
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
        now_ms: [T] instants of evaluation, which an offset makes differ from the ends.
        first_factor: [T] quantile, seconds ahead, or smoothing factor.
        second_factor: [T] trend factor.
        out: [S, T] receives results.
        present: [S, T], all False, receives True where there is one.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    size = longest(offsets, first, last)
    fresh_ms = np.empty(size, dtype=np.int64)
    fresh = np.empty(size, dtype=np.float64)
    scratch = np.empty(size, dtype=np.float64)
    for s in range(first, last):
        low, high = offsets[s], offsets[s + 1]
        series_ms, series = timestamps_ms, values
        if has_stale(timestamps_ms, bits, low, high, ends_ms, range_ms):
            high = copy_fresh(timestamps_ms, values, bits, low, high, fresh_ms, fresh)
            low = 0
            series_ms, series = fresh_ms, fresh
        _window_row(
            function, series_ms, series, low, high, ends_ms, range_ms, now_ms, first_factor, second_factor, scratch, out[s], present[s]
        )
