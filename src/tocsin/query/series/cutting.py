"""Some series, and of them a range of time, out of many that lie side by side in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.query.promql.compiled import compiled


@compiled
def find_rows(
    offsets: NDArray[np.int64],
    times: NDArray[np.int64],
    rows: NDArray[np.int64],
    start_ms: int,
    end_ms: int,
    firsts: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """
    Where the samples of a range lie.

    Args:
        offsets: [S+1]; series i has the samples offsets[i] to offsets[i+1].
        times: [N], ascending within a series, milliseconds.
        rows: [R] which series.
        start_ms: First instant of the range.
        end_ms: Last instant of it.
        firsts: [R], filled: where each series' part begins.
        counts: [R], filled: how long it is.
    """
    for number in range(len(rows)):
        first = offsets[rows[number]]
        last = offsets[rows[number] + 1]
        low, high = first, last
        while low < high:
            middle = (low + high) // 2
            if times[middle] < start_ms:
                low = middle + 1
            else:
                high = middle
        firsts[number] = low
        high = last
        while low < high:
            middle = (low + high) // 2
            if times[middle] <= end_ms:
                low = middle + 1
            else:
                high = middle
        counts[number] = low - firsts[number]


@compiled
def copy_rows(
    firsts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    out_times: NDArray[np.int64],
    out_values: NDArray[np.float64],
) -> None:
    """
    Lay parts of series side by side.

    Args:
        firsts: [R] where each part begins.
        offsets: [R+1] where it shall begin.
        times: [N].
        values: [N].
        out_times: [M], filled.
        out_values: [M], filled; bit by bit, so that stale markers stay what they are.
    """
    bits = values.view(np.int64)
    out_bits = out_values.view(np.int64)
    for number in range(len(firsts)):
        source = firsts[number]
        for to in range(offsets[number], offsets[number + 1]):
            out_times[to] = times[source]
            out_bits[to] = bits[source]
            source += 1
