"""Metrics of all five kinds: every number of a point becomes a sample of its own series, exactly once, with its exemplars."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)
from tests.store.builders import DAY, NOW, SECOND, Folder, attributes, metrics, number, records, rows
from tests.store.conftest import LoadRequests

from tocsin.store.store import Store

BUCKETS = ExponentialHistogramDataPoint.Buckets
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
STALE_BITS = 0x7FF0000000000002  # Source: Prometheus, model/value
SAMPLES = (
    "SELECT name, component, bound, value, kind, temporality, monotonic, otlp_unit FROM samples ANY LEFT JOIN series USING series_id "
    "WHERE service = {s:String} ORDER BY name, component, bound, samples.ts"
)


def samples(store: Store, service: str) -> list[tuple[Any, ...]]:
    """(name, component, bound, value) of a service's samples."""
    return [tuple(row[:4]) for row in rows(store, SAMPLES, s=service)]


def gauge(name: str, *points: NumberDataPoint) -> Metric:
    """A gauge."""
    return Metric(name=name, gauge=Gauge(data_points=points))


def test_gauges_and_sums(store: Store, load: LoadRequests) -> None:
    """Integers and doubles, zero and negative ones, become samples with the metric's kind, unit and temporality."""
    points = [NumberDataPoint(time_unix_nano=NOW + place, as_int=value) for place, value in ((0, 0), (SECOND, -3), (2 * SECOND, 2**53))]
    total = Sum(data_points=[NumberDataPoint(time_unix_nano=NOW, as_double=0.5)], aggregation_temporality=DELTA, is_monotonic=True)
    load(metrics("numbers", gauge("g", *points), Metric(name="s", unit="By", sum=total)))
    assert samples(store, "numbers") == [("g", "", 0, 0), ("g", "", 0, -3), ("g", "", 0, 2**53), ("s", "", 0, 0.5)]
    assert rows(store, SAMPLES, s="numbers")[3][4:] == ["sum", 1, 1, "By"]
    assert rows(store, SAMPLES, s="numbers")[0][4:] == ["gauge", 0, 0, ""]


def test_times_are_milliseconds(store: Store, load: LoadRequests) -> None:
    """Nanoseconds are cut to milliseconds."""
    load(metrics("times", gauge("g", NumberDataPoint(time_unix_nano=NOW + 1_999_999, start_time_unix_nano=NOW - SECOND, as_int=1))))
    query = "SELECT toUnixTimestamp64Milli(ts) FROM samples WHERE series_id IN (SELECT series_id FROM series WHERE service = 'times')"
    assert number(store, query) == NOW // 10**6 + 1


def test_a_histogram(store: Store, load: LoadRequests) -> None:
    """Counts are cumulative, the last bound infinite and always there; sum, minimum and maximum are there when they were sent."""
    full = HistogramDataPoint(time_unix_nano=NOW, count=6, sum=3.5, min=0.0, max=2, bucket_counts=[1, 2, 3], explicit_bounds=[0.5, 1])
    bare = HistogramDataPoint(time_unix_nano=NOW, count=2)
    load(
        metrics(
            "histogram",
            Metric(name="full", unit="s", histogram=Histogram(data_points=[full], aggregation_temporality=CUMULATIVE)),
            Metric(name="bare", histogram=Histogram(data_points=[bare], aggregation_temporality=CUMULATIVE)),
        )
    )
    assert samples(store, "histogram") == [
        ("bare", "bucket", "inf", 2),
        ("bare", "count", 0, 2),
        ("full", "bucket", 0.5, 1),
        ("full", "bucket", 1, 3),
        ("full", "bucket", "inf", 6),
        ("full", "count", 0, 6),
        ("full", "max", 0, 2),
        ("full", "min", 0, 0),
        ("full", "sum", 0, 3.5),
    ]


def test_an_exponential_histogram(store: Store, load: LoadRequests) -> None:
    """Its points are kept whole, buckets counted as Prometheus does; what the sender left out is NaN, not 0."""
    full = ExponentialHistogramDataPoint(
        time_unix_nano=NOW, count=9, sum=4.5, min=-1, max=3, scale=-2, zero_count=1, zero_threshold=0.25,
        positive=BUCKETS(offset=-3, bucket_counts=[1, 0, 2]), negative=BUCKETS(offset=4, bucket_counts=[5]),
    )  # fmt: skip
    bare = ExponentialHistogramDataPoint(time_unix_nano=NOW + SECOND, count=1, scale=20)
    given = ExponentialHistogram(data_points=[full, bare], aggregation_temporality=DELTA)
    load(metrics("exponential", Metric(name="e", exponential_histogram=given)))
    first, second = records(
        store, "SELECT * FROM histograms WHERE series_id IN (SELECT series_id FROM series WHERE service = 'exponential') ORDER BY ts"
    )
    assert (first["count"], first["sum"], first["min"], first["max"], first["scale"]) == (9, 4.5, -1, 3, -2)
    assert (first["zero_count"], first["zero_threshold"], first["positive_offset"], first["positive_counts"]) == (1, 0.25, -2, [1, 0, 2])
    assert (first["negative_offset"], first["negative_counts"]) == (5, [5])
    assert (second["sum"], second["min"], second["max"], second["scale"]) == ("nan", "nan", "nan", 20)
    assert rows(store, "SELECT kind, component, temporality FROM series WHERE service = 'exponential'") == [
        ["exponential_histogram", "histogram", 1]
    ]


def test_a_summary(store: Store, load: LoadRequests) -> None:
    """Count, sum, and each quantile with its number as the bound."""
    quantiles: list[Any] = [{"quantile": 0, "value": 0.1}, {"quantile": 0.5, "value": 0.2}, {"quantile": 1, "value": math.nan}]
    point = SummaryDataPoint(time_unix_nano=NOW, count=6, sum=3.5, quantile_values=quantiles)
    load(metrics("summary", Metric(name="y", summary=Summary(data_points=[point]))))
    assert samples(store, "summary") == [
        ("y", "count", 0, 6),
        ("y", "quantile", 0, 0.1),
        ("y", "quantile", 0.5, 0.2),
        ("y", "quantile", 1, "nan"),
        ("y", "sum", 0, 3.5),
    ]


def test_no_recorded_value_is_the_stale_marker(store: Store, load: LoadRequests) -> None:
    """A point with that flag ends its series with the NaN that Prometheus uses, bit by bit; an ordinary NaN is another one."""
    points = [NumberDataPoint(time_unix_nano=NOW, flags=1), NumberDataPoint(time_unix_nano=NOW + SECOND, as_double=math.nan)]
    stale = HistogramDataPoint(time_unix_nano=NOW, flags=1, bucket_counts=[0, 0], explicit_bounds=[1])
    load(
        metrics(
            "stale", gauge("g", *points), Metric(name="h", histogram=Histogram(data_points=[stale], aggregation_temporality=CUMULATIVE))
        )
    )
    query = (
        "SELECT reinterpretAsUInt64(value) FROM samples WHERE series_id IN (SELECT series_id FROM series WHERE service = 'stale' "
        "AND name = {n:String}) ORDER BY ts"
    )
    assert {row[0] for row in rows(store, query, n="h")} == {STALE_BITS}
    (marker,), (other,) = rows(store, query, n="g")
    assert marker == STALE_BITS
    assert math.isnan(struct.unpack("<d", struct.pack("<Q", other))[0])
    assert other != STALE_BITS


def test_exemplars(store: Store, load: LoadRequests) -> None:
    """An exemplar keeps its value, time, ids and attributes, and stands at the bucket that counted it; one without a trace is kept, too."""
    exemplars = [
        Exemplar(time_unix_nano=NOW, as_double=0.7, trace_id=b"t" * 16, span_id=b"s" * 8, filtered_attributes=attributes({"q": 4})),
        Exemplar(time_unix_nano=NOW + SECOND, as_int=3),
    ]
    point = HistogramDataPoint(time_unix_nano=NOW, count=2, bucket_counts=[1, 1], explicit_bounds=[0.7], exemplars=exemplars)
    load(metrics("exemplars", Metric(name="with.exemplars", histogram=Histogram(data_points=[point], aggregation_temporality=CUMULATIVE))))
    query = (
        "SELECT value, trace_id, span_id, exemplars.attributes, component, bound FROM exemplars ANY LEFT JOIN series USING series_id "
        "WHERE exemplars.name = 'with.exemplars' ORDER BY ts"
    )
    assert rows(store, query) == [[0.7, "t" * 16, "s" * 8, {"q": "4"}, "bucket", 0.7], [3, "\0" * 16, "\0" * 8, {}, "bucket", "inf"]]


def test_an_exemplar_of_a_counter_stands_at_the_counter(store: Store, load: LoadRequests) -> None:
    """There are no buckets to choose from."""
    point = NumberDataPoint(time_unix_nano=NOW, as_int=1, exemplars=[Exemplar(time_unix_nano=NOW, as_int=1)])
    counter = Sum(data_points=[point], aggregation_temporality=CUMULATIVE, is_monotonic=True)
    load(metrics("counter-exemplars", Metric(name="counted", sum=counter)))
    query = "SELECT count() FROM exemplars WHERE series_id IN (SELECT series_id FROM series WHERE metric = 'counted_total')"
    assert number(store, query) == 1


def test_a_series_is_what_identifies_it(store: Store, load: LoadRequests) -> None:
    """The order of attributes does not matter; any of name, attribute, unit, kind, scope and resource does."""
    one = NumberDataPoint(time_unix_nano=NOW, as_int=1, attributes=attributes({"a": "1", "b": "2"}))
    same = NumberDataPoint(time_unix_nano=NOW + SECOND, as_int=1, attributes=attributes({"b": "2", "a": "1"}))
    other = NumberDataPoint(time_unix_nano=NOW, as_int=1, attributes=attributes({"a": "12", "b": ""}))
    load(metrics("identity", gauge("m", one, same, other)), metrics("identity", gauge("m", one), scope="s"))
    load(metrics("identity", Metric(name="m", unit="s", gauge=Gauge(data_points=[one])), gauge("n", one)))
    load(metrics("identity", gauge("m", one), resource_attributes={"host": "h"}))
    assert number(store, "SELECT uniqExact(series_id) FROM series WHERE service = 'identity' AND metric != 'target_info'") == 6


def test_a_metrics_segment_loaded_again_changes_nothing(store: Store, folder: Folder) -> None:
    """Samples, series, histograms, exemplars and intake count everything once, over partitions, in segments of several kinds."""
    times = [NOW + place * 8 * DAY for place in range(-3, 4)]
    exemplar = Exemplar(time_unix_nano=NOW, as_int=1)
    points = [NumberDataPoint(time_unix_nano=time, as_int=1, exemplars=[exemplar]) for time in times]
    whole = [ExponentialHistogramDataPoint(time_unix_nano=time, count=1) for time in times]
    cut = [HistogramDataPoint(time_unix_nano=time, count=1, bucket_counts=[1]) for time in times]
    request = metrics(
        "again-metrics",
        gauge("again.g", *points),
        Metric(name="again.e", exponential_histogram=ExponentialHistogram(data_points=whole, aggregation_temporality=CUMULATIVE)),
        Metric(name="again.h", histogram=Histogram(data_points=cut, aggregation_temporality=CUMULATIVE)),
        Metric(name="again.y", summary=Summary(data_points=[SummaryDataPoint(time_unix_nano=time, count=1) for time in times])),
    )
    segment = folder.segment(request)
    ids = "series_id IN (SELECT series_id FROM series WHERE service = 'again-metrics')"
    for _ in range(3):
        store.load(segment)
        assert number(store, f"SELECT count() FROM samples WHERE {ids}") == 7 * (1 + 2 + 2)
        assert number(store, f"SELECT count() FROM histograms WHERE {ids}") == 7
        assert number(store, "SELECT count() FROM exemplars WHERE name = 'again.g'") == 7
        assert number(store, "SELECT uniqExact(series_id) FROM series WHERE service = 'again-metrics'") == 6
        assert number(store, "SELECT sum(records) FROM intake WHERE service = 'again-metrics'") == 28
        assert number(store, "SELECT sum(records) FROM resources WHERE service = 'again-metrics'") == 28
    assert store.holds_part_of(segment)


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_points_without_numbers_cost_nothing(store: Store, load: LoadRequests, kind: str) -> None:
    """A metric without points, and a request without metrics, load as nothing."""
    empty = Metric(name="empty")
    getattr(empty, kind).SetInParent()
    load(metrics(f"empty {kind}", empty), metrics(f"empty {kind}"))
    assert samples(store, f"empty {kind}") == []
