"""Drops of raw telemetry are written down around them; a crash between is finished at the next start, before anything is loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from tests.store.builders import DAY, NOW, Folder, logs, metrics, number, record, span, traces
from tests.store.test_retention import HandClock

from tocsin.errors import Conflict, StoreError
from tocsin.model.sample_block import SampleBlock
from tocsin.store.engine import Engine
from tocsin.store.options import RetentionOptions, StoreOptions
from tocsin.store.raw_drops import LoadGate, RawDrop, RawDrops, read_drops
from tocsin.store.sql import Sql
from tocsin.store.store import Store
from tocsin.store.touched import Touch, touched_by, touched_since

OPTIONS = StoreOptions(retention=RetentionOptions(traces_days=30, logs_days=10, metrics_days=None, rollups_days=100))
NOW_S = NOW // 10**9
MINUTE_S = NOW_S // 60 * 60


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


def test_a_drop_is_written_down_with_its_time(kept: Store, clock: HandClock, folder: Folder) -> None:
    """Whole minutes around the rows that went; what counts are made from is asked for first, and may wait."""
    kept.load(folder.segment(logs("s", record(time_unix_nano=NOW), record(time_unix_nano=NOW + 120 * 10**9))))
    clock.now = NOW + 20 * DAY
    asked = []

    @contextmanager
    def needed(table: str, start_s: int, end_s: int) -> Iterator[None]:
        asked.append((table, start_s, end_s))
        raise Conflict("not yet")
        yield

    assert kept.expire(dropping=needed) == {}
    assert asked == [("logs", NOW_S, NOW_S + 121)]
    assert kept.expire() == {"logs": 2}
    assert read_drops(kept.engine).drops == (RawDrop("logs", MINUTE_S, MINUTE_S + 180),)


def test_what_comes_in_the_last_moment_stays(kept: Store, clock: HandClock, folder: Folder) -> None:
    """A load under way is waited for, and its rows keep the partition."""
    kept.load(folder.segment(logs("s", record()), received=NOW))
    clock.now = NOW + 20 * DAY
    gate = kept._gates["logs"]
    with gate.loading():
        dropping = threading.Thread(target=kept.expire)
        dropping.start()
        kept.engine.execute(Sql("INSERT INTO logs (ts, received) SELECT min(ts), now() FROM logs"))
    dropping.join(30)
    assert number(kept, "SELECT count() FROM logs") == 2
    assert read_drops(kept.engine).drops == ()


def test_an_interrupted_drop_is_finished_at_the_next_start(kept: Store, tmp_path: Path, clock: HandClock, folder: Folder) -> None:
    """Killed after it was written down and before it was done: the start drops, and says so."""
    kept.load(folder.segment(traces("s", span())))
    partition = kept.engine.query(Sql("SELECT DISTINCT _partition_id FROM spans")).rows[0][0]
    begun = (
        "INSERT INTO raw_dropped (id, name, partition, start, end, state) SELECT 1, 'spans', {p:String}, toDateTime(60), toDateTime(120), 0"
    )
    kept.engine.execute(Sql(begun, {"p": partition}))
    assert read_drops(kept.engine).drops == ()
    kept.close()
    again = Store.open(tmp_path / "data", OPTIONS, clock=clock)
    assert read_drops(again.engine).drops == (RawDrop("spans", 60, 120),)
    assert number(again, "SELECT count() FROM spans") == 0
    again.close()


def test_a_refused_drop_is_no_drop(kept: Store, clock: HandClock, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine refuses, nothing counts as dropped, now or after a start."""
    kept.load(folder.segment(logs("s", record())))
    clock.now = NOW + 20 * DAY

    def refuse(engine: Engine, table: str, partition_id: str) -> None:
        raise StoreError(f"no: {table} {partition_id} {engine is None}")

    monkeypatch.setattr("tocsin.store.raw_drops.drop_partition", refuse)
    with pytest.raises(StoreError):
        kept.expire()
    assert kept.engine.query(Sql("SELECT state FROM raw_dropped FINAL")).rows == [[2]]
    assert read_drops(kept.engine).drops == ()


def test_layers_are_the_number_of_drops() -> None:
    """Of its own table, over its own time."""
    drops = RawDrops((RawDrop("spans", 0, 120), RawDrop("spans", 60, 180), RawDrop("logs", 0, 600)))
    assert drops.layers("spans", np.array([0, 60, 120, 180])).tolist() == [1, 2, 1, 0]
    assert (drops.newest_end_s("spans"), drops.newest_end_s("chunks")) == (180, 0)


def test_a_closed_gate_lets_nothing_pass() -> None:
    """Loads wait until it is open again."""
    gate, passed = LoadGate(), threading.Event()

    def load() -> None:
        with gate.loading():
            passed.set()

    with gate.closed():
        thread = threading.Thread(target=load)
        thread.start()
        assert not passed.is_set()
    thread.join(30)
    assert passed.is_set()


def test_a_segment_tells_what_it_touched(kept: Store, folder: Folder) -> None:
    """Each service and minute of its spans, however often it is loaded."""
    segment = folder.segment(traces("a", span(), span(start_time_unix_nano=NOW + 60 * 10**9)), traces("b", span()))
    kept.load(segment)
    kept.load(segment)
    kept.load(folder.segment(traces("c", span())))
    found = touched_by(kept.engine, [int(number(kept, "SELECT any(segment) FROM spans WHERE service = 'a'"))])
    assert sorted((touch.service, touch.minute_s) for touch in found) == [("a", MINUTE_S), ("a", MINUTE_S + 60), ("b", MINUTE_S)]
    assert Touch("traces", "b", MINUTE_S) in found


def test_samples_touch_minutes(kept: Store, folder: Folder) -> None:
    """Of OTLP and of Prometheus' doors, whatever stretch of time a block covers, native histograms too."""
    gauge = Metric(name="m", gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=NOW, as_int=1)]))
    kept.load(folder.segment(metrics("s", gauge)))
    assert minutes_of_samples(kept) == [MINUTE_S]
    for apart_s in (60, 100_000):
        kept.engine.execute(Sql("TRUNCATE TABLE touched"))
        ids, times = np.array([1, 1], dtype=np.uint64), np.array([NOW_S, NOW_S + apart_s]) * 1000
        kept.load(folder.segment(SampleBlock(ids, times, np.array([1.0, 2.0]), series=[])))
        assert minutes_of_samples(kept) == sorted({MINUTE_S, (NOW_S + apart_s) // 60 * 60})


def minutes_of_samples(store: Store) -> list[int]:
    """What `touched` says of samples."""
    return sorted(touch.minute_s for touch in touched_since(store.engine, 0) if touch.signal == "samples")
