"""
Samples from several tables put together: per series ascending, none twice.

What the tables give comes in runs: rows of a part lie in the order of series and time, but parts come as they please. So nothing is
sorted: each row goes behind those of its series (`scatter_rows`), then the runs of a series are put in order, and only where runs overlap
are samples compared one by one (`settle`). Of samples with the same time the last one stays; sources are given in the order of receipt.

All kernels release the interpreter's lock. Ids that are not in `ids` are passed over: a filter may let through more than was asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.query.promql.compiled import compiled


@compiled
def find(ids: NDArray[np.uint64], wanted: np.uint64, near: int) -> int:
    """The place of an id in ascending ids, searched in growing strides from `near` on; -1 where it is not."""
    size = len(ids)
    if near >= size or ids[near] > wanted:
        low = 0
        high = min(near, size)
    else:
        low = near
        stride = 1
        while low + stride < size and ids[low + stride] <= wanted:
            low += stride
            stride *= 2
        high = min(low + stride, size)
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < size and ids[low] == wanted else -1


@compiled
def count_rows(row_ids: NDArray[np.uint64], ids: NDArray[np.uint64], slots: NDArray[np.int64], counts: NDArray[np.int64]) -> bool:
    """
    Count rows by series.

    Args:
        row_ids: [R], in runs.
        ids: [I], ascending: what is looked for.
        slots: [I], the series that each id belongs to.
        counts: [S], raised.

    Returns:
        Whether `row_ids` is ascending.
    """
    rows = len(row_ids)
    near = 0
    row = 0
    ascending = True
    while row < rows:
        wanted = row_ids[row]
        ascending = ascending and (row == 0 or row_ids[row - 1] < wanted)
        end = row + 1
        while end < rows and row_ids[end] == wanted:
            end += 1
        place = find(ids, wanted, near)
        if place >= 0:
            near = place
            counts[slots[place]] += end - row
        row = end
    return ascending


@compiled
def rows_between(row_ids: NDArray[np.uint64], low: np.uint64, high: np.uint64) -> tuple[int, int]:
    """Where rows of ids from `low` to `high`, both included, begin and end; `row_ids` [R] is ascending."""
    begin = 0
    end = len(row_ids)
    while begin < end:
        middle = (begin + end) // 2
        if row_ids[middle] < low:
            begin = middle + 1
        else:
            end = middle
    first = begin
    end = len(row_ids)
    while begin < end:
        middle = (begin + end) // 2
        if row_ids[middle] <= high:
            begin = middle + 1
        else:
            end = middle
    return first, end


@compiled
def scatter_rows(
    row_ids: NDArray[np.uint64],
    row_times: NDArray[np.int64],
    row_values: NDArray[np.float64],
    ids: NDArray[np.uint64],
    slots: NDArray[np.int64],
    cursors: NDArray[np.int64],
    cursors_first: int,
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    first: int,
    last: int,
) -> None:
    """
    Put each row of some series behind what its series has already.

    Args:
        row_ids: [R], in runs.
        row_times: [R], milliseconds.
        row_values: [R].
        ids: [I], ascending.
        slots: [I], the series that each id belongs to.
        cursors: Where each series goes on in the buffers, from the series `cursors_first` on; moved.
        cursors_first: See there.
        times: [N], filled.
        values: [N], filled.
        first: The first of the series.
        last: Behind the last one.
    """
    rows = len(row_ids)
    near = 0
    row = 0
    while row < rows:
        wanted = row_ids[row]
        end = row + 1
        while end < rows and row_ids[end] == wanted:
            end += 1
        place = find(ids, wanted, near)
        if place >= 0:
            near = place
            if first <= slots[place] and slots[place] < last:
                at = cursors[slots[place] - cursors_first]
                for source in range(row, end):
                    times[at] = row_times[source]
                    values[at] = row_values[source]
                    at += 1
                cursors[slots[place] - cursors_first] = at
        row = end


@compiled
def settle(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    kept: NDArray[np.int64],
    orderly: NDArray[np.int64],
    first: int,
    last: int,
) -> int:
    """
    Bring the samples of some series in order and leave out what is there twice; what stays begins where the series began.

    Args:
        starts: [S], where each series begins in the buffers.
        ends: [S], where it ends.
        times: [N], changed in place.
        values: [N], changed in place.
        kept: [S], filled: how many samples stay.
        orderly: [S], how many samples at the beginning of each series are known to be in order.
        first: The first of the series.
        last: Behind the last one.

    Returns:
        How many samples were left out though they differed from the one that stayed.
    """
    bits = values.view(np.int64)
    conflicts = 0
    for series in range(first, last):
        start = starts[series]
        end = ends[series]
        falls = 0
        for at in range(start + max(1, orderly[series]), end):
            if times[at] <= times[at - 1]:
                falls += 1
        if falls > 0:
            _order(start, end, falls, times, bits)
            to = start
            for at in range(start + 1, end):
                if times[at] == times[to]:
                    if bits[at] != bits[to]:
                        conflicts += 1
                else:
                    to += 1
                    times[to] = times[at]
                bits[to] = bits[at]
            end = to + 1
        kept[series] = end - start
    return conflicts


@compiled
def _order(start: int, end: int, falls: int, times: NDArray[np.int64], bits: NDArray[np.int64]) -> None:
    """Order one series by time; samples of the same time keep their order. Most come in runs that only need to change places."""
    runs = np.empty(falls + 2, dtype=np.int64)
    runs[0] = start
    run = 1
    for at in range(start + 1, end):
        if times[at] <= times[at - 1]:
            runs[run] = at
            run += 1
    runs[run] = end
    heads = np.empty(run, dtype=np.int64)
    for place in range(run):
        heads[place] = times[runs[place]]
    order = np.argsort(heads, kind="mergesort")
    old_times = times[start:end].copy()
    old_bits = bits[start:end].copy()
    to = start
    apart = True
    for place in range(run):
        source = order[place]
        if place > 0 and times[runs[source]] <= old_times[runs[order[place - 1] + 1] - 1 - start]:
            apart = False
            break
    if apart:
        for place in range(run):
            source = order[place]
            for at in range(runs[source] - start, runs[source + 1] - start):
                times[to] = old_times[at]
                bits[to] = old_bits[at]
                to += 1
    else:
        order = np.argsort(old_times, kind="mergesort")
        for at in range(end - start):
            times[start + at] = old_times[order[at]]
            bits[start + at] = old_bits[order[at]]


@compiled
def pack(
    starts: NDArray[np.int64],
    kept: NDArray[np.int64],
    offsets: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """
    Close the gaps that left-out samples made, in place.

    Args:
        starts: [S], where each series begins.
        kept: [S], how many samples it has.
        offsets: [S+1], where it shall begin; never behind `starts`.
        times: [N], changed in place.
        values: [N], changed in place.
    """
    bits = values.view(np.int64)
    for series in range(len(starts)):
        source = starts[series]
        to = offsets[series]
        if source != to:
            for step in range(kept[series]):
                times[to + step] = times[source + step]
                bits[to + step] = bits[source + step]


@compiled
def cumulate(
    offsets: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64], marked: NDArray[np.bool_], day_ms: int
) -> None:
    """
    Turn increments into a counter that starts anew at each UTC midnight, in place. Stale markers stay, and other NaNs count as nothing.

    Args:
        offsets: [S+1].
        times: [N], milliseconds.
        values: [N], changed.
        marked: [S], the series to do this to.
        day_ms: Milliseconds in a day.
    """
    for series in range(len(marked)):
        if not marked[series]:
            continue
        total = 0.0
        day = np.int64(-1)
        for at in range(offsets[series], offsets[series + 1]):
            if times[at] // day_ms != day:
                day = times[at] // day_ms
                total = 0.0
            if not np.isnan(values[at]):
                total += values[at]
                values[at] = total


@compiled
def clip(offsets: NDArray[np.int64], times: NDArray[np.int64], start_ms: int, starts: NDArray[np.int64], kept: NDArray[np.int64]) -> None:
    """Leave out what lies before an instant: fills where each series begins then [S], and how much stays [S]."""
    for series in range(len(starts)):
        at = offsets[series]
        while at < offsets[series + 1] and times[at] < start_ms:
            at += 1
        starts[series] = at
        kept[series] = offsets[series + 1] - at
