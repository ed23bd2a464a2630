"""
Machine code that walks series' samples step by step: where windows begin and end, what a selector sees.

Windows are open on the left: `(end - range, end]`. The ends ascend, so both edges only ever move forward; they move in growing leaps,
so that neither dense nor sparse windows cost more than they must.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.model.series import STALE_NAN_BITS
from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask

Times = NDArray[np.int64]
_STALE = np.int64(STALE_NAN_BITS)


@compiled
def first_after(timestamps_ms: Times, low: int, high: int, bound: int) -> int:
    """
    Index of the first sample in [low, high) later than `bound`; `high` when none is.

    Args:
        timestamps_ms: Ascending.
        low: Where to begin; the answer is usually near.
        high: Where to end.
        bound: Milliseconds.
    """
    if low >= high or timestamps_ms[low] > bound:
        return low
    leap = 1
    while low + leap < high and timestamps_ms[low + leap] <= bound:
        low += leap
        leap *= 2
    high = min(high, low + leap)
    low += 1
    while low < high:
        middle = (low + high) // 2
        if timestamps_ms[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def count_stale(bits: Times) -> int:
    """How many of the values (as bits) are stale markers."""
    stale = 0
    for i in range(bits.shape[0]):
        stale += bits[i] == _STALE
    return stale


@compiled
def has_stale(timestamps_ms: Times, bits: Times, low: int, high: int, ends_ms: Times, range_ms: int) -> bool:
    """
    Whether any sample of [low, high) that lies in a window is a stale marker; where windows are far apart, only those are looked at.

    Args:
        timestamps_ms: Ascending in [low, high).
        bits: Values as bits.
        low: First sample of the series.
        high: One past its last.
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Their length.
    """
    if ends_ms.shape[0] < 2 or ends_ms[1] - ends_ms[0] < 2 * range_ms:
        return count_stale(bits[low:high]) > 0
    begin = low
    for t in range(ends_ms.shape[0]):
        begin = first_after(timestamps_ms, begin, high, ends_ms[t] - range_ms)
        stop = first_after(timestamps_ms, begin, high, ends_ms[t])
        if count_stale(bits[begin:stop]) > 0:
            return True
        begin = stop
    return False


@compiled
def copy_fresh(timestamps_ms: Times, values: Floats, bits: Times, low: int, high: int, out_ms: Times, out_values: Floats) -> int:
    """Copy the samples in [low, high) that are no stale markers to the front of `out_ms` and `out_values`; how many there are."""
    count = 0
    for i in range(low, high):
        if bits[i] != _STALE:
            out_ms[count] = timestamps_ms[i]
            out_values[count] = values[i]
            count += 1
    return count


@compiled
def longest(offsets: Times, first: int, last: int) -> int:
    """Samples of the longest of the series first to last."""
    size = 0
    for s in range(first, last):
        size = max(size, offsets[s + 1] - offsets[s])
    return size


@compiled
def instant_rows(
    offsets: Times,
    timestamps_ms: Times,
    values: Floats,
    ends_ms: Times,
    lookback_ms: int,
    out: Floats,
    present: Mask,
    out_ms: Times,
    first: int,
    last: int,
) -> None:
    """
    What an instant selector sees: the newest sample in (end - lookback, end], unless it is a stale marker.

    Args:
        offsets: [S+1] of the flat buffers.
        timestamps_ms: [N].
        values: [N].
        ends_ms: [T] ascending.
        lookback_ms: > 0.
        out: [S, T] receives values.
        present: [S, T], all False, receives True where there is one.
        out_ms: [S, T] receives the sample's own instant, or has no rows.
        first: First series to do.
        last: One past the last.
    """
    bits = values.view(np.int64)
    keep_times = out_ms.shape[0] > 0
    for s in range(first, last):
        low, high = offsets[s], offsets[s + 1]
        at = low
        for t in range(ends_ms.shape[0]):
            at = first_after(timestamps_ms, at, high, ends_ms[t])
            if at == low:
                continue
            newest = at - 1
            at = newest
            if timestamps_ms[newest] > ends_ms[t] - lookback_ms and bits[newest] != _STALE:
                out[s, t] = values[newest]
                present[s, t] = True
                if keep_times:
                    out_ms[s, t] = timestamps_ms[newest]
