"""The fold: every sample comes out as it went in, whatever happens between two steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from tocsin.clock import ReplayClock
from tocsin.errors import StoreError
from tocsin.store.chdb import ChdbEngine
from tocsin.store.chunk_rows import COUNT, START, STOP, chunk_ids, count_within, decode_rows, read_rows
from tocsin.store.engine import SettingValue
from tocsin.store.fold import RECEIPT_WINDOW_S, Fold
from tocsin.store.fold_options import FoldOptions
from tocsin.store.migrate import migrate
from tocsin.store.options import EngineOptions
from tocsin.store.sql import Sql

NOW_S = 1_767_700_800  # 2026-01-06T12:00:00Z, a Tuesday
ROW = np.dtype([("id", "<u8"), ("ts", "<i8"), ("value", "<f8"), ("received", "<u4"), ("segment", "<u8")])
COLUMNS = {"series_id": "UInt64", "ts": "DateTime64(3, 'UTC')", "value": "Float64", "received": "DateTime('UTC')", "segment": "UInt64"}
TABLES = ("samples", "samples_folding", "chunks")

Row = tuple[int, int, float, int, int]


class Killed(BaseException):
    """The process ends here."""


class MortalEngine(ChdbEngine):
    """Dies at its n-th change, before it or just after it."""

    steps = -1
    after = False

    def execute(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """See `Engine`."""
        self._step(after=False)
        super().execute(statement, settings=settings)
        self._step(after=True)

    def insert(self, table: str, columns: Mapping[str, str], body: bytes, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """See `Engine`."""
        self._step(after=False)
        super().insert(table, columns, body, settings=settings)
        self._step(after=True)

    def _step(self, *, after: bool) -> None:
        if after is self.after:
            self.steps -= 1
            if self.steps == 0:
                raise Killed


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalEngine]:
    """An engine with the tables."""
    engine = MortalEngine(tmp_path_factory.mktemp("fold") / "engine", EngineOptions())
    migrate(engine)
    yield engine
    engine.close()


@pytest.fixture
def engine(opened: MortalEngine) -> MortalEngine:
    """The same with its tables empty."""
    opened.steps = -1
    for table in TABLES:
        opened.execute(Sql(f"TRUNCATE TABLE {table}"))
    return opened


def fold(engine: MortalEngine, *, now_s: int = NOW_S, **options: int) -> Fold:
    """A fold at an instant."""
    return Fold(engine, FoldOptions(**options), ReplayClock(now_s * 1_000_000_000, speed=0))


def insert(engine: MortalEngine, rows: list[Row]) -> None:
    """Put rows into `samples`."""
    engine.insert("samples", COLUMNS, np.array(rows, dtype=ROW).tobytes())


def some_rows(series: int = 50, count: int = 40, *, received: int = NOW_S - RECEIPT_WINDOW_S - 300) -> list[Row]:
    """Samples of several series whose ids are spread as hashes are, all received at one time."""
    return [
        (number * 0x9E3779B97F4A7C15 % 2**64, NOW_S * 1000 + 15_000 * step, number + step / 10, received, 1)
        for number in range(series)
        for step in range(count)
    ]


def rows_in(engine: MortalEngine, table: str) -> set[tuple[int, int, float]]:
    """Samples in a table of rows."""
    found = engine.query(Sql(f"SELECT series_id, toUnixTimestamp64Milli(ts), value FROM {table}")).rows
    return {(row[0], row[1], row[2]) for row in found}


def chunked(engine: MortalEngine) -> list[tuple[int, int, float]]:
    """Samples in chunks, in the order of the table."""
    body = engine.fetch(
        Sql("SELECT series_id, start, stop, count, received, data FROM chunks ORDER BY series_id, start"), output_format="RowBinary"
    )
    chunks = read_rows(body)
    ids = np.empty(len(chunks.heads), dtype=np.uint64)
    chunk_ids(chunks.words, chunks.heads, ids)
    counts = np.empty(len(chunks.heads), dtype=np.int64)
    assert count_within(chunks.words, chunks.heads, 0, 2**62, counts, 0, len(counts)) == -1
    places = np.cumsum(counts) - counts
    times, values = np.empty(counts.sum(), dtype=np.int64), np.empty(counts.sum())
    assert decode_rows(chunks.words, chunks.heads, 0, 2**62, counts, places, times, values, 0, len(counts)) == -1
    return list(zip(np.repeat(ids, counts).tolist(), times.tolist(), values.tolist(), strict=True))


def expected(rows: list[Row]) -> set[tuple[int, int, float]]:
    """What rows hold."""
    return {(row[0], row[1], row[2]) for row in rows}


def test_settled_samples_become_chunks(engine: MortalEngine) -> None:
    """Every sample of an ended half hour is in a chunk, none twice, and no row is left; a second run finds nothing."""
    rows = some_rows()
    insert(engine, rows)
    job = fold(engine)
    assert job.run_once() == 1
    found = chunked(engine)
    assert set(found) == expected(rows)
    assert len(found) == len(rows)
    assert not rows_in(engine, "samples") | rows_in(engine, "samples_folding")
    assert job.run_once() == 0
    assert job.statistics().samples == len(rows)
    assert job.statistics().chunks == 50
    assert job.statistics().partitions == 1


def test_what_still_arrives_is_left_alone(engine: MortalEngine) -> None:
    """A half hour is folded two minutes after its end, or once it is large."""
    window = NOW_S // RECEIPT_WINDOW_S * RECEIPT_WINDOW_S
    rows = some_rows(received=window)
    insert(engine, rows)
    assert fold(engine, now_s=window + RECEIPT_WINDOW_S + 119).run_once() == 0
    assert rows_in(engine, "samples") == expected(rows)
    assert fold(engine, now_s=window, rows_max=1999).run_once() == 1
    insert(engine, some_rows(3, received=window))
    assert fold(engine, now_s=window + RECEIPT_WINDOW_S + 120).run_once() == 1
    assert rows_in(engine, "samples") == set()


def test_settling_folds_everything(engine: MortalEngine) -> None:
    """Due or not, what was begun first."""
    rows = some_rows(10, received=NOW_S)
    insert(engine, rows)
    assert fold(engine).run_once() == 0
    assert fold(engine).settle() == 1
    assert set(chunked(engine)) == expected(rows)


def test_chunks_lie_within_windows(engine: MortalEngine) -> None:
    """No chunk reaches from one window of two hours into the next, and `start` and `stop` are its first and last sample."""
    rows = some_rows(3, 2000)
    insert(engine, rows)
    fold(engine).run_once()
    found = engine.fetch(Sql("SELECT series_id, start, stop, count, received, data FROM chunks"), output_format="RowBinary")
    heads = read_rows(found).heads
    assert (heads[:, START] // 7_200_000 == heads[:, STOP] // 7_200_000).all()
    assert heads[:, COUNT].sum() == len(rows)
    assert sorted(set(heads[:, START].tolist()))[:2] == [NOW_S * 1000, NOW_S * 1000 + 7_200_000]


def test_of_samples_twice_the_last_one_stays(engine: MortalEngine) -> None:
    """Last by receipt, then by segment."""
    received = NOW_S - 2 * RECEIPT_WINDOW_S
    insert(engine, [(1, 5, 1.0, received + 9, 1), (1, 6, 3.0, received, 1), (1, 7, 8.0, received, 1)])
    insert(engine, [(1, 5, 2.0, received + 3, 2), (1, 6, 4.0, received, 2)])
    fold(engine).run_once()
    assert chunked(engine) == [(1, 5, 1.0), (1, 6, 4.0), (1, 7, 8.0)]


def test_small_batches_give_the_same(engine: MortalEngine) -> None:
    """Ranges of series are folded one after the other."""
    rows = some_rows(200, 40)
    insert(engine, rows)
    fold(engine, batch_rows=1000).run_once()
    assert set(chunked(engine)) == expected(rows)


def test_few_series_with_many_samples(engine: MortalEngine) -> None:
    """Where ranges of series don't make small batches, windows of time do; chunks are the same."""
    rows = some_rows(2, 5000)
    insert(engine, rows)
    job = fold(engine, batch_rows=1000)
    job.run_once()
    assert chunked(engine) == sorted(expected(rows))
    assert job.statistics().chunks == 2 * 11  # 5000 samples at 480 a window


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 7))
def test_killed_between_any_two_steps(engine: MortalEngine, step: int, after: bool) -> None:
    """At every moment each sample is in one of the three tables, and the next run ends with each in exactly one chunk."""
    first = some_rows(60, 40)
    second = [(row[0], row[1] + 7, *row[2:]) for row in some_rows(20, 10, received=NOW_S - 3 * RECEIPT_WINDOW_S)]
    insert(engine, first)
    insert(engine, second)
    engine.steps, engine.after = step, after
    with pytest.raises(Killed):
        fold(engine, batch_rows=1000).run_once()
    engine.steps = -1
    everything = expected(first) | expected(second)
    assert rows_in(engine, "samples") | rows_in(engine, "samples_folding") | set(chunked(engine)) == everything
    late = [(row[0], row[1] + 1, *row[2:]) for row in first[:100]]  # of a half hour that may lie half folded
    insert(engine, late)
    fold(engine, batch_rows=1000).run_once()
    fold(engine, batch_rows=1000).run_once()
    assert not rows_in(engine, "samples") | rows_in(engine, "samples_folding")
    found = chunked(engine)
    assert set(found) == everything | expected(late)
    assert len(found) == len(first) + len(second) + len(late)


def test_a_run_that_fails_is_counted_and_repeated(tmp_path: Path) -> None:
    """The thread outlives the engine's failures, says the last one, and ends when asked."""
    del tmp_path

    class Failing(Fold):
        calls = 0

        def run_once(self) -> int:
            self.calls += 1
            if self.calls == 2:
                self._stop.set()
                return 0
            raise StoreError("no room")

    job = Failing(None, FoldOptions(interval_s=0.001), ReplayClock(0, speed=0))  # type: ignore[arg-type]
    job.start()
    assert job._thread is not None
    job._thread.join(10)
    job.stop()
    assert job.statistics().failures == 1
    assert job.statistics().failing == 0
