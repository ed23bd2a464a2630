"""Chunks and rows of a batch put together, some series at a time. See `tocsin.query.series.gather` for how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.query.series.buffers import Buffers
from tocsin.query.series.chunks import SettledChunks
from tocsin.query.series.gather import clip, count_rows, cumulate, pack, rows_between, scatter_rows, settle
from tocsin.store.read_metrics import DAY_MS, Chosen, Span

RowBlock: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]
Share: TypeAlias = Callable[[Callable[[int, int], int], NDArray[np.int64]], list[int]]


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


class Assembly:
    """
    What the engine gave of a batch.

    Args:
        wanted: Which series, which range.
        blocks: Rows, in the order of receipt as far as tables tell.
        chunks: Rows of `chunks`.
        share: Runs work on all threads.
        buffers: Memory for samples.

    Raises:
        StoreError: A chunk is broken.
    """

    def __init__(self, wanted: Wanted, blocks: Sequence[RowBlock], chunks: memoryview, share: Share, buffers: Buffers) -> None:
        self._wanted = wanted
        self._blocks = blocks
        self._share = share
        self._buffers = buffers
        self._chunks = SettledChunks.read(chunks, wanted.ids, wanted.slots, beginning(wanted), share)
        self._ascending = [False] * len(blocks)
        self._in_step = bool((np.diff(wanted.slots) >= 0).all())
        counts = self._count_rows()
        self._orderly = self._chunks.count(counts)
        self._offsets = np.concatenate(([0], np.cumsum(counts)))

    def part_end(self, first: int, samples_max: int) -> int:
        """Behind the last of the series from `first` on that hold `samples_max` samples together; at least one."""
        end = int(np.searchsorted(self._offsets, self._offsets[first] + samples_max, side="right")) - 1
        return min(max(first + 1, end), self._wanted.series)

    def gather(self, first: int, last: int) -> tuple[Samples, int]:
        """
        The samples of the series from `first` to `last` (left out).

        Returns:
            Them, and how many of the same time differed from the one that stayed.
        """
        starts = self._offsets[first:last] - self._offsets[first]
        size = int(self._offsets[last] - self._offsets[first])
        times = self._buffers.take(size, np.int64)
        values = self._buffers.take(size, np.float64)
        cursors = starts.copy()
        self._chunks.decode(first, last, cursors, times, values, self._share)
        ends = np.append(starts[1:], size)
        kept = np.empty(last - first, dtype=np.int64)
        wanted = self._wanted
        orderly = self._orderly[first:last]

        def put(begin: int, end: int) -> int:
            if end > begin:
                for ids, row_times, row_values in self._rows_of(first + begin, first + end):
                    scatter_rows(
                        ids, row_times, row_values, wanted.ids, wanted.slots, cursors, first, times, values, first + begin, first + end
                    )
            return settle(starts, ends, times, values, kept, orderly, begin, end)

        conflicts = sum(self._share(put, starts))
        samples = _packed(Samples(np.append(starts, size), times, values), starts, kept)
        return self._summed(samples, first, last), conflicts

    def _count_rows(self) -> NDArray[np.int64]:
        """[S] How many rows each series has; notes on the way which blocks are in the order of ids, as nearly all are."""
        counted: list[NDArray[np.int64]] = []

        def work(first: int, last: int) -> int:
            counts = np.zeros(self._wanted.series, dtype=np.int64)
            for number in range(first, last):
                self._ascending[number] = count_rows(self._blocks[number][0], self._wanted.ids, self._wanted.slots, counts)
            counted.append(counts)
            return 0

        self._share(work, np.cumsum([len(block[0]) for block in self._blocks], dtype=np.int64))
        return np.asarray(np.sum(counted, axis=0, dtype=np.int64))

    def _rows_of(self, first: int, last: int) -> Iterator[RowBlock]:
        """The rows of some series, and perhaps of others: what lies between their ids, where ids and series go in step."""
        places = np.searchsorted(self._wanted.slots, [first, last]) if self._in_step else (0, len(self._wanted.ids))
        low, high = self._wanted.ids[places[0]], self._wanted.ids[places[1] - 1]
        for block, ascending in zip(self._blocks, self._ascending, strict=True):
            part = slice(*rows_between(block[0], low, high)) if ascending else slice(None)
            ids, times, values = block
            yield ids[part], times[part], values[part]

    def _summed(self, samples: Samples, first: int, last: int) -> Samples:
        """Increments added up from midnight on; then all that was read for this alone is cut off."""
        if not self._wanted.delta.any():
            return samples
        cumulate(samples.offsets, samples.times, samples.values, self._wanted.delta[first:last], DAY_MS)
        starts = np.empty(last - first, dtype=np.int64)
        kept = np.empty(last - first, dtype=np.int64)
        clip(samples.offsets, samples.times, self._wanted.span.start_ms, starts, kept)
        return _packed(samples, starts, kept)


def _packed(samples: Samples, starts: NDArray[np.int64], kept: NDArray[np.int64]) -> Samples:
    offsets = np.concatenate(([0], np.cumsum(kept)))
    if offsets[-1] == len(samples.times):
        return samples
    pack(starts, kept, offsets, samples.times, samples.values)
    return Samples(offsets, samples.times[: offsets[-1]], samples.values[: offsets[-1]])
