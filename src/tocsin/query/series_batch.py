"""
One batch of series read from the tables of samples, in the order that misses nothing: fresh rows, rows being folded, chunks.

See `tocsin.store.fold` for why that order, and `series_gather` for how the three are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tocsin.query.series_chunks import SettledChunks
from tocsin.query.series_gather import clip, count_rows, cumulate, pack, scatter_rows, settle
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.native import number_blocks
from tocsin.store.read_metrics import DAY_MS, ROW_TABLES, Chosen, Span, chunk_rows, rows, rows_settled
from tocsin.store.sql import Sql

THREADS = 2
SHARED_MIN = 100_000  # with less to do, handing it to a thread costs more than it saves
ROW_TYPES = (np.uint64, np.int64, np.float64)

Number = TypeVar("Number", bound=np.generic)
RowBlock: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a batch reads.

    Args:
        chosen: The series, for the engine.
        ids: [I] uint64, ascending: their ids.
        slots: [I] int64: which series of the batch an id belongs to; several ids may share one.
        series: How many series.
        span: The range of time.
        delta: [S] bool: series of increments, to be added up from each midnight on.
    """

    chosen: Chosen
    ids: NDArray[np.uint64]
    slots: NDArray[np.int64]
    series: int
    span: Span
    delta: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples by series as `tocsin.model.series.SeriesBatch` has them: offsets [S+1], times [N] in milliseconds, values [N]."""

    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


class BatchReader:
    """
    Reads batches.

    Args:
        engine: Where the tables are.
        executor: Shares the work of kernels; at least THREADS threads.
    """

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    def read(self, wanted: Wanted, settings: Mapping[str, SettingValue]) -> Samples:
        """
        The samples of a batch.

        Raises:
            StoreError, Timeout, LimitExceeded: As `Engine.query`.
        """
        summed = bool(wanted.delta.any())
        read = wanted.span
        if summed:
            read = Span(read.start_ms // DAY_MS * DAY_MS, read.end_ms)
        fresh, folding = (self._blocks(rows(table, wanted.chosen, read), settings) for table in ROW_TABLES)
        settled = self._chunks(wanted, read, settings)
        samples, conflicts = self._gather(wanted, settled, [*folding, *fresh])
        if conflicts and (fresh or folding):
            # Rows with the same time differ, and how they lie says nothing about which came last.
            latest = self._blocks(rows_settled(wanted.chosen, read), settings)
            # What was folded meanwhile is in chunks alone; reading these again leaves nothing out.
            samples, _ = self._gather(wanted, self._chunks(wanted, read, settings), latest)
        return _summed(samples, wanted) if summed else samples

    def _blocks(self, statement: Sql, settings: Mapping[str, SettingValue]) -> list[RowBlock]:
        body = self._engine.fetch(statement, output_format="Native", settings=settings)
        return [(ids, times, values) for ids, times, values in number_blocks(body, ROW_TYPES)]

    def _chunks(self, wanted: Wanted, span: Span, settings: Mapping[str, SettingValue]) -> SettledChunks:
        body = self._engine.fetch(chunk_rows(wanted.chosen, span), output_format="RowBinary", settings=settings)
        return SettledChunks.read(body, wanted.ids, wanted.slots, span, self._shared)

    def _gather(self, wanted: Wanted, settled: SettledChunks, blocks: list[RowBlock]) -> tuple[Samples, int]:
        """Put chunks and rows together; rows come after chunks in every series, for they were received later."""
        counts = np.zeros(wanted.series, dtype=np.int64)
        settled.count(counts)
        for ids, _, _ in blocks:
            count_rows(_aligned(ids), wanted.ids, wanted.slots, counts)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        times = np.empty(offsets[-1], dtype=np.int64)
        values = np.empty(offsets[-1], dtype=np.float64)
        cursors = offsets[:-1].copy()
        settled.decode(cursors, times, values, self._shared)
        for ids, row_times, row_values in blocks:
            scatter_rows(_aligned(ids), _aligned(row_times), _aligned(row_values), wanted.ids, wanted.slots, cursors, times, values)
        return self._settled(Samples(offsets, times, values))

    def _settled(self, samples: Samples) -> tuple[Samples, int]:
        starts, ends = samples.offsets[:-1], samples.offsets[1:]
        kept = np.empty(len(starts), dtype=np.int64)

        def work(first: int, last: int) -> int:
            return settle(starts, ends, samples.times, samples.values, kept, first, last)

        conflicts = sum(self._shared(work, starts))
        return _packed(samples, starts, kept), conflicts

    def _shared(self, work: Callable[[int, int], int], begins: NDArray[np.int64]) -> list[int]:
        """Run `work(first, last)` over ranges of things at the same time; `begins` [T] says, ascending, where the work of each begins."""
        if not len(begins) or begins[-1] < SHARED_MIN:
            return [work(0, len(begins))]
        shares = np.linspace(0, begins[-1], THREADS + 1)[1:-1]
        bounds = [0, *np.searchsorted(begins, shares).tolist(), len(begins)]
        later = [self._executor.submit(work, bounds[n], bounds[n + 1]) for n in range(1, THREADS)]
        return [work(bounds[0], bounds[1]), *(one.result() for one in later)]


def _aligned(column: NDArray[Number]) -> NDArray[Number]:
    """The column where the processor likes it: kernels are compiled for that alone. A block is small enough to stay in its caches."""
    return column.copy()


def _packed(samples: Samples, starts: NDArray[np.int64], kept: NDArray[np.int64]) -> Samples:
    offsets = np.concatenate(([0], np.cumsum(kept)))
    if offsets[-1] == len(samples.times):
        return samples
    pack(starts, kept, offsets, samples.times, samples.values)
    return Samples(offsets, samples.times[: offsets[-1]], samples.values[: offsets[-1]])


def _summed(samples: Samples, wanted: Wanted) -> Samples:
    """Increments added up from midnight on, then cut to the range that was asked for."""
    cumulate(samples.offsets, samples.times, samples.values, wanted.delta, DAY_MS)
    starts = np.empty(wanted.series, dtype=np.int64)
    kept = np.empty(wanted.series, dtype=np.int64)
    clip(samples.offsets, samples.times, wanted.span.start_ms, starts, kept)
    return _packed(samples, starts, kept)
