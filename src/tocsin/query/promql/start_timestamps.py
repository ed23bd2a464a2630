"""
What start timestamps (since when a counter has been counting) change: `rate`, `increase`, `irate` and `resets` see restarts that no fall
gives away, and know where the first sample's count began.

Source: Prometheus documentation, 'Feature flags: start timestamp usage in PromQL functions'; OpenTelemetry, 'Metrics data model: resets
and gaps'.
"""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask
from tocsin.query.promql.kernels import Times, first_after, longest

# What `started_rows` computes.
INCREASE, RATE, INSTANT_RATE, RESETS = range(4)

_STALE = np.int64(0x7FF0000000000002)


@compiled
def restarted(start_before_ms: int, before_ms: int, start_ms: int, at_ms: int) -> bool:
    """
    Whether a counter began anew between two samples, by their starts.

    A start just at the sample before means a difference (a delta) if that sample began earlier itself; otherwise its own start was unknown.

    Args:
        start_before_ms: Start of the sample before, 0 if unknown.
        before_ms: Its instant.
        start_ms: Start of the sample, 0 if unknown.
        at_ms: Its instant.
    """
    if start_ms in (start_before_ms, 0) or start_ms >= at_ms:
        return False
    if start_ms == before_ms:
        return start_before_ms != 0 and start_before_ms < before_ms
    return bool(start_ms > before_ms)


@compiled
def overlapping(start_before_ms: int, before_ms: int, start_ms: int) -> bool:
    """Whether a sample claims to have begun before the one before it was taken, and not together with it."""
    return bool(start_ms != 0 and start_ms < before_ms and start_ms != start_before_ms)


@compiled
def begins_within(start_ms: int, at_ms: int, window_start_ms: int) -> bool:
    """Whether a window's first sample began to count inside of the window, so that all of its count belongs there."""
    return bool(start_ms != 0 and window_start_ms < start_ms < at_ms)


@compiled
def _increase(
    series_ms: Times, series: Floats, starts_ms: Times, begin: int, stop: int, window_start_ms: int, window_end_ms: int
) -> tuple[bool, float, bool]:
    """Whether there is a result, the increase over the window, and whether samples overlap."""
    known = begins_within(starts_ms[begin], series_ms[begin], window_start_ms)
    if stop - begin < 2 and not known:
        return False, 0.0, False
    difference = series[stop - 1] - series[begin]
    overlap = False
    for i in range(begin + 1, stop):
        if series[i] < series[i - 1] or restarted(starts_ms[i - 1], series_ms[i - 1], starts_ms[i], series_ms[i]):
            difference += series[i - 1]
        overlap |= overlapping(starts_ms[i - 1], series_ms[i - 1], starts_ms[i])
    sampled = float(series_ms[stop - 1] - series_ms[begin])
    distance = sampled / (stop - begin - 1) if stop - begin > 1 else 0.0
    to_end = float(window_end_ms - series_ms[stop - 1])
    if to_end >= distance * 1.1:
        to_end = distance / 2
    if known:
        covered = float(series_ms[stop - 1] - starts_ms[begin])
        return True, (difference + series[begin]) * (covered + to_end) / covered, overlap
    to_start = float(series_ms[begin] - window_start_ms)
    if to_start >= distance * 1.1:
        to_start = distance / 2
    if difference > 0 and series[begin] >= 0:
        to_start = min(to_start, sampled * (series[begin] / difference))
    return True, difference * (sampled + to_start + to_end) / sampled, overlap


@compiled
def _instant_rate(series_ms: Times, series: Floats, starts_ms: Times, last: int) -> float:
    before = last - 1
    difference = series[last] - series[before]
    if difference < 0 or restarted(starts_ms[before], series_ms[before], starts_ms[last], series_ms[last]):
        difference = series[last]
    return float(difference / ((series_ms[last] - series_ms[before]) / 1000))


@compiled
def _resets(series_ms: Times, series: Floats, starts_ms: Times, begin: int, stop: int) -> int:
    count = 0
    for i in range(begin + 1, stop):
        count += series[i] < series[i - 1] or restarted(starts_ms[i - 1], series_ms[i - 1], starts_ms[i], series_ms[i])
    return count


@compiled
def started_rows(
    function: int,
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    starts_ms: Times,
    ends_ms: Times,
    range_ms: int,
    out: Floats,
    present: Mask,
    overlaps: Mask,
    first: int,
    last: int,
) -> None:
    """
    A function of counters over the window (end - range, end] of series with start timestamps.

    Args:
        function: INCREASE, RATE, INSTANT_RATE or RESETS.
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N].
        values: [N]; stale markers are left out.
        starts_ms: [N], 0 where unknown.
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
        out: [S, T] receives results.
        present: [S, T], all False, receives True where there is one.
        overlaps: [S], all False, receives True where samples of a rate or an increase overlap.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    size = longest(offsets, first, last)
    fresh_ms, fresh_starts = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    fresh = np.empty(size, dtype=np.float64)
    for s in range(first, last):
        count = 0
        for i in range(offsets[s], offsets[s + 1]):
            if bits[i] != _STALE:
                fresh_ms[count], fresh[count], fresh_starts[count] = timestamps_ms[i], values[i], starts_ms[i]
                count += 1
        begin = stop = 0
        for t in range(ends_ms.shape[0]):
            start = ends_ms[t] - range_ms
            begin = first_after(fresh_ms, begin, count, start)
            stop = first_after(fresh_ms, max(begin, stop), count, ends_ms[t])
            if stop == begin:
                continue
            if function == RESETS:
                out[s, t], present[s, t] = _resets(fresh_ms, fresh, fresh_starts, begin, stop), True
            elif function == INSTANT_RATE:
                if stop - begin > 1:
                    out[s, t], present[s, t] = _instant_rate(fresh_ms, fresh, fresh_starts, stop - 1), True
            else:
                found, increase, overlap = _increase(fresh_ms, fresh, fresh_starts, begin, stop, start, ends_ms[t])
                out[s, t] = increase / (range_ms / 1000) if function == RATE else increase
                present[s, t] = found
                overlaps[s] |= overlap
