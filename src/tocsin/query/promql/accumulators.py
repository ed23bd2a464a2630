"""
What an aggregation remembers of the rows it has seen: one cell per group and step, however many rows there are.

Rows come part by part, so that a sum over a million series needs the memory of its groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

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
_WITH_RESTS = frozenset({"sum", "avg", "stdvar", "stddev"})

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
        self._width = width
        self._room = 0
        # What an operator does not need has no rows: with many groups each of these is as large as all that was selected.
        self._needs_out = operator not in COUNTING
        self._needs_rests = operator in _WITH_RESTS
        self._needs_carried = operator == "avg"
        nothing = (0, width)
        self._out, self._rests = np.zeros(nothing), np.zeros(nothing)
        self._counts = np.zeros(nothing, dtype=np.int64)
        self._carried = np.zeros(nothing, dtype=np.bool_)

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
        """[G, T] results of the first `count` groups, and where there are any. Nothing can be added after it."""
        out, rests, counts = self._out[:count], self._rests[:count], self._counts[:count]
        known = counts > 0
        with np.errstate(all="ignore"):
            match self._operator:
                case "count":
                    out = counts.astype(np.float64)
                case "group":
                    out = known.astype(np.float64)
                case "sum":
                    np.add(out, rests, out=out, where=~np.isinf(out))
                case "avg":
                    np.divide(out, counts, out=out, where=~self._carried[:count])
                    np.divide(rests, counts, out=rests, where=~self._carried[:count])
                    out += rests
                case "stdvar":
                    out /= counts
                case "stddev":
                    out /= counts
                    np.sqrt(out, out=out)
        out[~known] = 0.0
        self._out = self._rests = self._out[:0]
        return out, known

    def _make_room(self, context: Context, count: int) -> None:
        if count <= self._room:
            return
        room = max(count, self._room + self._room // 2, _GROUPS_AT_FIRST)
        context.check_room(room * self._width)
        self._room = room
        self._counts = _with_rows(self._counts, room)
        if self._needs_out:
            self._out = _with_rows(self._out, room)
        if self._needs_rests:
            self._rests = _with_rows(self._rests, room)
        if self._needs_carried:
            self._carried = _with_rows(self._carried, room)


def _with_rows(cells: NDArray[Any], count: int) -> NDArray[Any]:
    """The same with more rows, of zeros, which cost no memory until they are written to."""
    more = np.zeros((count, cells.shape[1]), dtype=cells.dtype)
    more[: len(cells)] = cells
    return more
