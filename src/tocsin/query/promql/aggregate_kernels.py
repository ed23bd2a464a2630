"""
Machine code of aggregations of floats: cells of the same group and step become one cell.

Rows are walked in order and columns within them, as the cells lie in memory. Sums are compensated, as upstream's are.
All kernels that accumulate have one signature, though some of them need less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.grid import Floats, Mask
from tocsin.query.promql.window_functions import compensated, quantile_of

Groups = NDArray[np.int64]


@compiled
def sum_rows(
    values: Floats,
    present: Mask,
    groups: Groups,
    out: Floats,
    rests: Floats,
    counts: Groups,
    carried: Mask,  # noqa: ARG001
    first: int,
    last: int,
) -> None:
    """
    Add rows to sums by group and step.

    Args:
        values: [S, T].
        present: [S, T].
        groups: [S] which group a row is in.
        out: [G, T] sums so far, at first zeros.
        rests: [G, T] what rounding has lost so far, at first zeros.
        counts: [G, T] how many there were so far.
        carried: [G, T] not looked at.
        first: First column to do.
        last: One past the last.
    """
    for s in range(values.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if present[s, t]:
                out[g, t], rests[g, t] = compensated(values[s, t], out[g, t], rests[g, t])
                counts[g, t] += 1


@compiled
def average_rows(
    values: Floats, present: Mask, groups: Groups, out: Floats, rests: Floats, counts: Groups, carried: Mask, first: int, last: int
) -> None:
    """Add rows to averages, as `sum_rows` does to sums: `out` is the sum or, once that would overflow (`carried`), a mean carried along."""
    for s in range(values.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if not present[s, t]:
                continue
            counts[g, t] += 1
            count = float(counts[g, t])
            if not carried[g, t]:
                new, rest = compensated(values[s, t], out[g, t], rests[g, t])
                if count == 1 or not np.isinf(new):
                    out[g, t], rests[g, t] = new, rest
                    continue
                carried[g, t] = True
                out[g, t] /= count - 1
                rests[g, t] /= count - 1
            share = (count - 1) / count
            out[g, t], rests[g, t] = compensated(values[s, t] / count, share * out[g, t], share * rests[g, t])


@compiled
def least_rows(
    values: Floats,
    present: Mask,
    groups: Groups,
    out: Floats,
    rests: Floats,  # noqa: ARG001
    counts: Groups,
    carried: Mask,  # noqa: ARG001
    first: int,
    last: int,
) -> None:
    """Add rows to minima, as `sum_rows` does to sums; NaN only where all are."""
    for s in range(values.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if not present[s, t]:
                continue
            if counts[g, t] == 0 or np.isnan(out[g, t]) or values[s, t] < out[g, t]:
                out[g, t] = values[s, t]
            counts[g, t] += 1


@compiled
def greatest_rows(
    values: Floats,
    present: Mask,
    groups: Groups,
    out: Floats,
    rests: Floats,  # noqa: ARG001
    counts: Groups,
    carried: Mask,  # noqa: ARG001
    first: int,
    last: int,
) -> None:
    """Add rows to maxima, as `sum_rows` does to sums; NaN only where all are."""
    for s in range(values.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if not present[s, t]:
                continue
            if counts[g, t] == 0 or np.isnan(out[g, t]) or values[s, t] > out[g, t]:
                out[g, t] = values[s, t]
            counts[g, t] += 1


@compiled
def variance_rows(
    values: Floats,
    present: Mask,
    groups: Groups,
    out: Floats,
    rests: Floats,
    counts: Groups,
    carried: Mask,  # noqa: ARG001
    first: int,
    last: int,
) -> None:
    """Add rows to sums of squared distances from the mean so far, which `rests` holds; otherwise as `sum_rows`."""
    for s in range(values.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if present[s, t]:
                counts[g, t] += 1
                off = values[s, t] - rests[g, t]
                rests[g, t] += off / counts[g, t]
                out[g, t] += off * (values[s, t] - rests[g, t])


@compiled
def count_rows(present: Mask, groups: Groups, counts: Groups, first: int, last: int) -> None:
    """Add to [G, T] how many cells are present by group and step."""
    for s in range(present.shape[0]):
        g = groups[s]
        for t in range(first, last):
            counts[g, t] += present[s, t]


@compiled
def quantile_columns(
    values: Floats, present: Mask, members: Groups, starts: Groups, q: Floats, out: Floats, counts: Groups, first: int, last: int
) -> None:
    """
    The quantile by group and step.

    Args:
        values: [S, T].
        present: [S, T].
        members: [S] rows, group after group.
        starts: [G+1] where each group's rows begin in `members`.
        q: [T] the quantile asked for.
        out: [G, T] receives quantiles.
        counts: [G, T] receives how many values there were.
        first: First column to do.
        last: One past the last.
    """
    scratch = np.empty(values.shape[0])
    for g in range(out.shape[0]):
        for t in range(first, last):
            count = 0
            for m in range(starts[g], starts[g + 1]):
                if present[members[m], t]:
                    scratch[count] = values[members[m], t]
                    count += 1
            counts[g, t] = count
            if count:
                out[g, t] = quantile_of(scratch, count, q[t])


@compiled
def _worse(a: float, b: float, highest: bool) -> bool:
    """Whether `a` gives way to `b` among the k best: NaN gives way to all."""
    if np.isnan(a):
        return not np.isnan(b)
    return b > a if highest else b < a


@compiled
def _nearer_exit(a: float, b: float, highest: bool) -> bool:
    """Whether `a` stands above `b` in the heap, from whose top cells leave: the worse, and of two NaN the one that moved last."""
    return np.isnan(a) or (a < b if highest else a > b)


@compiled
def _sink(heap: Groups, count: int, column: Floats, highest: bool) -> None:
    """Restore the heap, whose top is the worst, after its top was changed."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= count:
            return
        if child + 1 < count and _nearer_exit(column[heap[child + 1]], column[heap[child]], highest):
            child += 1
        if not _nearer_exit(column[heap[child]], column[heap[at]], highest):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@compiled
def _rise(heap: Groups, at: int, column: Floats, highest: bool) -> None:
    """Restore the heap, whose top is the worst, after one was added at its end."""
    while at > 0:
        parent = (at - 1) // 2
        if not _nearer_exit(column[heap[at]], column[heap[parent]], highest):
            return
        heap[at], heap[parent] = heap[parent], heap[at]
        at = parent


@compiled
def best_columns(
    values: Floats, present: Mask, members: Groups, starts: Groups, k: Groups, highest: bool, kept: Mask, first: int, last: int
) -> None:
    """
    The k best by group and step (`topk`, `bottomk`); of equal ones the first.

    Args:
        values: [S, T].
        present: [S, T].
        members: [S] rows, group after group.
        starts: [G+1] where each group's rows begin in `members`.
        k: [T] how many to keep, >= 0.
        highest: The largest rather than the smallest.
        kept: [S, T], all False, receives True where a cell is kept.
        first: First column to do.
        last: One past the last.
    """
    heap = np.empty(values.shape[0], dtype=np.int64)
    column = np.empty(values.shape[0])
    for t in range(first, last):
        column[:] = values[:, t]
        for g in range(starts.shape[0] - 1):
            count = 0
            for m in range(starts[g], starts[g + 1]):
                s = members[m]
                if not present[s, t] or k[t] < 1:
                    continue
                if count < k[t]:
                    heap[count] = s
                    _rise(heap, count, column, highest)
                    count += 1
                elif _worse(column[heap[0]], column[s], highest):
                    heap[0] = s
                    _sink(heap, count, column, highest)
            for i in range(count):
                kept[heap[i], t] = True


@compiled
def first_columns(present: Mask, groups: Groups, k: Groups, taken: Groups, kept: Mask, first: int, last: int) -> None:
    """
    The first k present by group and step (`limitk`).

    Args:
        present: [S, T].
        groups: [S] which group a row is in.
        k: [T] how many to keep.
        taken: [G, T] zeros; scratch.
        kept: [S, T], all False, receives True where a cell is kept.
        first: First column to do.
        last: One past the last.
    """
    for s in range(present.shape[0]):
        g = groups[s]
        for t in range(first, last):
            if present[s, t] and taken[g, t] < k[t]:
                taken[g, t] += 1
                kept[s, t] = True
