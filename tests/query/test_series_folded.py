"""Series whose samples lie in chunks, in rows being folded, and in fresh rows: the same answer at every moment of a fold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.series_bench import ALL, NOON_MS, STEP_MS, Bench, Data, block, define, equal, insert, labels, opened_bench, steps
from tests.wire.prometheus import write_builders

from tocsin.clock import ReplayClock
from tocsin.errors import LimitExceeded, StoreError
from tocsin.model.sample_block import DAY_MS
from tocsin.model.series import STALE_NAN
from tocsin.query.series.store import StoredSeries
from tocsin.store.chunk_rows import COLUMNS
from tocsin.store.sql import Sql, quote_string
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.remote_write import RemoteWriteDoor
from tocsin.wire.prometheus.write_content import WriteContent

HALF_HOUR_MS = 1_800_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One store for the module."""
    yield from opened_bench(tmp_path_factory.mktemp("folded"))


def move_away(bench: Bench) -> None:
    """What a fold does first: all partitions of rows become rows being folded."""
    ids = Sql("SELECT DISTINCT _partition_id FROM samples")
    for (partition,) in bench.store.engine.query(ids).rows:
        bench.store.engine.execute(Sql(f"ALTER TABLE samples MOVE PARTITION ID {quote_string(partition)} TO TABLE samples_folding"))


def test_the_same_at_every_step(bench: Bench) -> None:
    """Rows, rows being folded, chunks, and all three at once."""
    job = bench.job()
    data = {
        labels("walk", job=job, n=str(number)): [(at, value * number / 7) for at, value in steps(1500, start=NOON_MS + number)]
        for number in range(5)
    }
    thirds: list[Data] = [{one: samples[part::3] for one, samples in data.items()} for part in range(3)]
    bench.load(thirds[0])
    bench.fold.settle()
    bench.load(thirds[1])
    move_away(bench)
    bench.load(thirds[2])
    for start, end in (
        (-(2**63), 2**63 - 1),
        (0, 2 * NOON_MS),
        (NOON_MS + 3 * STEP_MS, NOON_MS + 900 * STEP_MS),
        (NOON_MS + 7_200_000, NOON_MS + 7_200_000 + 4),
    ):
        expected = {one: [sample for sample in samples if start <= sample[0] <= end] for one, samples in data.items()}
        assert bench.select(equal("job", job), start=start, end=end) == {one: samples for one, samples in expected.items() if samples}
    bench.fold.settle()
    assert bench.select(equal("job", job)) == data
    assert bench.store.engine.query(Sql("SELECT count() FROM samples")).rows == [[0]]


def test_the_last_received_wins_across_tables(bench: Bench) -> None:
    """A sample in a later chunk, or in a row, replaces one in an earlier chunk, wherever the chunks begin."""
    job = bench.job()
    one = labels("replaced", job=job)
    bench.load({one: [(NOON_MS, 1.0), (NOON_MS + 9, 9.0)]}, received_ms=NOON_MS)
    bench.fold.settle()
    bench.load({one: [(NOON_MS - 5, 0.0), (NOON_MS, 2.0), (NOON_MS + 3, 3.0)]}, received_ms=NOON_MS + HALF_HOUR_MS)
    bench.fold.settle()
    assert bench.select(equal("job", job)) == {one: [(NOON_MS - 5, 0.0), (NOON_MS, 2.0), (NOON_MS + 3, 3.0), (NOON_MS + 9, 9.0)]}
    bench.load({one: [(NOON_MS, 4.0)]}, received_ms=NOON_MS + 2 * HALF_HOUR_MS)
    assert bench.select(equal("job", job))[one][1] == (NOON_MS, 4.0)


@pytest.mark.parametrize("blocks_per_segment", [1, 5])
@pytest.mark.parametrize("settled", [False, True])
def test_the_last_received_wins_within_a_second(bench: Bench, blocks_per_segment: int, settled: bool) -> None:
    """Samples of one time that came a tenth of a second apart, in one segment or several, fresh and folded; stale markers, too."""
    job = bench.job()
    last = [STALE_NAN, 5.0]
    sent = [[float(place), float(place)] for place in range(4)] + [last]
    series = [labels("hurried", job=job, n=str(number)) for number in range(2)]
    blocks = [block({one: [(NOON_MS, value)] for one, value in zip(series, values, strict=True)}) for values in sent]
    bench.load_blocks(blocks, blocks_per_segment=blocks_per_segment, apart_ms=100)
    if settled:
        bench.fold.settle()
    (batch,) = bench.series.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=ALL)
    found = {one.get("n"): value for one, value in zip(batch.labels, batch.values.view(np.uint64).tolist(), strict=True)}
    assert found == dict(zip("01", np.array(last).view(np.uint64).tolist(), strict=True))


@pytest.mark.parametrize("settled", [False, True])
def test_the_last_of_a_remote_write_request_wins(bench: Bench, settled: bool) -> None:
    """One time thrice in one request, and then a stale marker in the next one, a millisecond later."""
    acceptor = FakeAcceptor()
    clock = ReplayClock(write_builders.NOW_MS * 1_000_000, speed=0)
    door = RemoteWriteDoor(SeriesRegistry(clock=clock), acceptor, clock=clock)
    job = bench.job()
    for values in ([1.0, 2.0, 3.0], [4.0, STALE_NAN]):
        samples = [write_builders.sample(value) for value in values]
        sent = write_builders.Series(write_builders.pairs("pushed", {"job": job, "turn": str(len(values))}), samples)
        again = write_builders.Series(write_builders.pairs("pushed", {"job": job, "turn": "all"}), samples)
        door.settle(door.take(write_builders.request(1, sent, again), WriteContent(1, "identity")))
    bench.load_bodies([batch.body for batch in acceptor.batches], apart_ms=1)
    if settled:
        bench.fold.settle()
    (batch,) = bench.series.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=ALL)
    found = {one.get("turn"): bits for one, bits in zip(batch.labels, batch.values.view(np.uint64).tolist(), strict=True)}
    stale, three = np.array([STALE_NAN, 3.0]).view(np.uint64).tolist()
    assert found == {"3": three, "2": stale, "all": stale}


def test_the_last_received_wins_between_folds_of_one_second(bench: Bench) -> None:
    """Chunks of samples that were received in one second are told apart."""
    job = bench.job()
    one = labels("folded twice", job=job)
    for place, value in enumerate((1.0, 5.0, 3.0)):
        bench.load({one: [(NOON_MS, value)]}, received_ms=NOON_MS + place)
        bench.fold.settle()
    assert bench.select(equal("job", job)) == {one: [(NOON_MS, 3.0)]}


def test_many_series_in_batches_and_by_ranges(bench: Bench) -> None:
    """Selections too long for a list of ids, in several batches, beside series that match nothing of it."""
    job = bench.job()
    data = {labels("wide", job=job, n=str(number)): steps(8, start=NOON_MS - 4 * STEP_MS) for number in range(1500)}
    others = {labels("other", job=bench.job(), n=str(number)): steps(3) for number in range(2000)}
    bench.load(data | others)
    bench.fold.settle()
    bench.load({one: [(NOON_MS + 5 * STEP_MS, 1.0)] for one in data})
    small = StoredSeries(bench.store.engine, batch_samples=10_050)
    batches = list(small.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=13_500))
    assert len(batches) > 1
    assert sum(len(batch.values) for batch in batches) == 9 * len(data)
    assert sorted(one for batch in batches for one in batch.labels) == sorted(data)
    with pytest.raises(LimitExceeded, match="found about 13500"):
        list(small.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=13_499))
    assert len(list(small.select([equal("job", job)], NOON_MS, NOON_MS + 1, samples_max=4000))) == 1
    small.close()


def test_increments_in_chunks(bench: Bench) -> None:
    """They are added up from midnight on, across chunks and rows."""
    job = bench.job()
    midnight = NOON_MS // DAY_MS * DAY_MS
    define(bench, [(3001, 1)], job=job)
    insert(bench, [(3001, midnight + 3_600_000 * hour, 1.0) for hour in range(6)])
    bench.fold.settle()
    insert(bench, [(3001, midnight + 3_600_000 * 6, 1.0), (3001, midnight + 3_600_000 * 6 + 1, STALE_NAN)])
    (batch,) = bench.series.select([equal("job", job)], midnight + 3_600_000 * 5, 2 * NOON_MS, samples_max=100)
    assert batch.values[:2].tolist() == [6.0, 7.0]
    assert np.isnan(batch.values[2])


def test_a_chunk_that_is_broken(bench: Bench) -> None:
    """Asking for it says so; other ranges of time still answer."""
    job = bench.job()
    define(bench, [(4001, 0)], job=job)
    row = np.array([(4001, NOON_MS, NOON_MS + 9, 3, 7)], dtype=[("id", "<u8"), ("a", "<i8"), ("b", "<i8"), ("n", "<u4"), ("r", "<i8")])
    bench.store.engine.insert("chunks", COLUMNS, row.tobytes() + b"\x02\x01\x00")
    with pytest.raises(StoreError, match="can't be decoded"):
        bench.select(equal("job", job))
    assert bench.select(equal("job", job), start=NOON_MS + 10) == {}


MOMENTS = st.integers(NOON_MS - 40, NOON_MS + 40) | st.integers(NOON_MS + 7_199_990, NOON_MS + 7_200_010)


@settings(max_examples=6, deadline=None)
@given(
    parts=st.lists(st.lists(st.tuples(st.integers(0, 2), MOMENTS), min_size=1, max_size=50), min_size=1, max_size=5),
    folds=st.lists(st.sampled_from(["", "move", "fold"]), min_size=5, max_size=5),
    bounds=st.tuples(MOMENTS, MOMENTS),
)
def test_whatever_was_folded_when(bench: Bench, parts: list[list[tuple[int, int]]], folds: list[str], bounds: tuple[int, int]) -> None:
    """Samples come and come again, half hours after each other; the last value of each instant counts."""
    job = bench.job()
    expected: dict[str, dict[int, float]] = {}
    for number, (part, fold) in enumerate(zip(parts, folds, strict=False)):
        data: Data = {}
        for series, at in dict.fromkeys(part):
            data.setdefault(labels("any", job=job, n=str(series)), []).append((at, float(number)))
            if bounds[0] <= at <= bounds[1]:
                expected.setdefault(str(series), {})[at] = float(number)
        bench.load(data, received_ms=NOON_MS + number * HALF_HOUR_MS)
        if fold == "move":
            move_away(bench)
        elif fold == "fold":
            bench.fold.settle()
    found = bench.select(equal("job", job), start=bounds[0], end=bounds[1])
    assert {one.get("n"): dict(samples) for one, samples in found.items()} == expected
    assert all(before[0] < after[0] for samples in found.values() for before, after in pairwise(samples))
