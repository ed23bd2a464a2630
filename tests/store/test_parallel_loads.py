"""All three lanes load while questions are asked: nobody waits for ever, nothing is missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from tests.store.builders import NOW, SECOND, Folder, logs, metrics, number, record, span, traces

from tocsin.store.store import Store

SEGMENTS = 8
RECORDS = 50


def test_lanes_and_questions_at_once(store: Store, folder: Folder) -> None:
    """Eight segments of each signal, loaded by three threads while four more ask."""
    times = [NOW + place * SECOND for place in range(RECORDS)]
    lanes = [
        [folder.segment(traces("parallel", *(span(start_time_unix_nano=time) for time in times))) for _ in range(SEGMENTS)],
        [folder.segment(logs("parallel", *(record(time_unix_nano=time) for time in times))) for _ in range(SEGMENTS)],
        [
            folder.segment(
                metrics("parallel", Metric(name="p", gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=t, as_int=1) for t in times])))
            )
            for _ in range(SEGMENTS)
        ],
    ]

    def load(lane: int) -> None:
        for segment in lanes[lane]:
            store.load(segment)

    def ask(_: int) -> int:
        found = [number(store, "SELECT sum(records) FROM intake WHERE service = 'parallel'") for _ in range(20)]
        assert found == sorted(found), "what was seen once stays"
        return len(found)

    with ThreadPoolExecutor(7) as pool:
        loading = [pool.submit(load, lane) for lane in range(len(lanes))]
        asking = [pool.submit(ask, place) for place in range(4)]
        for each in loading:
            each.result(100)
        assert [each.result(100) for each in asking] == [20] * 4
    assert number(store, "SELECT sum(records) FROM intake WHERE service = 'parallel'") == 3 * SEGMENTS * RECORDS
    assert number(store, "SELECT count() FROM spans WHERE service = 'parallel'") == SEGMENTS * RECORDS
    assert number(store, "SELECT count() FROM logs WHERE service = 'parallel'") == SEGMENTS * RECORDS
    assert number(store, "SELECT count() FROM samples WHERE series_id IN (SELECT series_id FROM series WHERE service = 'parallel')") == 400
