"""
What an aggregation remembers of the rows it has seen: one cell per group and step, however many rows there are.

Rows come part by part, so that a sum over a million series needs the memory of its groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tocsin.query.promql.aggregate_kernels import average_rows, count_rows, greatest_rows, least_rows, sum_rows, variance_rows
from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Floats, Grid, Mask, ready_floats, ready_mask

_KERNELS: Mapping[str, Callable[..., None]] = {
    "sum": sum_rows,
    "avg": average_rows,
    "min": least_rows,
    "max": greatest_rows,
    "stdvar": variance_rows,
    "stddev": variance_rows,
}
COUNTING = frozenset({"count", "group"})
ACCUMULATED = frozenset(_KERNELS) | COUNTING

_GROUPS_AT_FIRST = 16


class Accumulator:
    """
    Cells by group and step.

    Args:
        operator: One of `ACCUMULATED`.
        width: T, the number of steps.
    """

    def __init__(self, operator: str, width: int) -> None:
        self._operator = operator
        shape = (_GROUPS_AT_FIRST, width)
        self._out, self._rests = np.zeros(shape), np.zeros(shape)
        self._counts = np.zeros(shape, dtype=np.int64)
        self._carried = np.zeros(shape, dtype=np.bool_)

    def add(self, context: Context, grid: Grid, groups: NDArray[np.int64], count: int) -> None:
        """
        Add rows.

        Args:
            context: For room and threads.
            grid: The rows; only their floats matter, unless they are counted.
            groups: [S] which group each row is in.
            count: How many groups there are by now.
        """
        self._make_room(context, count)
        if self._operator in COUNTING:
            present = ready_mask(grid.present)
            context.in_halves(partial(count_rows, present, groups, self._counts), grid.width, present.size)
            return
        values, present = ready_floats(grid.values), ready_mask(grid.float_mask)
        state = (self._out, self._rests, self._counts, self._carried)
        context.in_halves(partial(_KERNELS[self._operator], values, present, groups, *state), grid.width, values.size)

    def finished(self, count: int) -> tuple[Floats, Mask]:
        """[G, T] results of the first `count` groups, and where there are any."""
        out, rests, counts = self._out[:count], self._rests[:count], self._counts[:count]
        known = counts > 0
        with np.errstate(all="ignore"):
            match self._operator:
                case "count":
                    out = counts.astype(np.float64)
                case "group":
                    out = np.ones(counts.shape)
                case "sum":
                    out = np.where(np.isinf(out), out, out + rests)
                case "avg":
                    out = np.where(self._carried[:count], out + rests, out / counts + rests / counts)
                case "stdvar":
                    out = out / counts
                case "stddev":
                    out = np.sqrt(out / counts)
        return np.where(known, out, 0.0), known

    def _make_room(self, context: Context, count: int) -> None:
        room = self._out.shape[0]
        if count <= room:
            return
        more = max(count, 2 * room) - room
        context.check_room((room + more) * self._out.shape[1])
        padding = ((0, more), (0, 0))
        self._out, self._rests = np.pad(self._out, padding), np.pad(self._rests, padding)
        self._counts, self._carried = np.pad(self._counts, padding), np.pad(self._carried, padding)
