"""
The experimental modifiers `anchored` and `smoothed`: values at the edges of a window, taken from the sample before it or interpolated.

Source: Prometheus documentation, 'Feature flags: extended range selectors'.
"""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask
from tocsin.query.promql.kernels import Times, copy_fresh, first_after, longest
from tocsin.query.promql.window_functions import window_changes, window_resets


@compiled
def interpolated(series_ms: Times, series: Floats, before: int, after: int, at_ms: int, counter: bool) -> float:
    """
    The value at an instant between two samples; a counter that was reset in between starts from zero.

    Args:
        series_ms: Instants.
        series: Values.
        before: Index of the sample before.
        after: Index of the sample after.
        at_ms: The instant.
        counter: Whether a fall is a reset.
    """
    low, high = series[before], series[after]
    if counter and high < low:
        low = 0.0
    share = (at_ms - series_ms[before]) / (series_ms[after] - series_ms[before])
    return float(low + (high - low) * share)


@compiled
def smoothed_rows(
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    lookback_ms: int,
    out: Floats,
    present: Mask,
    first: int,
    last: int,
) -> None:
    """
    What `x smoothed` sees: the value interpolated between the samples around the instant, or the last one where none follows.

    Args:
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N], up to `lookback_ms` after the last step.
        values: [N].
        ends_ms: [T] ascending.
        lookback_ms: How far away the samples around may be, > 0.
        out: [S, T] receives values.
        present: [S, T], all False, receives True where there is one.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    size = longest(offsets, first, last)
    fresh_ms = np.empty(size, dtype=np.int64)
    fresh = np.empty(size, dtype=np.float64)
    for s in range(first, last):
        count = copy_fresh(timestamps_ms, values, bits, offsets[s], offsets[s + 1], fresh_ms, fresh)
        at = 0
        for t in range(ends_ms.shape[0]):
            at = first_after(fresh_ms, at, count, ends_ms[t])
            has_before = at > 0 and fresh_ms[at - 1] > ends_ms[t] - lookback_ms
            has_after = at < count and fresh_ms[at] <= ends_ms[t] + lookback_ms
            if has_before and (fresh_ms[at - 1] == ends_ms[t] or not has_after):
                out[s, t] = fresh[at - 1]
            elif has_before:
                out[s, t] = interpolated(fresh_ms, fresh, at - 1, at, ends_ms[t], False)
            present[s, t] = has_before
            at = max(at - 1, 0)


@compiled
def extended_rows(
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    range_ms: int,
    lookback_ms: int,
    smooth: bool,
    counter: bool,
    per_second: bool,
    out: Floats,
    present: Mask,
    first: int,
    last: int,
) -> None:
    """
    `rate` (counter, per second), `increase` (counter) or `delta` (neither) of a range that is `anchored` or `smoothed`.

    Args:
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N], from `lookback_ms` before the first window and, if smooth, up to that much after the last.
        values: [N].
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
        lookback_ms: How far away a sample beyond an edge may be, > 0.
        smooth: Whether to interpolate at the edges rather than take the sample before.
        counter: Whether a fall is a reset.
        per_second: Whether to divide by the window's length.
        out: [S, T] receives results.
        present: [S, T], all False, receives True where there is one.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    size = longest(offsets, first, last)
    fresh_ms = np.empty(size, dtype=np.int64)
    fresh = np.empty(size, dtype=np.float64)
    for s in range(first, last):
        count = copy_fresh(timestamps_ms, values, bits, offsets[s], offsets[s + 1], fresh_ms, fresh)
        for t in range(ends_ms.shape[0]):
            start = ends_ms[t] - range_ms
            begin = first_after(fresh_ms, 0, count, start)
            stop = first_after(fresh_ms, begin, count, ends_ms[t])
            has_before = begin > 0 and fresh_ms[begin - 1] > start - lookback_ms
            has_after = stop < count and fresh_ms[stop] <= ends_ms[t] + lookback_ms
            found, difference = (
                _smooth_difference(fresh_ms, fresh, begin, stop, start, ends_ms[t], has_before, has_after, counter)
                if smooth
                else _anchored_difference(fresh, begin, stop, has_before, counter)
            )
            if found:
                out[s, t] = difference / (range_ms / 1000) if per_second else difference
                present[s, t] = True


@compiled
def _anchored_difference(series: Floats, begin: int, stop: int, has_before: bool, counter: bool) -> tuple[bool, float]:
    if stop <= begin:
        return False, 0.0
    anchor = begin - 1 if has_before else begin
    difference = series[stop - 1] - series[anchor]
    if counter:
        for i in range(anchor + 1, stop):
            if series[i] < series[i - 1]:
                difference += series[i - 1]
    return True, difference


@compiled
def _smooth_difference(
    series_ms: Times,
    series: Floats,
    begin: int,
    stop: int,
    start_ms: int,
    end_ms: int,
    has_before: bool,
    has_after: bool,
    counter: bool,
) -> tuple[bool, float]:
    inside = stop > begin
    if not inside and not (has_before and has_after):
        return False, 0.0
    previous = series[begin] if inside else 0.0
    if has_before and (inside or has_after):
        previous = interpolated(series_ms, series, begin - 1, begin, start_ms, counter)
    opening = previous
    added = 0.0
    for i in range(begin, stop):
        if counter and series[i] < previous:
            added += previous
        previous = series[i]
    closing = previous
    if has_after and (inside or has_before):
        before = stop - 1
        closing = interpolated(series_ms, series, before, stop, end_ms, counter)
        if counter and closing < previous:
            added += previous
    return True, closing - opening + added


@compiled
def anchored_count_rows(
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    range_ms: int,
    lookback_ms: int,
    count_resets: bool,
    out: Floats,
    present: Mask,
    first: int,
    last: int,
) -> None:
    """
    `resets` or `changes` of a range that is `anchored`: the sample before the window counts as its first.

    Args:
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N], from `lookback_ms` before the first window.
        values: [N].
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
        lookback_ms: How far before the window its anchor may be, > 0.
        count_resets: Falls only, rather than all changes.
        out: [S, T] receives results.
        present: [S, T], all False, receives True where there is one.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    size = longest(offsets, first, last)
    fresh_ms = np.empty(size, dtype=np.int64)
    fresh = np.empty(size, dtype=np.float64)
    for s in range(first, last):
        count = copy_fresh(timestamps_ms, values, bits, offsets[s], offsets[s + 1], fresh_ms, fresh)
        for t in range(ends_ms.shape[0]):
            begin = first_after(fresh_ms, 0, count, ends_ms[t] - range_ms)
            stop = first_after(fresh_ms, begin, count, ends_ms[t])
            if stop <= begin:
                continue
            if begin > 0 and fresh_ms[begin - 1] > ends_ms[t] - range_ms - lookback_ms:
                begin -= 1
            out[s, t] = window_resets(fresh, begin, stop) if count_resets else window_changes(fresh, begin, stop)
            present[s, t] = True
