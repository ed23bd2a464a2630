"""Retention drops whole partitions by their newest receipt and by Tocsin's own clock; old data that came yesterday stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from tests.store.builders import DAY, NOW, Folder, logs, metrics, number, record, span, traces

from tocsin.model.labels import Labels
from tocsin.model.sample_block import SampleBlock, SeriesDefinition
from tocsin.store.options import RetentionOptions, StoreOptions
from tocsin.store.sql import Sql
from tocsin.store.store import Store

OPTIONS = StoreOptions(retention=RetentionOptions(traces_days=30, logs_days=10, metrics_days=None, rollups_days=100))


class HandClock:
    """Stands where it is put."""

    now = NOW

    def now_ns(self) -> int:
        """The instant that the test set."""
        return self.now

    def monotonic_s(self) -> float:
        """Nothing here measures durations."""
        return 0.0


@pytest.fixture
def clock() -> HandClock:
    """The clock of the store."""
    return HandClock()


@pytest.fixture
def kept(tmp_path: Path, clock: HandClock) -> Iterator[Store]:
    """An empty store on that clock."""
    opened = Store.open(tmp_path / "data", OPTIONS, clock=clock)
    yield opened
    opened.close()


def count(store: Store, table: str) -> int:
    """Rows of a table."""
    return int(number(store, f"SELECT count() FROM {table}"))


def test_live_data_goes_when_its_time_is_over(kept: Store, clock: HandClock, folder: Folder) -> None:
    """Each signal by its own number of days, at most a week late; what is kept for ever is kept."""
    kept.load(folder.segment(traces("s", span())))
    kept.load(folder.segment(logs("s", record())))
    kept.load(folder.segment(metrics("s", Metric(name="m", gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=NOW, as_int=1)])))))
    clock.now = NOW + 9 * DAY
    assert kept.expire() == {}
    clock.now = NOW + 17 * DAY
    assert kept.expire() == {"logs": 1}
    clock.now = NOW + 38 * DAY
    assert kept.expire() == {"spans": 1, "trace_index": 1}
    clock.now = NOW + 108 * DAY
    assert set(kept.expire()) == {"requests_10s", "requests_5m", "resources"}
    clock.now = NOW + 10_000 * DAY
    assert kept.expire() == {}
    assert (count(kept, "samples"), count(kept, "series")) == (1, 1)
    assert kept.statistics().rows_expired == 8  # a row of each table above, and in `resources` one for each signal


def test_old_data_that_came_today_is_new(kept: Store, clock: HandClock, folder: Folder) -> None:
    """A replay of 1970, 2017 and last month lives as long as data of today."""
    times = (1, 1_500_000_000 * 10**9, NOW - 31 * DAY, NOW)
    kept.load(folder.segment(logs("replay", *(record(time_unix_nano=time) for time in times)), received=NOW))
    clock.now = NOW + 9 * DAY
    assert kept.expire() == {}
    clock.now = NOW + 17 * DAY
    assert kept.expire() == {"logs": 4}


def test_one_new_row_keeps_its_partition(kept: Store, clock: HandClock, folder: Folder) -> None:
    """A partition goes whole or not at all, when its newest row is old enough."""
    kept.load(folder.segment(logs("old", record()), received=NOW))
    kept.load(folder.segment(logs("late", record()), received=NOW + 12 * DAY))
    clock.now = NOW + 20 * DAY
    assert kept.expire() == {}
    clock.now = NOW + 23 * DAY
    assert kept.expire() == {"logs": 2}


def test_the_clock_is_tocsins_own(kept: Store, clock: HandClock, folder: Folder) -> None:
    """A replay that runs in 2017 drops nothing that is old by the machine's clock only."""
    then = 1_500_000_000 * 10**9
    kept.load(folder.segment(logs("past", record(time_unix_nano=then)), received=then))
    clock.now = then + DAY
    assert kept.expire() == {}
    clock.now = then + 400 * DAY
    assert kept.expire() == {"logs": 1, "resources": 1}


def test_fresh_samples_go_with_the_chunks(tmp_path: Path, clock: HandClock, folder: Folder) -> None:
    """What the fold has not taken, what it is taking and what it has taken is kept for the same time, counted from receipt."""
    store = Store.open(tmp_path / "data", StoreOptions(retention=RetentionOptions(metrics_days=10)), clock=clock)
    labels = Labels({"__name__": "m"})
    definition = SeriesDefinition(1, NOW // DAY, labels)
    old = SampleBlock(np.array([1], dtype=np.uint64), np.array([NOW // 10**6 - 10**9]), np.array([1.0]), series=[definition])
    store.load(folder.segment(old))
    store.engine.execute(Sql("INSERT INTO samples_folding SELECT * FROM samples"))
    store.engine.execute(Sql("INSERT INTO chunks (series_id, start, stop, received) SELECT series_id, ts, ts, received FROM samples"))
    clock.now = NOW + 9 * DAY
    assert store.expire() == {}
    clock.now = NOW + 18 * DAY
    assert store.expire() == {"samples": 1, "samples_folding": 1, "chunks": 1, "series": 1}
    store.close()


def test_data_of_the_future_is_kept(kept: Store, clock: HandClock, folder: Folder) -> None:
    """A partition whose time has not come is not expired, whenever it was received."""
    kept.load(folder.segment(logs("ahead", record(time_unix_nano=NOW + 60 * DAY)), received=NOW))
    clock.now = NOW + 50 * DAY
    assert kept.expire() == {}
    assert count(kept, "logs") == 1
