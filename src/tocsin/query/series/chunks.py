"""The chunks of a batch: which samples of them belong to it, where they go, and their decoding on all threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import StoreError
from tocsin.query.promql.compiled import compiled
from tocsin.query.series.gather import find
from tocsin.store.chunk_rows import RECEIVED, START, STOP, ChunkRows, chunk_ids, count_within, decode_rows, read_rows
from tocsin.store.read_metrics import Span

Share: TypeAlias = Callable[[Callable[[int, int], int], NDArray[np.int64]], list[int]]


@dataclass(frozen=True, slots=True)
class SettledChunks:
    """
    Chunks in the order in which their samples count: of overlapping ones the last received comes last.

    Args:
        chunks: As they were read.
        slots: [C] int64: the series of each.
        counts: [C] int64: samples of each within the range of time.
        span: The range of time.
    """

    chunks: ChunkRows
    slots: NDArray[np.int64]
    counts: NDArray[np.int64]
    span: Span

    @classmethod
    def read(cls, body: memoryview, ids: NDArray[np.uint64], slots: NDArray[np.int64], span: Span, share: Share) -> SettledChunks:
        """
        Take over what the engine wrote.

        Args:
            body: Rows of `chunks`.
            ids: [I], ascending: the series wanted.
            slots: [I]: the series of the batch that each id belongs to.
            span: The range of time.
            share: Runs work on all threads.

        Raises:
            StoreError: A chunk is not one.
        """
        chunks = read_rows(body)
        found = np.empty(len(chunks.heads), dtype=np.uint64)
        chunk_ids(chunks.words, chunks.heads, found)
        places = np.empty(len(found), dtype=np.int64)
        _find_all(found, ids, places)
        wanted = places >= 0
        heads = chunks.heads if wanted.all() else chunks.heads[wanted]
        of_series = slots[places[wanted]]
        heads, of_series = _in_order(heads, of_series)
        counts = np.empty(len(heads), dtype=np.int64)

        def work(first: int, last: int) -> int:
            return count_within(chunks.words, heads, span.start_ms, span.end_ms, counts, first, last)

        _refuse_broken(share(work, np.arange(len(heads))), heads)
        return cls(ChunkRows(chunks.words, heads), of_series, counts, span)

    def count(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Raise the number of samples of each series, [S]; how many of each come in order, [S]: all, where its chunks don't overlap."""
        orderly = np.zeros(len(counts), dtype=np.int64)
        _count(self.chunks.heads, self.slots, self.counts, orderly, counts)
        return orderly

    def decode(
        self, first: int, last: int, cursors: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64], share: Share
    ) -> None:
        """
        Decode the samples of some series.

        Args:
            first: The first of the series.
            last: Behind the last one.
            cursors: [last - first], where each series goes on in the buffers; moved.
            times: [N], filled.
            values: [N], filled.
            share: Runs work on all threads.

        Raises:
            StoreError: A chunk is not one.
        """
        part = slice(*np.searchsorted(self.slots, [first, last]).tolist())
        words, heads, counts = self.chunks.words, self.chunks.heads[part], self.counts[part]
        places = np.empty(len(counts), dtype=np.int64)
        _place(self.slots[part], counts, first, cursors, places)

        def work(begin: int, end: int) -> int:
            return decode_rows(words, heads, self.span.start_ms, self.span.end_ms, counts, places, times, values, begin, end)

        _refuse_broken(share(work, np.cumsum(counts)), heads)


def _in_order(heads: NDArray[np.int64], slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By series and start; by series and receipt where chunks overlap."""
    if not _ascending(slots, heads[:, START]):
        order = np.lexsort((heads[:, START], slots))
        heads, slots = heads[order], slots[order]
    if len(slots) > 1 and ((heads[1:, START] <= heads[:-1, STOP]) & (slots[1:] == slots[:-1])).any():
        order = np.lexsort((heads[:, START], heads[:, RECEIVED], slots))
        heads, slots = heads[order], slots[order]
    return heads, slots


def _refuse_broken(first_broken: list[int], heads: NDArray[np.int64]) -> None:
    for row in first_broken:
        if row >= 0:
            raise StoreError(
                f"a chunk of samples that starts at {heads[row, START]} ms and was received at {heads[row, RECEIVED]} us can't be decoded; "
                "the engine's files are damaged, restore them from a copy or ask for another range of time"
            )


@compiled
def _find_all(found: NDArray[np.uint64], ids: NDArray[np.uint64], places: NDArray[np.int64]) -> None:
    near = 0
    for row in range(len(found)):
        place = find(ids, found[row], near)
        places[row] = place
        if place >= 0:
            near = place


@compiled
def _count(
    heads: NDArray[np.int64],
    slots: NDArray[np.int64],
    chunk_counts: NDArray[np.int64],
    orderly: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    overlaps = -1
    for row in range(len(slots)):
        slot = slots[row]
        counts[slot] += chunk_counts[row]
        if row > 0 and slots[row - 1] == slot and heads[row, START] <= heads[row - 1, STOP]:
            overlaps = slot
            orderly[slot] = 0
        if slot != overlaps:
            orderly[slot] += chunk_counts[row]


@compiled
def _place(slots: NDArray[np.int64], counts: NDArray[np.int64], first: int, cursors: NDArray[np.int64], places: NDArray[np.int64]) -> None:
    for row in range(len(slots)):
        places[row] = cursors[slots[row] - first]
        cursors[slots[row] - first] += counts[row]


@compiled
def _ascending(slots: NDArray[np.int64], starts: NDArray[np.int64]) -> bool:
    for row in range(1, len(slots)):
        if slots[row] < slots[row - 1] or (slots[row] == slots[row - 1] and starts[row] < starts[row - 1]):
            return False
    return True
