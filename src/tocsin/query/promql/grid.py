"""
What vectors are while a query is evaluated: grids of series by steps, so that one operation works on all of them at once.

A cell is absent, a float, or a native histogram. Histograms are rare: the array that holds them exists only where there are any.
Names that an operation dropped are taken off late (`nameless`), because most queries aggregate soon after and never look at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Objects: TypeAlias = "np.ndarray[Any, np.dtype[np.object_]]"

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Steps:
    """
    The instants at which an expression is evaluated.

    Args:
        start_ms: The first, milliseconds since 1970.
        step_ms: From one to the next, > 0; 0 for an instant query.
        count: How many, >= 0.
    """

    start_ms: int
    step_ms: int
    count: int

    @property
    def end_ms(self) -> int:
        """The last."""
        return self.start_ms + self.step_ms * (self.count - 1)

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """[T] int64."""
        return self.start_ms + self.step_ms * np.arange(self.count, dtype=np.int64)


@dataclass(slots=True)
class Grid:
    """
    A vector at every step; its rows stand in the order of the answer.

    Args:
        raw: [S] labels; look at `labels` instead, which lacks what was dropped.
        values: [S, T] float64; meaningless where no float is present.
        present: [S, T] whether there is a sample, of either kind.
        histograms: [S, T] objects, None where the sample is no histogram; None without any histograms.
        nameless: Labels that were dropped from `raw` but may still be there.
        pending: [S] rows whose name is dropped at the end of the query; None: none (only with delayed name removal).
        one_name: All rows have the same name, so that dropping it makes no two rows alike.
    """

    raw: Sequence[Labels]
    values: Floats
    present: Mask
    histograms: Objects | None = None
    nameless: tuple[str, ...] = ()
    pending: Mask | None = None
    one_name: bool = False
    _labels: list[Labels] | None = field(default=None, repr=False)

    @property
    def labels(self) -> list[Labels]:
        """[S] labels, without those that were dropped."""
        if self._labels is None:
            self._labels = [without(labels, self.nameless) for labels in self.raw] if self.nameless else list(self.raw)
        return self._labels

    @property
    def height(self) -> int:
        """S, the number of rows."""
        return len(self.raw)

    @property
    def width(self) -> int:
        """T, the number of steps."""
        return int(self.values.shape[1])

    @property
    def histogram_mask(self) -> Mask:
        """[S, T] where a histogram is present."""
        if self.histograms is None:
            return np.zeros(self.present.shape, dtype=np.bool_)
        return held(self.histograms) & self.present

    @property
    def float_mask(self) -> Mask:
        """[S, T] where a float is present."""
        return self.present if self.histograms is None else self.present & ~self.histogram_mask

    def rows(self, index: NDArray[np.int64]) -> Grid:
        """Some of the rows, in the order of `index`."""
        return Grid(
            [self.raw[i] for i in index],
            self.values[index],
            self.present[index],
            None if self.histograms is None else self.histograms[index],
            self.nameless,
            None if self.pending is None else self.pending[index],
            self.one_name,
        )

    def with_cells(self, values: Floats, present: Mask, histograms: Objects | None = None) -> Grid:
        """The same rows with other cells."""
        return Grid(self.raw, values, present, histograms, self.nameless, self.pending, self.one_name, _labels=self._labels)

    def floats_only(self, values: Floats | None = None) -> Grid:
        """Without the histograms; with other values if given."""
        return self.with_cells(self.values if values is None else values, self.float_mask)

    def broadcast(self, count: int) -> Grid:
        """One step repeated `count` times, without copying."""
        shape = (self.height, count)
        return self.with_cells(
            np.broadcast_to(self.values, shape),
            np.broadcast_to(self.present, shape),
            None if self.histograms is None else np.broadcast_to(self.histograms, shape),
        )

    def without_empty_rows(self) -> Grid:
        """Only rows that have a sample at some step."""
        alive = self.present.any(axis=1)
        return self if alive.all() else self.rows(np.flatnonzero(alive))


def held(histograms: Objects) -> Mask:
    """Where there is a histogram."""
    found: Mask = np.not_equal(histograms, None).astype(np.bool_)  # type: ignore[call-overload] # numpy's stubs know no None
    return found


def empty_grid(count: int) -> Grid:
    """A vector without series at `count` steps."""
    return Grid([], np.zeros((0, count)), np.zeros((0, count), dtype=np.bool_))


def without(labels: Labels, names: tuple[str, ...]) -> Labels:
    """Labels without some; fast for the name, which nearly always comes first."""
    pairs = labels.pairs
    if len(names) == 1 and pairs and pairs[0][0] == names[0]:
        return Labels.of_sorted(pairs[1:])
    if any(pair[0] in names for pair in pairs):
        return labels.drop(names)
    return labels


def merged(grid: Grid, *, reason: str = SAME_LABELSET) -> Grid:
    """
    Rows with the same labels as one row, where they have no step in common.

    Args:
        grid: Any.
        reason: What to say when they do.

    Raises:
        InvalidInput: Two rows with the same labels have a sample at the same step.
    """
    labels = grid.labels
    first: dict[Labels, int] = {}
    index = np.fromiter((first.setdefault(one, len(first)) for one in labels), dtype=np.int64, count=len(labels))
    if len(first) == len(labels):
        return grid
    return _merge_rows(grid, list(first), index, reason)


def _merge_rows(grid: Grid, labels: list[Labels], target: NDArray[np.int64], reason: str) -> Grid:
    shape = (len(labels), grid.width)
    out = Grid(
        labels,
        np.zeros(shape),
        np.zeros(shape, dtype=np.bool_),
        pending=None if grid.pending is None else np.zeros(shape[0], dtype=np.bool_),
    )
    if grid.histograms is not None:
        out.histograms = np.full(shape, None, dtype=object)
    for row, to in enumerate(target):
        here = grid.present[row]
        if (out.present[to] & here).any():
            raise InvalidInput(reason)
        out.values[to][here] = grid.values[row][here]
        out.present[to] |= here
        if out.histograms is not None and grid.histograms is not None:
            out.histograms[to][here] = grid.histograms[row][here]
        if out.pending is not None and grid.pending is not None:
            out.pending[to] |= grid.pending[row]
    return out


def stacked(grids: Sequence[Grid], count: int) -> Grid:
    """
    All rows of several grids, one below the other.

    Args:
        grids: Any number.
        count: Steps, for when there are none.
    """
    if not grids:
        return empty_grid(count)
    if len(grids) == 1:
        return grids[0]
    histograms = None
    if any(grid.histograms is not None for grid in grids):
        histograms = np.concatenate(
            [np.full(grid.values.shape, None, dtype=object) if grid.histograms is None else grid.histograms for grid in grids]
        )
    pending = None
    if any(grid.pending is not None for grid in grids):
        pending = np.concatenate([np.zeros(grid.height, dtype=np.bool_) if grid.pending is None else grid.pending for grid in grids])
    lazy = len({grid.nameless for grid in grids}) == 1
    return Grid(
        [labels for grid in grids for labels in (grid.raw if lazy else grid.labels)],
        np.concatenate([grid.values for grid in grids]),
        np.concatenate([grid.present for grid in grids]),
        histograms,
        grids[0].nameless if lazy else (),
        pending,
    )


NAME_ALONE = (METRIC_NAME,)
NAME_TYPE_AND_UNIT = (METRIC_NAME, "__type__", "__unit__")


def ready_floats(values: Floats) -> Floats:
    """The same numbers as machine code takes them: side by side and writable; a copy only where they are not."""
    return np.require(values, np.float64, ["C", "W"])


def ready_mask(mask: Mask) -> Mask:
    """The same for a mask."""
    return np.require(mask, np.bool_, ["C", "W"])


def ready_times(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same for instants and indices."""
    return np.require(times, np.int64, ["C", "W"])
