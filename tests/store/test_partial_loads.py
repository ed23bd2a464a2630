"""A load that fails half way: what is in is known, and repeating it under its token completes it without doubling anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Metric,
    NumberDataPoint,
)
from tests.store.builders import DAY, NOW, Folder, logs, metrics, number, record, span, traces

from tocsin.errors import TocsinError
from tocsin.store.sql import Sql
from tocsin.store.store import Store

TIMES = [NOW + week * 9 * DAY for week in range(3)]
IN_SERIES = "series_id IN (SELECT series_id FROM series WHERE service = {s:String})"
SPAN_COUNTS = {
    "spans": "count() FROM spans WHERE service = {s:String}",
    "trace_index": "sum(spans) FROM trace_index WHERE trace_id IN (SELECT trace_id FROM spans WHERE service = {s:String})",
    "requests_10s": "sum(requests) FROM requests_10s WHERE service = {s:String}",
    "requests_5m": "sum(requests) FROM requests_5m WHERE service = {s:String}",
    "resources": "sum(records) FROM resources WHERE service = {s:String}",
    "intake": "sum(records) FROM intake WHERE service = {s:String}",
}
LOG_COUNTS = {"logs": "count() FROM logs WHERE service = {s:String}", **{name: SPAN_COUNTS[name] for name in ("resources", "intake")}}
METRIC_COUNTS = {
    "samples": f"count() FROM samples WHERE {IN_SERIES}",
    "histograms": f"count() FROM histograms WHERE {IN_SERIES}",
    "exemplars": f"count() FROM exemplars WHERE {IN_SERIES}",
    "series": "uniqExact(series_id) FROM series WHERE service = {s:String}",
    "resources": SPAN_COUNTS["resources"],
    "intake": SPAN_COUNTS["intake"],
}


@contextmanager
def refusing(store: Store, table: str) -> Iterator[None]:
    """While inside, the engine fails when it comes to writing this table."""
    store.engine.execute(Sql(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK throwIf(1, 'broken') = 0"))
    try:
        yield
    finally:
        store.engine.execute(Sql(f"ALTER TABLE {table} DROP CONSTRAINT broken"))


def counts(store: Store, queries: dict[str, str], service: str) -> dict[str, int]:
    """What each table holds of a service."""
    return {table: int(number(store, f"SELECT {query}", s=service)) for table, query in queries.items()}


@pytest.mark.parametrize("table", SPAN_COUNTS)
def test_spans_are_completed(embedded: Store, folder: Folder, table: str) -> None:
    """Spans are in before what is made from them: whichever table fails, the segment is known to be in, and a repeat completes it."""
    service = f"partial {table}"
    trace_id = table.encode().ljust(16, b"_")[:16]
    segment = folder.segment(traces(service, *(span(trace_id=trace_id, start_time_unix_nano=time) for time in TIMES)))
    with refusing(embedded, table), pytest.raises(TocsinError):
        embedded.load(segment)
    found = counts(embedded, SPAN_COUNTS, service)
    assert embedded.holds_part_of(segment) == (table != "spans")
    if table == "spans":
        assert set(found.values()) == {0}, "a segment that may be split has left nothing anywhere"
    for _ in range(2):
        embedded.load(segment)
        assert counts(embedded, SPAN_COUNTS, service) == dict.fromkeys(SPAN_COUNTS, len(TIMES))


@pytest.mark.parametrize("table", LOG_COUNTS)
def test_logs_are_completed(embedded: Store, folder: Folder, table: str) -> None:
    """The same for logs."""
    service = f"partial log {table}"
    segment = folder.segment(logs(service, *(record(time_unix_nano=time) for time in TIMES)))
    with refusing(embedded, table), pytest.raises(TocsinError):
        embedded.load(segment)
    assert embedded.holds_part_of(segment) == (table != "logs")
    if table == "logs":
        assert set(counts(embedded, LOG_COUNTS, service).values()) == {0}
    for _ in range(2):
        embedded.load(segment)
        assert counts(embedded, LOG_COUNTS, service) == dict.fromkeys(LOG_COUNTS, len(TIMES))


@pytest.mark.parametrize("table", METRIC_COUNTS)
def test_metrics_are_completed(embedded: Store, folder: Folder, table: str) -> None:
    """Whichever of their tables fails, a repeat completes the segment and doubles nothing."""
    service = f"partial metric {table}"
    points = [NumberDataPoint(time_unix_nano=time, as_int=1, exemplars=[Exemplar(time_unix_nano=time)]) for time in TIMES]
    whole = [ExponentialHistogramDataPoint(time_unix_nano=time, count=1) for time in TIMES]
    given = [
        Metric(name="g", gauge=Gauge(data_points=points)),
        Metric(name="e", exponential_histogram=ExponentialHistogram(data_points=whole)),
    ]
    segment = folder.segment(metrics(service, *given))
    with refusing(embedded, table), pytest.raises(TocsinError):
        embedded.load(segment)
    expected = {"samples": 3, "histograms": 3, "exemplars": 3, "series": 2, "resources": 6, "intake": 6}
    for _ in range(2):
        embedded.load(segment)
        assert counts(embedded, METRIC_COUNTS, service) == expected
    assert embedded.holds_part_of(segment)
