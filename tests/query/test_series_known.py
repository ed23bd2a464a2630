"""What is known of the tables without asking: it saves statements, and never hides what was written."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.series_bench import ALL, NOON_MS, Bench, Data, equal, labels, opened_bench, steps

from tocsin.model.labels import Labels
from tocsin.model.sample_block import DAY_MS
from tocsin.model.series import Matcher
from tocsin.query.series.store import StoredSeries
from tocsin.store.engine import Engine, EngineStatistics, Rows, SettingValue
from tocsin.store.sql import Sql, quote_string

HALF_HOUR_MS = 1_800_000
QUIET_MS = NOON_MS + 3 * DAY_MS  # no other test has samples then


class CountingEngine:
    """The reading half of an engine: asks another, and keeps what it was asked; as one that others write to, too, if `shared`."""

    def __init__(self, engine: Engine, *, shared: bool = False) -> None:
        self._engine = engine
        self._shared = shared
        self.asked: list[str] = []

    def query(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> Rows:
        """See `Engine`."""
        self.asked.append(statement.text)
        return self._engine.query(statement, settings=settings)

    def fetch(self, statement: Sql, *, output_format: str, settings: Mapping[str, SettingValue] | None = None) -> memoryview:
        """See `Engine`."""
        self.asked.append(statement.text)
        return self._engine.fetch(statement, output_format=output_format, settings=settings)

    def changes(self, tables: Collection[str]) -> int | None:
        """See `Engine`."""
        return None if self._shared else self._engine.changes(tables)

    def statistics(self) -> EngineStatistics:
        """See `Engine`."""
        return self._engine.statistics()

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"reading series calls {name}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One store for the module."""
    yield from opened_bench(tmp_path_factory.mktemp("known"))


def move_away(bench: Bench) -> None:
    """What a fold does first: all partitions of rows become rows being folded."""
    for (partition,) in bench.store.engine.query(Sql("SELECT DISTINCT _partition_id FROM samples")).rows:
        bench.store.engine.execute(Sql(f"ALTER TABLE samples MOVE PARTITION ID {quote_string(partition)} TO TABLE samples_folding"))


def read(series: StoredSeries, matcher: Matcher, start: int = NOON_MS, end: int = NOON_MS + 600_000) -> Data:
    """What a small selection gives."""
    found: Data = {}
    for batch in series.select([matcher], start, end, samples_max=ALL):
        for number, one in enumerate(batch.labels):
            part = slice(batch.offsets[number], batch.offsets[number + 1])
            found[one] = list(zip(batch.timestamps_ms[part].tolist(), batch.values[part].tolist(), strict=True))
    return found


def test_a_small_question_asked_again_is_one_statement(bench: Bench) -> None:
    """Only fresh samples are asked for, while nothing else was written; where others may write, everything is."""
    job = bench.job()
    data = {labels("asked", job=job, n=str(number)): steps(5, start=QUIET_MS) for number in range(20)}
    bench.load(data)
    counting = CountingEngine(bench.store.engine)
    series = StoredSeries(cast(Engine, counting))
    assert read(series, equal("job", job), QUIET_MS, QUIET_MS + 600_000) == data
    counting.asked.clear()
    assert read(series, equal("job", job), QUIET_MS, QUIET_MS + 599_999) == data
    assert [text.partition(" FROM ")[2].split()[0] for text in counting.asked] == ["samples"]
    series.close()
    shared = CountingEngine(bench.store.engine, shared=True)
    series = StoredSeries(cast(Engine, shared))
    for _ in range(2):
        shared.asked.clear()
        assert read(series, equal("job", job), QUIET_MS, QUIET_MS + 600_000) == data
        tables = [text.partition(" FROM ")[2].split()[0] for text in shared.asked]
        assert {"histograms", "series", "samples", "samples_folding", "chunks"} == set(tables)
    series.close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_new_series_is_found_at_once(bench: Bench, shared: bool) -> None:
    """Whatever was remembered of the same question, and also where nothing had matched."""
    job = bench.job()
    engine = CountingEngine(bench.store.engine, shared=shared)
    series = StoredSeries(cast(Engine, engine))
    expected: Data = {}
    for number in range(4):
        assert read(series, equal("job", job)) == expected
        one = {labels("new", job=job, n=str(number)): steps(3)}
        bench.load(one)
        expected |= one
    assert read(series, equal("job", job)) == expected
    series.close()


def test_a_series_that_is_dropped_is_not_an_error(bench: Bench) -> None:
    """As retention drops it: its name is gone, and so is the series."""
    job = bench.job()
    one = labels("dropped", job=job)
    bench.load({one: steps(3)})
    assert bench.select(equal("job", job)) == {one: steps(3)}
    bench.store.engine.execute(
        Sql("ALTER TABLE series DELETE WHERE labels['job'] = {job:String} SETTINGS mutations_sync = 2", {"job": job})
    )
    assert bench.select(equal("job", job)) == {}
    bench.load({one: steps(4)})
    assert bench.select(equal("job", job)) == {one: steps(4)}


MOMENTS = st.integers(0, 5)
STEPS = st.lists(st.tuples(st.sampled_from(["load", "load", "load", "move", "fold"]), st.integers(0, 2), MOMENTS), min_size=1, max_size=9)


@settings(max_examples=6, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_between_two_questions(bench: Bench, steps: list[tuple[str, int, int]]) -> None:
    """Samples, series and folds come one after the other: every time the same small question finds all there is."""
    job = bench.job()
    expected: dict[Labels, dict[int, float]] = {}
    for number, (step, series, at) in enumerate(steps):
        if step == "move":
            move_away(bench)
        elif step == "fold":
            bench.fold.settle()
        else:
            one = labels("seen", job=job, n=str(series))
            bench.load({one: [(NOON_MS + at, float(number))]}, received_ms=NOON_MS + number * HALF_HOUR_MS)
            expected.setdefault(one, {})[NOON_MS + at] = float(number)
        found = read(bench.series, equal("job", job))
        assert {one: dict(samples) for one, samples in found.items()} == expected


def test_nothing_is_missed_while_samples_are_folded(bench: Bench) -> None:
    """Questions asked all the time while samples arrive and move from table to table find every sample that was there before."""
    job = bench.job()
    one = labels("moving", job=job)
    loaded = [0]
    failures: list[tuple[int, int]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            before = loaded[0]
            found = len(read(bench.series, equal("job", job)).get(one, []))
            if found < before:
                failures.append((before, found))

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(9):
            bench.load({one: [(NOON_MS + number, 1.0)]}, received_ms=NOON_MS + number * HALF_HOUR_MS)
            loaded[0] = number + 1
            if number % 3 == 2:
                bench.fold.settle()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not failures
