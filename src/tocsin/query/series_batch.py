"""
One batch of series read from the tables of samples, in the order that misses nothing: fresh rows, rows being folded, chunks.

See `tocsin.store.fold` for why that order, and `series_gather` for how the three are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.query.series_chunks import SettledChunks
from tocsin.query.series_gather import clip, count_rows, cumulate, pack, scatter_rows, settle
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.native import number_blocks
from tocsin.store.read_metrics import DAY_MS, Chosen, Span, anything, chunk_rows, rows, rows_settled
from tocsin.store.sql import Sql

THREADS = 2
SHARED_MIN = 100_000  # with less to do, handing it to a thread costs more than it saves
EMPTY = memoryview(b"")
ROW_TYPES = (np.uint64, np.int64, np.float64)

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


def beginning(wanted: Wanted) -> Span:
    """The range to read: increments from the midnight before on."""
    span = wanted.span
    return Span(span.start_ms // DAY_MS * DAY_MS, span.end_ms) if wanted.delta.any() else span


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
        read = beginning(wanted)
        fresh = self._rows("samples", wanted, read, settings)
        folding = self._rows("samples_folding", wanted, read, settings) if self._any("samples_folding", wanted) else []
        settled = self._chunks(wanted, read, settings)
        samples, conflicts = self._gather(wanted, settled, [*folding, *fresh])
        if conflicts and (fresh or folding):
            # Rows with the same time differ, and how they lie says nothing about which came last.
            latest = self._blocks(rows_settled(wanted.chosen, read), settings)
            # What was folded meanwhile is in chunks alone; reading these again leaves nothing out.
            samples, _ = self._gather(wanted, self._chunks(wanted, read, settings), latest)
        return _summed(samples, wanted) if wanted.delta.any() else samples

    def _any(self, table: str, wanted: Wanted) -> bool:
        """Whether a table holds anything, where asking that costs less than asking for what is wanted."""
        return wanted.chosen.matching is None or bool(self._engine.fetch(anything(table), output_format="RowBinary"))

    def _rows(self, table: str, wanted: Wanted, span: Span, settings: Mapping[str, SettingValue]) -> list[RowBlock]:
        return self._blocks(rows(table, wanted.chosen, span), settings)

    def _blocks(self, statement: Sql, settings: Mapping[str, SettingValue]) -> list[RowBlock]:
        body = self._engine.fetch(statement, output_format="Native", settings=settings)
        return [(ids, times, values) for ids, times, values in number_blocks(body, ROW_TYPES)]

    def _chunks(self, wanted: Wanted, span: Span, settings: Mapping[str, SettingValue]) -> SettledChunks:
        there = self._any("chunks", wanted)
        body = self._engine.fetch(chunk_rows(wanted.chosen, span), output_format="RowBinary", settings=settings) if there else EMPTY
        return SettledChunks.read(body, wanted.ids, wanted.slots, span, self._shared)

    def _gather(self, wanted: Wanted, settled: SettledChunks, blocks: list[RowBlock]) -> tuple[Samples, int]:
        """Put chunks and rows together; rows come after chunks in every series, for they were received later."""
        counts = np.zeros(wanted.series, dtype=np.int64)
        settled.count(counts)
        series = _evenly(wanted.series, sum(len(block[0]) for block in blocks))

        def count(first: int, last: int) -> int:
            for ids, _, _ in blocks:
                count_rows(ids, wanted.ids, wanted.slots, counts, first, last)
            return 0

        self._shared(count, series)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        times = np.empty(offsets[-1], dtype=np.int64)
        values = np.empty(offsets[-1], dtype=np.float64)
        cursors = offsets[:-1].copy()
        settled.decode(cursors, times, values, self._shared)
        kept = np.empty(wanted.series, dtype=np.int64)

        def put(first: int, last: int) -> int:
            for ids, row_times, row_values in blocks:
                scatter_rows(ids, row_times, row_values, wanted.ids, wanted.slots, cursors, times, values, first, last)
            return settle(offsets[:-1], offsets[1:], times, values, kept, first, last)

        conflicts = sum(self._shared(put, offsets[:-1]))
        return _packed(Samples(offsets, times, values), offsets[:-1], kept), conflicts

    def _shared(self, work: Callable[[int, int], int], begins: NDArray[np.int64]) -> list[int]:
        """Run `work(first, last)` over ranges of things at the same time; `begins` [T] says, ascending, where the work of each begins."""
        if not len(begins) or begins[-1] < SHARED_MIN:
            return [work(0, len(begins))]
        shares = np.linspace(0, begins[-1], THREADS + 1)[1:-1]
        bounds = [0, *np.searchsorted(begins, shares).tolist(), len(begins)]
        later = [self._executor.submit(work, bounds[n], bounds[n + 1]) for n in range(1, THREADS)]
        return [work(bounds[0], bounds[1]), *(one.result() for one in later)]


def _evenly(things: int, work: int) -> NDArray[np.int64]:
    """Where the work of each thing begins when all have the same share."""
    return np.arange(things, dtype=np.int64) * max(1, work // max(1, things))


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
