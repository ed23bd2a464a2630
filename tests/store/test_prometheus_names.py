"""
What Prometheus calls an OTLP series: names, units, types and labels as the table `series` has them after a load, and target_info.

Source of the rules: OpenTelemetry specification, Prometheus and OpenMetrics compatibility.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
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
from tests.store.builders import NOW, SECOND, Json, Pairs, attributes, metrics, records, rows
from tests.store.conftest import LoadRequests

from tocsin.store.store import Store

DELTA, CUMULATIVE = 1, 2
NAMES = [
    ("gauge", "queue.depth", "", "queue_depth", ""),
    ("gauge", "cpu.utilization", "1", "cpu_utilization_ratio", ""),
    ("gauge", "hit_ratio", "1", "hit_ratio", ""),
    ("gauge", "ratio.of.hits", "1", "of_hits_ratio", ""),
    ("gauge", "disk.full", "%", "disk_full_percent", "percent"),
    ("gauge", "room.temperature", "Cel", "room_temperature_celsius", "celsius"),
    ("gauge", "memory_bytes", "By", "memory_bytes", "bytes"),
    ("gauge", "bytes.free", "By", "bytes_free", "bytes"),
    ("gauge", "megabytes.free", "By", "megabytes_free_bytes", "bytes"),
    ("gauge", "swap", "KiBy", "swap_kibibytes", "kibibytes"),
    ("gauge", "disk.throughput", "By/s", "disk_throughput_bytes_per_second", "bytes_per_second"),
    ("gauge", "packets", "{packet}/s", "packets_per_second", "per_second"),
    ("gauge", "orders", "1/h", "orders_per_hour", "per_hour"),
    ("gauge", "speed", "m/s", "speed_meters_per_second", "meters_per_second"),
    ("gauge", "price", "By/{request}", "price_bytes", "bytes"),
    ("gauge", "open.files", "{file}", "open_files", ""),
    ("gauge", "load", " s ", "load_seconds", "seconds"),
    ("gauge", "spin", "rot.turns/fortnight", "spin_rot_turns_per_fortnight", "rot_turns_per_fortnight"),
    ("gauge", "_odd..name--here_", "V", "odd_name_here_volts", "volts"),
    ("gauge", "3d.printers", "", "_3d_printers", ""),
    ("gauge", "rule:rate", "", "rule:rate", ""),
    ("gauge", "größe", "", "gr_e", ""),
    ("gauge", "数", "", "_", ""),
    ("sum", "stack.size", "1", "stack_size", ""),
    ("counter", "requests", "{request}", "requests_total", ""),
    ("counter", "requests.total", "", "requests_total", ""),
    ("counter", "total.requests", "1", "requests_total", ""),
    ("counter", "cpu.time", "s", "cpu_time_seconds_total", "seconds"),
    ("counter", "cpu.seconds.total", "s", "cpu_seconds_total", "seconds"),
    ("counter", "subtotal", "", "subtotal_total", ""),
    ("counter", "sent", "MBy", "sent_megabytes_total", "megabytes"),
    ("exponential", "request.duration", "ms", "request_duration_milliseconds", "milliseconds"),
]
TYPES = [
    ("gauge", CUMULATIVE, {("gauge", 0)}),
    ("sum", CUMULATIVE, {("gauge", 0)}),
    ("sum", DELTA, {("gauge", 1)}),
    ("counter", CUMULATIVE, {("counter", 0)}),
    ("counter", DELTA, {("counter", 1)}),
    ("histogram", CUMULATIVE, {("histogram", 0), ("gauge", 0)}),
    ("histogram", DELTA, {("histogram", 1), ("gauge", 0)}),
    ("exponential", DELTA, {("histogram", 1)}),
    ("summary", CUMULATIVE, {("summary", 0)}),
]
LABELS: list[tuple[dict[str, object], dict[str, str]]] = [
    ({"http.route": "/x", "ok": True, "n": 7, "f": 0.5}, {"http_route": "/x", "ok": "true", "n": "7", "f": "0.5"}),
    ({"2xx": "a", "__a..b__": "b", "ümlaut": "c"}, {"key_2xx": "a", "_a_b_": "b", "_mlaut": "c"}),
    ({"a.b": "2", "a_b": "1", "a-b": "3"}, {"a_b": "3;2;1"}),
    ({"empty": "", "none": None, "list": Json([1, "x"])}, {"list": '[1,"x"]'}),
    ({"job": "mine", "instance": "i", "le": "1", "quantile": "2"}, {"instance": "i", "le": "1", "quantile": "2"}),
    ({"__name__": "other"}, {"_name_": "other"}),
    ({}, {}),
]


def metric(kind: str, name: str, unit: str = "", temporality: Any = CUMULATIVE, labels: Pairs = ()) -> Metric:
    """A metric of the kind with one point."""
    number = NumberDataPoint(time_unix_nano=NOW, as_int=1, attributes=attributes(labels))
    match kind:
        case "gauge":
            return Metric(name=name, unit=unit, gauge=Gauge(data_points=[number]))
        case "sum" | "counter":
            given = Sum(data_points=[number], aggregation_temporality=temporality, is_monotonic=kind == "counter")
            return Metric(name=name, unit=unit, description="Of it.", sum=given)
        case "histogram":
            cut = HistogramDataPoint(
                time_unix_nano=NOW, count=6, sum=3, min=0.1, max=2, bucket_counts=[1, 2, 3], explicit_bounds=[0.5, 1],
                attributes=attributes(labels),
            )  # fmt: skip
            return Metric(name=name, unit=unit, histogram=Histogram(data_points=[cut], aggregation_temporality=temporality))
        case "summary":
            quantiles: Any = [{"quantile": 0.99, "value": 0.5}]
            short = SummaryDataPoint(time_unix_nano=NOW, count=3, sum=1, quantile_values=quantiles, attributes=attributes(labels))
            return Metric(name=name, unit=unit, summary=Summary(data_points=[short]))
        case _:
            whole = ExponentialHistogramDataPoint(time_unix_nano=NOW, count=3, attributes=attributes(labels))
            histogram = ExponentialHistogram(data_points=[whole], aggregation_temporality=temporality)
            return Metric(name=name, unit=unit, exponential_histogram=histogram)


def series(store: Store, service: str) -> list[dict[str, Any]]:
    """The series of a service but its target_info, by metric and labels."""
    text = "SELECT * FROM series WHERE service = {s:String} AND metric != 'target_info' ORDER BY metric, bound, toString(labels)"
    return records(store, text, s=service)


def test_names_and_units(store: Store, load: LoadRequests) -> None:
    """Words joined by one underscore, the unit in words unless it is there, then total for counters, ratio for gauges of unit 1."""
    load(*(metrics("names", metric(kind, name, unit), scope=f"{place:02}") for place, (kind, name, unit, *_) in enumerate(NAMES)))
    found = rows(store, "SELECT name, otlp_unit, metric, unit FROM series WHERE service = 'names' ORDER BY scope_name")
    assert [tuple(row) for row in found] == [(name, unit, wanted, words) for _, name, unit, wanted, words in NAMES]


def test_a_histogram_is_a_family(store: Store, load: LoadRequests) -> None:
    """Buckets by `le`, the last one +Inf, count and sum of one type; minimum and maximum are gauges of their own."""
    load(metrics("family", metric("histogram", "latency", "s")))
    found = [(one["metric"], one["labels"].get("le"), one["type"], one["unit"]) for one in series(store, "family")]
    assert found == [
        ("latency_seconds_bucket", "0.5", "histogram", "seconds"),
        ("latency_seconds_bucket", "1", "histogram", "seconds"),
        ("latency_seconds_bucket", "+Inf", "histogram", "seconds"),
        ("latency_seconds_count", None, "histogram", "seconds"),
        ("latency_seconds_max", None, "gauge", "seconds"),
        ("latency_seconds_min", None, "gauge", "seconds"),
        ("latency_seconds_sum", None, "histogram", "seconds"),
    ]


def test_a_summary_is_a_family(store: Store, load: LoadRequests) -> None:
    """Quantiles stand under the plain name, by `quantile`."""
    load(metrics("summary-family", metric("summary", "latency", "s")))
    found = [(one["metric"], one["labels"].get("quantile"), one["type"]) for one in series(store, "summary-family")]
    assert found == [
        ("latency_seconds", "0.99", "summary"),
        ("latency_seconds_count", None, "summary"),
        ("latency_seconds_sum", None, "summary"),
    ]


def test_types_and_increments(store: Store, load: LoadRequests) -> None:
    """What a series' type is, and whether its values are increments; extremes of an interval never are."""
    load(*(metrics(f"{kind} {temporality}", metric(kind, "t", temporality=temporality)) for kind, temporality, _ in TYPES))
    for kind, temporality, wanted in TYPES:
        assert {(one["type"], one["delta"]) for one in series(store, f"{kind} {temporality}")} == wanted, (kind, temporality)


def test_help_is_the_description(store: Store, load: LoadRequests) -> None:
    """It is what the instrument says of itself."""
    load(metrics("helpful", metric("counter", "c")))
    assert series(store, "helpful")[0]["help"] == "Of it."


def test_who_sent_it(store: Store, load: LoadRequests) -> None:
    """Job is namespace and name of the service, instance its id; the scope is in labels, other resource attributes are not."""
    named = {"service.namespace": "shop", "service.instance.id": "i-1", "host.name": "h"}
    load(metrics("sender", metric("gauge", "g"), resource_attributes=named, scope="lib", version="2"))
    assert series(store, "sender")[0]["labels"] == {
        "instance": "i-1", "job": "shop/sender", "otel_scope_name": "lib", "otel_scope_version": "2",
    }  # fmt: skip


def test_nobody_sent_it(store: Store, load: LoadRequests) -> None:
    """Without a service there is no job, and an attribute of that name is kept."""
    load(metrics(None, metric("gauge", "of.nobody", labels={"job": "mine"}), resource_attributes={"service.namespace": "shop"}))
    assert rows(store, "SELECT labels FROM series WHERE name = 'of.nobody'") == [[{"job": "mine"}]]


def test_attributes_become_labels(store: Store, load: LoadRequests) -> None:
    """What is no letter or digit becomes one underscore; equal names share their values in order of the keys; what is empty is no label."""
    load(*(metrics(f"labels {place}", metric("gauge", "g", labels=pairs)) for place, (pairs, _) in enumerate(LABELS)))
    for place, (_, wanted) in enumerate(LABELS):
        (found,) = series(store, f"labels {place}")
        assert list(found["labels"].items()) == sorted({**wanted, "job": f"labels {place}"}.items())


def test_a_bound_comes_before_an_attribute_of_its_name(store: Store, load: LoadRequests) -> None:
    """The label le says which bucket it is, whatever an attribute says, and sorts where it belongs."""
    load(metrics("bounds", metric("histogram", "h", labels={"le": "mine", "zone": "z", "area": "a"})))
    buckets = [one["labels"] for one in series(store, "bounds") if one["component"] == "bucket"]
    assert [labels["le"] for labels in buckets] == ["0.5", "1", "+Inf"]
    assert {tuple(labels) for labels in buckets} == {("area", "job", "le", "zone")}
    assert not any("le" in one["labels"] for one in series(store, "bounds") if one["component"] != "bucket")


def test_target_info(store: Store, load: LoadRequests) -> None:
    """One sample a minute of event time with what else the resource says, at the minute's last point."""
    said: dict[str, object] = {"service.instance.id": "i-1", "host.name": "h", "os.build": 7, "tags": Json(["a"]), "service.version": "1"}
    gauge = Gauge(data_points=[NumberDataPoint(time_unix_nano=NOW + place * 10 * SECOND, as_int=1) for place in range(-4, 5)])
    load(metrics("target", Metric(name="g", gauge=gauge), resource_attributes=said))
    found = rows(
        store,
        "SELECT labels, type, value, toUnixTimestamp64Milli(ts) - {now:Int64} FROM samples ANY LEFT JOIN series USING series_id "
        "WHERE metric = 'target_info' AND service = 'target' ORDER BY ts",
        now=NOW // 10**6,
    )
    labels = {"host_name": "h", "instance": "i-1", "job": "target", "os_build": "7", "service_version": "1", "tags": '["a"]'}
    assert found == [[labels, "gauge", 1, 10_000], [labels, "gauge", 1, 40_000]]


def test_no_target_info(store: Store, load: LoadRequests) -> None:
    """A resource that says nothing else, or not who it is, has none."""
    identity: dict[str, object] = {"service.namespace": "n", "service.instance.id": "i"}
    load(
        metrics("identity", metric("gauge", "g"), resource_attributes=identity),
        metrics(None, metric("gauge", "g"), resource_attributes={"host.name": "nobody's"}),
    )
    known = [row[0] for row in rows(store, "SELECT labels FROM series WHERE metric = 'target_info'")]
    assert not [labels for labels in known if labels.get("job") == "n/identity" or labels.get("host_name") == "nobody's"]
