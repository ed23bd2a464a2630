"""A store with series to load, for the tests of what PromQL reads; tests of one module share it and tell their series apart by the job."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tests.store.builders import Folder

from tocsin.clock import ReplayClock
from tocsin.model.labels import Labels
from tocsin.model.sample_block import DAY_MS, SampleBlock, SeriesDefinition, series_id
from tocsin.model.series import Matcher, MatchOperator
from tocsin.model.signal import Signal
from tocsin.query.series.store import StoredSeries
from tocsin.store.fold import Fold
from tocsin.store.fold_options import FoldOptions
from tocsin.store.options import StoreOptions
from tocsin.store.sql import Sql
from tocsin.store.store import Store

NOON_MS = 1_767_700_800_000  # 2026-01-06T12:00:00Z, a Tuesday
STEP_MS = 15_000
ALL = 10**9

Sample = tuple[int, float]
Data = dict[Labels, list[Sample]]


class Bench:
    """A store to load samples into, and its series."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.series = StoredSeries(store.engine)
        self.fold = Fold(store.engine, FoldOptions(), ReplayClock(0, speed=0))
        self._folder = Folder(folder)
        self._jobs = itertools.count()

    def job(self) -> str:
        """A label value that no other test has."""
        return f"job-{next(self._jobs)}"

    def load(self, data: Data, *, received_ms: int = NOON_MS) -> None:
        """Load samples as one block in one segment."""
        self.store.load(self._folder.segment(block(data), received=received_ms * 1_000_000))

    def load_block(self, sent: SampleBlock, *, received_ms: int = NOON_MS) -> None:
        """Load a block that has more than samples."""
        self.store.load(self._folder.segment(sent, received=received_ms * 1_000_000))

    def load_blocks(self, sent: Sequence[SampleBlock], *, blocks_per_segment: int, apart_ms: int) -> None:
        """Load blocks that were received one after the other, from noon on; the segments come in the wrong order."""
        for begin in reversed(range(0, len(sent), blocks_per_segment)):
            received = (NOON_MS + begin * apart_ms) * 1_000_000
            part = sent[begin : begin + blocks_per_segment]
            self.store.load(self._folder.segment(*part, received=received, apart=apart_ms * 1_000_000))

    def load_bodies(self, bodies: Sequence[bytes], *, apart_ms: int) -> None:
        """Load encoded blocks as one segment."""
        self.store.load(self._folder.segment(*bodies, signal=Signal.SAMPLES, received=NOON_MS * 1_000_000, apart=apart_ms * 1_000_000))

    def select(self, *matchers: Matcher, start: int = 0, end: int = 2 * NOON_MS, samples_max: int = ALL) -> Data:
        """What a selection gives, by labels; batches put together, and checked for what always holds."""
        found: Data = {}
        for batch in self.series.select(matchers, start, end, samples_max=samples_max):
            assert len(batch.offsets) == len(batch.labels) + 1
            assert batch.offsets[-1] == len(batch.timestamps_ms) == len(batch.values)
            for number, labels in enumerate(batch.labels):
                part = slice(batch.offsets[number], batch.offsets[number + 1])
                times = batch.timestamps_ms[part]
                assert labels not in found
                assert len(times)
                assert (np.diff(times) > 0).all()
                found[labels] = list(zip(times.tolist(), batch.values[part].tolist(), strict=True))
        return found


def block(data: Data) -> SampleBlock:
    """Samples with the definitions of their series for every day on which they have one."""
    flat = [(series_id(labels), at, value) for labels, samples in data.items() for at, value in samples]
    days = sorted({(labels, at // DAY_MS) for labels, samples in data.items() for at, _ in samples})
    return SampleBlock(
        np.array([one[0] for one in flat], dtype=np.uint64),
        np.array([one[1] for one in flat], dtype=np.int64),
        np.array([one[2] for one in flat], dtype=np.float64),
        series=[SeriesDefinition(series_id(labels), day, labels) for labels, day in days],
    )


def equal(name: str, value: str) -> Matcher:
    """`name="value"`."""
    return Matcher(name, MatchOperator.EQUAL, value)


def regex(name: str, value: str) -> Matcher:
    """`name=~"value"`."""
    return Matcher(name, MatchOperator.REGEX, value)


def labels(metric: str, **others: str) -> Labels:
    """Labels of a series."""
    return Labels({"__name__": metric, **others})


def steps(count: int, *, start: int = NOON_MS, step: int = STEP_MS) -> list[Sample]:
    """Samples whose values count from zero."""
    return [(start + step * number, float(number)) for number in range(count)]


def opened_bench(folder: Path) -> Iterator[Bench]:
    """A bench, closed at the end."""
    store = Store.open(folder / "data", StoreOptions(), clock=ReplayClock(NOON_MS * 1_000_000, speed=0))
    opened = Bench(store, folder)
    try:
        yield opened
    finally:
        opened.series.close()
        store.close()


def define(bench: Bench, series: Sequence[tuple[int, int]], *, job: str, days: Iterable[int] = (NOON_MS // DAY_MS,)) -> None:
    """Series with ids of their own, `made{job}`, as (id, delta)."""
    for day in days:
        for number, delta in series:
            bench.store.engine.execute(
                Sql(
                    "INSERT INTO series (metric, series_id, day, labels, delta) SELECT 'made', {id:UInt64}, toDate(toUInt16({day:Int64})), "
                    "map('job', {job:String}), {delta:UInt8}",
                    {"id": number, "day": day, "job": job, "delta": delta},
                )
            )


def insert(bench: Bench, samples: Sequence[tuple[int, int, float]]) -> None:
    """Samples of series by id."""
    columns = {"series_id": "UInt64", "ts": "DateTime64(3, 'UTC')", "value": "Float64"}
    record = np.dtype([("id", "<u8"), ("ts", "<i8"), ("value", "<f8")])
    bench.store.engine.insert("samples", columns, np.array(list(samples), dtype=record).tobytes())
