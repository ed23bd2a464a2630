"""
A batch of series read from the tables of samples, in the order that misses nothing: fresh rows, rows being folded, chunks.

See `tocsin.store.fold` for why that order. What comes is compressed, or at most a few million rows; it is laid out in parts of a million
samples or so, because memory that was used a moment ago costs nothing, while fresh pages of the system cost more than the decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.query.series.assembly import Assembly, RowBlock, Samples, Wanted, beginning
from tocsin.query.series.buffers import Buffers
from tocsin.query.series.known import KnownTables
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.native import number_blocks
from tocsin.store.read_metrics import Chosen, Span, chunk_rows, rows, rows_settled
from tocsin.store.sql import Sql

THREADS = 2
SHARED_MIN = 100_000  # with less to do, handing it to a thread costs more than it saves
PART_SAMPLES = 1 << 20
ROW_TYPES = (np.uint64, np.int64, np.float64)

Settings: TypeAlias = Mapping[str, SettingValue]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the engine wrote: rows in the order of their tables, the fresh ones last, and the rows of `chunks`."""

    blocks: list[RowBlock]
    chunks: memoryview


@dataclass(frozen=True, slots=True)
class Part:
    """The samples of the series `first` to `last` (left out) of a batch."""

    first: int
    last: int
    samples: Samples


class BatchReader:
    """
    Reads batches.

    Args:
        engine: Where the tables are.
        executor: Shares the work of kernels; tasks given to it here never wait for one another.
        known: What is known of the tables.
        settings: For statements.
    """

    def __init__(self, engine: Engine, executor: Executor, known: KnownTables, settings: Settings) -> None:
        self._engine = engine
        self._known = known
        self._executor = executor
        self._settings = settings
        # Remembering which granules a condition holds in costs a tenth, and a range that ends now is never asked for twice.
        self._row_settings: Settings = {**settings, "use_query_condition_cache": 0}

    def fetch(self, wanted: Wanted, *, rows_too: bool) -> Fetched:
        """
        Ask the engine for a batch.

        Args:
            wanted: What.
            rows_too: Not only chunks.

        Raises:
            StoreError, Timeout, LimitExceeded: As `Engine.query`.
        """
        read = beginning(wanted)
        fresh = self._blocks(rows("samples", wanted.chosen, read)) if rows_too else []
        folding = self._blocks(rows("samples_folding", wanted.chosen, read)) if rows_too and not self._known.nothing_folding() else []
        if self._known.nothing_settled(read):
            return Fetched([*folding, *fresh], memoryview(b""))
        chunks = self._chunks(wanted.chosen, read)
        if not chunks:
            self._known.learn_settled(read)
        return Fetched([*folding, *fresh], chunks)

    def parts(self, wanted: Wanted, fetched: Fetched, buffers: Buffers) -> Iterator[Part]:
        """
        The samples of a batch, some series at a time.

        Args:
            wanted: What was asked for.
            fetched: What the engine said.
            buffers: Memory for parts.

        Raises:
            StoreError: A chunk is broken, or as `fetch`.
        """
        assembly = Assembly(wanted, fetched.blocks, fetched.chunks, self._share, buffers)
        settled = not fetched.blocks
        first = 0
        while first < wanted.series:
            last = assembly.part_end(first, PART_SAMPLES)
            samples, conflicts = assembly.gather(first, last)
            if conflicts and not settled:
                # Rows with the same time differ, and how they lie says nothing about which came last. The engine knows.
                # What was folded meanwhile is in chunks alone: they are read again, too.
                settled = True
                read = beginning(wanted)
                latest = self._blocks(rows_settled(wanted.chosen, read))
                assembly = Assembly(wanted, latest, self._chunks(wanted.chosen, read), self._share, buffers)
                continue
            yield Part(first, last, samples)
            first = last

    def _blocks(self, statement: Sql) -> list[RowBlock]:
        body = self._engine.fetch(statement, output_format="Native", settings=self._row_settings)
        return [(ids, times, values) for ids, times, values in number_blocks(body, ROW_TYPES)]

    def _chunks(self, chosen: Chosen, span: Span) -> memoryview:
        return self._engine.fetch(chunk_rows(chosen, span), output_format="RowBinary", settings=self._settings)

    def _share(self, work: Callable[[int, int], int], begins: NDArray[np.int64]) -> list[int]:
        """Run `work(first, last)` over ranges of things at the same time; `begins` [T] says, ascending, where the work of each begins."""
        if not len(begins) or begins[-1] - begins[0] < SHARED_MIN:
            return [work(0, len(begins))]
        shares = np.linspace(begins[0], begins[-1], THREADS + 1)[1:-1]
        bounds = [0, *np.searchsorted(begins, shares).tolist(), len(begins)]
        later = [self._executor.submit(work, bounds[n], bounds[n + 1]) for n in range(1, THREADS)]
        return [work(bounds[0], bounds[1]), *(one.result() for one in later)]
