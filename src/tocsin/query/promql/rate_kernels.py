"""
Machine code of `rate`, `increase` and `delta`: differences over a window, stretched to its edges.

Source: Prometheus documentation, 'Query functions'; the zero rule and the 1.1 rule as its behaviour shows them.
"""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask
from tocsin.query.promql.kernels import Times, copy_fresh, first_after, has_stale, longest


@compiled
def stretch(difference: float, first: float, begin_gap_s: float, end_gap_s: float, covered_s: float, samples: int, counter: bool) -> float:
    """
    The difference between first and last sample, as it would be over the whole window.

    A gap at an edge that is not much longer than the samples' distance is taken as missed luck with the window's place: the line goes on to
    the edge. A longer one means that the series began or ended there: it goes on for half a distance. A counter is not followed below zero.

    Args:
        difference: Last minus first, resets added.
        first: Value of the first sample.
        begin_gap_s: From the window's begin to the first sample.
        end_gap_s: From the last sample to the window's end.
        covered_s: From the first sample to the last, > 0.
        samples: How many there are, >= 2.
        counter: Whether the zero rule holds.
    """
    distance_s = covered_s / (samples - 1)
    longest_gap_s = distance_s * 1.1
    if begin_gap_s >= longest_gap_s:
        begin_gap_s = distance_s / 2
    if counter and difference > 0 and first >= 0:
        begin_gap_s = min(begin_gap_s, covered_s * (first / difference))
    if end_gap_s >= longest_gap_s:
        end_gap_s = distance_s / 2
    return (covered_s + begin_gap_s + end_gap_s) / covered_s


@compiled
def _rate_row(
    series_ms: Times,
    series: Floats,
    low: int,
    high: int,
    ends_ms: Times,
    range_ms: int,
    counter: bool,
    per_second: bool,
    resets: Times,
    out: Floats,
    present: Mask,
) -> None:
    begin = stop = low
    scanned = low + 1
    known = 0
    oldest = 0
    for t in range(ends_ms.shape[0]):
        begin = first_after(series_ms, begin, high, ends_ms[t] - range_ms)
        stop = first_after(series_ms, max(begin, stop), high, ends_ms[t])
        if stop - begin < 2:
            continue
        difference = series[stop - 1] - series[begin]
        if counter:
            scanned = max(scanned, begin + 1)
            while scanned < stop:
                if series[scanned] < series[scanned - 1]:
                    resets[known] = scanned
                    known += 1
                scanned += 1
            while oldest < known and resets[oldest] <= begin:
                oldest += 1
            for r in range(oldest, known):
                difference += series[resets[r] - 1]
        begin_gap_s = (series_ms[begin] - (ends_ms[t] - range_ms)) / 1000
        end_gap_s = (ends_ms[t] - series_ms[stop - 1]) / 1000
        covered_s = (series_ms[stop - 1] - series_ms[begin]) / 1000
        factor = stretch(difference, series[begin], begin_gap_s, end_gap_s, covered_s, stop - begin, counter)
        if per_second:
            factor /= range_ms / 1000
        out[t] = difference * factor
        present[t] = True


@compiled
def rate_rows(
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    range_ms: int,
    counter: bool,
    per_second: bool,
    out: Floats,
    present: Mask,
    first: int,
    last: int,
) -> None:
    """
    `rate` (counter, per second), `increase` (counter) or `delta` (neither) at every step.

    Each sample is looked at once for resets, however much the windows overlap.

    Args:
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N].
        values: [N]; stale markers are left out.
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
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
    resets = np.empty(size, dtype=np.int64)
    for s in range(first, last):
        low, high = offsets[s], offsets[s + 1]
        if has_stale(timestamps_ms, bits, low, high, ends_ms, range_ms):
            count = copy_fresh(timestamps_ms, values, bits, low, high, fresh_ms, fresh)
            _rate_row(fresh_ms, fresh, 0, count, ends_ms, range_ms, counter, per_second, resets, out[s], present[s])
        else:
            _rate_row(timestamps_ms, values, low, high, ends_ms, range_ms, counter, per_second, resets, out[s], present[s])
