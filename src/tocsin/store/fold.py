"""
The fold: fresh samples, which lie in rows, become chunks, which take a twentieth of the space and of the time to read.

    samples --MOVE PARTITION--> samples_folding --read by ranges of series, encode, INSERT--> chunks --> DROP PARTITION of samples_folding

A partition of `samples` is half an hour of receipt. Once it has ended, or grown too large, it is moved away whole, so that rows that
still arrive for it are never lost: they begin a new one. What can go wrong goes wrong between two steps, and the answer is always to begin
again: what lies in `samples_folding` comes first, before anything else is moved there; an insert carries a token made of its very bytes,
so the engine takes it once; a partition is dropped only when all of it is in `chunks`. Repeating the last step after its success finds
nothing to do.

Readers ask `samples`, `samples_folding`, `chunks` in this order. A sample only ever moves to the right, and is written on the right before
it is removed on the left, so a reader may see it twice, never not at all. Where a reader knows that `samples_folding` is empty, or that
`chunks` end before its range, it asks in that order all the same: it looks whether anything was written since (`tocsin.store.changes`).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.clock import NANOSECONDS_PER_SECOND, Clock
from tocsin.errors import TocsinError
from tocsin.store.chunk_rows import COLUMNS, HEAD_BYTES, encode_rows
from tocsin.store.chunks import CHUNK_WINDOW_MS, ROW_BYTES_MAX, compiled
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.fold_options import FoldOptions
from tocsin.store.native import number_blocks
from tocsin.store.sql import Sql, quote_string

RECEIPT_WINDOW_S = 1800  # as the partitions of `samples`
BODY_BYTES = 16_000_000  # an insert carries about as much
PREFIX_BITS = 16  # series ids are hashes: the counts of their first bits tell where to cut
STOP_WAIT_S = 60.0
ROW_TYPES = (np.uint64, np.int64, np.float64, np.int64)
# One block per partition and insert, so that the token alone decides whether it is in.
INSERT_SETTINGS: dict[str, SettingValue] = {
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 2**40,
    "min_insert_block_size_bytes": 2**40,
    "max_partitions_per_insert_block": 0,
    "async_insert": 0,
}

log = logging.getLogger("tocsin.store.fold")


@dataclass(frozen=True, slots=True)
class FoldStatistics:
    """
    Folding since the start.

    Args:
        partitions: Partitions of samples that were folded.
        samples: Samples that were folded, without those that were there twice.
        chunks: Chunks that were made of them.
        bytes: What the chunks take before the engine compresses them, bytes.
        fold_s: Time spent, seconds.
        failures: Runs that failed; the next one takes up where they ended.
        failing: Gauge: 1 while the last run failed.
        last_error: Why; empty when the last run worked.
    """

    partitions: int = 0
    samples: int = 0
    chunks: int = 0
    bytes: int = 0
    fold_s: float = 0.0
    failures: int = 0
    failing: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class _Range:
    """Series ids from `low` to `high` and event times from `start_ms` to `end_ms`, all included."""

    low: int
    high: int
    start_ms: int = -(2**62)
    end_ms: int = 2**62


@dataclass(frozen=True, slots=True)
class _Columns:
    ids: NDArray[np.uint64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    received: NDArray[np.int64]


class Fold:
    """
    Folds samples now and then, in a thread of its own. The only writer of `chunks`.

    Args:
        engine: Where the tables are.
        options: When and how much at a time.
        clock: What it calls now.
    """

    def __init__(self, engine: Engine, options: FoldOptions, clock: Clock) -> None:
        self._engine = engine
        self._options = options
        self._clock = clock
        self._folding = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._counts: dict[str, Any] = {}

    def start(self) -> None:
        """Begin folding."""
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the insert that is being made; what is unfinished is taken up at the next start."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_WAIT_S)

    def run_once(self) -> int:
        """
        Fold everything that is due now, in this thread.

        Returns:
            How many partitions were folded.

        Raises:
            StoreError, Timeout, LimitExceeded: The engine refused; repeating is safe.
        """
        return self._fold(self._due)

    def settle(self) -> int:
        """Fold everything, due or not, in this thread; else as `run_once`."""
        return self._fold(lambda: list(self._partitions("samples")))

    def statistics(self) -> FoldStatistics:
        """What was done since the start."""
        return FoldStatistics(**self._counts)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.run_once()
                self._counts = {**self._counts, "failing": 0, "last_error": ""}
            except Exception as error:  # the thread must outlive whatever the engine says
                said = str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}: {error}"
                self._counts = {**self._counts, "failing": 1, "last_error": said}
                self._raise_counts(failures=1)
                log.error("folding samples failed, the next run takes it up: %s", said, exc_info=not isinstance(error, TocsinError))
            self._stop.wait(self._options.interval_s)

    def _fold(self, choose: Callable[[], list[str]]) -> int:
        """Finish what was begun, then fold the partitions chosen."""
        with self._folding:
            folded = 0
            for partition in self._partitions("samples_folding"):
                folded += self._finish(partition)
            for partition in choose():
                if self._stop.is_set():
                    break
                self._engine.execute(Sql(f"ALTER TABLE samples MOVE PARTITION ID {quote_string(partition)} TO TABLE samples_folding"))
                folded += self._finish(partition)
            return folded

    def _partitions(self, table: str) -> dict[str, int]:
        """Rows by partition, the oldest first."""
        statement = Sql(
            "SELECT partition_id, sum(rows) FROM system.parts WHERE active AND rows > 0 AND database = currentDatabase() "
            "AND table = {table:String} GROUP BY partition_id ORDER BY min(min_time), partition_id",
            {"table": table},
        )
        return {str(partition): int(count) for partition, count in self._engine.query(statement).rows}

    def _due(self) -> list[str]:
        """Partitions to fold: those whose half hour of receipt is over, and those that are large."""
        settled_s = self._clock.now_ns() / NANOSECONDS_PER_SECOND - self._options.settle_s - RECEIPT_WINDOW_S
        partitions = self._partitions("samples")
        return [partition for partition, count in partitions.items() if int(partition) <= settled_s or count > self._options.rows_max]

    def _finish(self, partition: str) -> int:
        """Fold a partition that was moved away, and drop it; 0 when stopped before its end."""
        begun_s = self._clock.monotonic_s()
        for part in self._ranges(partition):
            columns = self._read(partition, part)
            for chunks, samples, body in _bodies(columns):
                if self._stop.is_set():
                    return 0
                token = f"fold/{partition}/{hashlib.sha256(body).hexdigest()}"
                self._engine.insert("chunks", COLUMNS, body, settings={**INSERT_SETTINGS, "insert_deduplication_token": token})
                self._raise_counts(chunks=chunks, samples=samples, bytes=len(body))
        self._engine.execute(Sql(f"ALTER TABLE samples_folding DROP PARTITION ID {quote_string(partition)}"))
        self._raise_counts(partitions=1, fold_s=self._clock.monotonic_s() - begun_s)
        return 1

    def _ranges(self, partition: str) -> Iterator[_Range]:
        """Ranges of series ids that hold at most `batch_rows` rows each, or of event time where a few series alone hold more."""
        statement = Sql(
            "SELECT bitShiftRight(series_id, {shift:UInt8}) AS prefix, count() FROM samples_folding "
            "WHERE _partition_id = {partition:String} GROUP BY prefix ORDER BY prefix",
            {"shift": 64 - PREFIX_BITS, "partition": partition},
        )
        most = self._options.batch_rows
        prefixes = self._engine.query(statement).rows
        for first, last, count in _cut(prefixes, most):
            part = _Range(first << 64 - PREFIX_BITS, (last + 1 << 64 - PREFIX_BITS) - 1)
            if count <= 2 * most:
                yield part
            else:
                yield from self._windows(partition, part)

    def _windows(self, partition: str, part: _Range) -> Iterator[_Range]:
        """The same series, some windows of event time at a time: no chunk reaches from one into the next."""
        statement = Sql(
            "SELECT intDiv(toUnixTimestamp64Milli(ts), {window:Int64}) AS window, count() FROM samples_folding "
            "WHERE _partition_id = {partition:String} AND series_id BETWEEN {low:UInt64} AND {high:UInt64} GROUP BY window ORDER BY window",
            {"window": CHUNK_WINDOW_MS, "partition": partition, "low": part.low, "high": part.high},
        )
        for first, last, _ in _cut(self._engine.query(statement).rows, self._options.batch_rows):
            yield replace(part, start_ms=first * CHUNK_WINDOW_MS, end_ms=(last + 1) * CHUNK_WINDOW_MS - 1)

    def _read(self, partition: str, part: _Range) -> _Columns:
        """Samples of a range in the order of series and time; of those there twice the one received last."""
        statement = Sql(
            "SELECT series_id, ts, value, received FROM samples_folding WHERE _partition_id = {partition:String} "
            "AND series_id BETWEEN {low:UInt64} AND {high:UInt64} AND toUnixTimestamp64Milli(ts) BETWEEN {start:Int64} AND {end:Int64} "
            "ORDER BY series_id, ts, received, segment",
            {"partition": partition, "low": part.low, "high": part.high, "start": part.start_ms, "end": part.end_ms},
        )
        blocks = list(number_blocks(self._engine.fetch(statement, output_format="Native"), ROW_TYPES))
        if not blocks:
            return _Columns(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int64))
        ids, times, values, received = (np.concatenate(column) for column in zip(*blocks, strict=True))
        kept = keep_last(ids, times, values, received)
        return _Columns(ids[:kept], times[:kept], values[:kept], received[:kept])

    def _raise_counts(self, **by: float) -> None:
        self._counts = {**self._counts, **{name: self._counts.get(name, 0) + number for name, number in by.items()}}


def _cut(counts: Iterable[Sequence[int]], most: int) -> Iterator[tuple[int, int, int]]:
    """Neighbouring keys, given as (key, count), put together up to a count of `most`: first key, last key, count."""
    group: tuple[int, int, int] | None = None
    for key, count in counts:
        if group is not None and group[2] + count > most:
            yield group
            group = None
        group = (key, key, count) if group is None else (group[0], key, group[2] + count)
    if group is not None:
        yield group


def _bodies(columns: _Columns) -> Iterator[tuple[int, int, bytes]]:
    """Chunks, samples in them, and the rows to insert."""
    out = np.empty(BODY_BYTES + ROW_BYTES_MAX + HEAD_BYTES, dtype=np.uint8)
    first = 0
    while first < len(columns.ids):
        chunks, last, size = encode_rows(out, columns.ids, columns.times, columns.values, columns.received, first)
        yield chunks, last - first, out[:size].tobytes()
        first = last


@compiled
def keep_last(ids: NDArray[np.uint64], times: NDArray[np.int64], values: NDArray[np.float64], received: NDArray[np.int64]) -> int:
    """Of neighbours with the same series and time keep the last, in place; how many stay."""
    bits = values.view(np.int64)
    to = -1
    for at in range(len(ids)):
        if to < 0 or ids[at] != ids[to] or times[at] != times[to]:
            to += 1
        if to != at:
            ids[to] = ids[at]
            times[to] = times[at]
            bits[to] = bits[at]
            received[to] = received[at]
    return to + 1
