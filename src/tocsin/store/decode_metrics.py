"""
The same for metrics: one SELECT per family of points (numbers, histograms, exponential histograms, summaries), all for the table `points`.

A point becomes one row with parallel arrays: a series id, component, bound and value for each number in it. A gauge has one, a
histogram with ten buckets fourteen. The id of a series is a hash of everything that identifies it: metric name, kind, unit,
temporality, monotonicity, resource, scope, sorted attributes, component and bound.

What Prometheus calls a series is found later, by the view that fills the table `series`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.decode import (
    INT64_MAX,
    ORIGIN,
    SEGMENT_PLACEHOLDER,
    clean_columns,
    cleaned,
    scopes_select,
    selected,
    value_texts,
    value_types,
)
from tocsin.store.options import StoreOptions
from tocsin.store.redact import MARK, is_secret_key, is_suspicious, treat

STALE = "reinterpretAsFloat64(toUInt64(9218868437227405314))"  # 0x7ff0000000000002, the NaN by which Prometheus says that a series ended
METRIC = "job, instance, name, unit, description, kind, temporality, monotonic"
# What Prometheus calls who sent it, found once per scope. Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility.
NAMESPACE, NAME = "JSONExtractString(resource, 'service.namespace')", "JSONExtractString(resource, 'service.name')"
JOB = f"if({NAMESPACE} = '' OR {NAME} = '', {NAME}, concat({NAMESPACE}, '/', service))"
INSTANCE = "JSONExtractString(resource, 'service.instance.id')"
MAP = "Map(LowCardinality(String), String)"


def families_select() -> str:
    """SQL that reads `__SEGMENT__` and returns one row: how many points of each family it holds, by the names of the loads in `tables`."""
    points = "length(arrayFlatten(resource_metrics.scope_metrics.metrics.{}.data_points))"
    counts = {
        "numbers": f"{points.format('gauge')} + {points.format('sum')}",
        "histograms": points.format("histogram"),
        "exponential": points.format("exponential_histogram"),
        "summaries": points.format("summary"),
    }
    return f"SELECT {', '.join(f'sum({count}) AS {name}' for name, count in counts.items())} FROM {SEGMENT_PLACEHOLDER}"


def numbers_select(options: StoreOptions) -> str:
    """Gauges and sums: one number per point, integers as doubles."""
    families = (
        "arrayConcat(arrayMap(p -> (p, 'gauge', 0, 0), m.gauge.data_points), "
        "arrayMap(p -> (p, 'sum', m.sum.aggregation_temporality, toInt32(m.sum.is_monotonic)), m.sum.data_points))"
    )
    value = _or_stale("if(p.as_int != 0, toFloat64(p.as_int), p.as_double)")
    numbers = {"components": "['']", "bounds": "[toFloat64(0)]", "values": f"[{value}]"}
    return _select(families, {**numbers, **_exemplars(options)}, options)


def histograms_select(options: StoreOptions) -> str:
    """
    Histograms with explicit bounds: count, cumulative bucket counts (the last bound infinite, as Prometheus keeps them), and sum, minimum
    and maximum where the sender gave them. One without buckets has that last one, too.
    """
    counts = "if(empty(p.bucket_counts), [p.count], arrayCumSum(p.bucket_counts))"
    given = "arrayFilter(n -> isNotNull(n.2), [('sum', p.sum), ('min', p.min), ('max', p.max)])"
    numbers = {
        "components": f"arrayConcat(['count'], {given}.1, arrayMap(c -> 'bucket', {counts}))",
        "bounds": f"arrayConcat([toFloat64(0)], arrayMap(n -> toFloat64(0), {given}), "
        f"arrayResize(p.explicit_bounds, length({counts}), toFloat64('inf')))",
        "values": f"arrayMap(v -> {_or_stale('v')}, arrayConcat([toFloat64(p.count)], arrayMap(n -> assumeNotNull(n.2), {given}), "
        f"arrayMap(c -> toFloat64(c), {counts})))",
    }
    families = "arrayMap(p -> (p, 'histogram', m.histogram.aggregation_temporality, 1), m.histogram.data_points)"
    return _select(families, {**numbers, **_exemplars(options)}, options)


def exponential_histograms_select(options: StoreOptions) -> str:
    """
    Exponential histograms, each point kept whole; a sum, minimum or maximum that the sender left out is NaN. Where nothing was recorded,
    count and sum are the stale marker.
    """
    numbers = {
        "components": "['histogram']",
        "bounds": "[toFloat64(0)]",
        "values": "[toFloat64(p.count)]",
        "histogram_count": _or_stale("toFloat64(p.count)"),
        "histogram_sum": _or_stale("ifNull(p.sum, nan)"),
        "histogram_min": "ifNull(p.min, nan)",
        "histogram_max": "ifNull(p.max, nan)",
        "scale": "p.scale",
        "zero_count": "p.zero_count",
        "zero_threshold": "p.zero_threshold",
        "positive_offset": "p.positive.offset",
        "positive_counts": "p.positive.bucket_counts",
        "negative_offset": "p.negative.offset",
        "negative_counts": "p.negative.bucket_counts",
    }
    points = "m.exponential_histogram.data_points"
    families = f"arrayMap(p -> (p, 'exponential_histogram', m.exponential_histogram.aggregation_temporality, 1), {points})"
    return _select(families, {**numbers, **_exemplars(options)}, options)


def summaries_select(options: StoreOptions) -> str:
    """Summaries: count, sum, and one number per quantile."""
    numbers = {
        "components": "arrayConcat(['count', 'sum'], arrayMap(q -> 'quantile', p.quantile_values))",
        "bounds": "arrayConcat([toFloat64(0), toFloat64(0)], p.quantile_values.quantile)",
        "values": f"arrayMap(v -> {_or_stale('v')}, arrayConcat([toFloat64(p.count), p.sum], p.quantile_values.value))",
    }
    return _select("arrayMap(p -> (p, 'summary', 2, 1), m.summary.data_points)", numbers, options)


def _select(families: str, numbers: Mapping[str, str], options: StoreOptions) -> str:
    columns = {
        "ts": _milliseconds("p.time_unix_nano"),
        "start_ts": _milliseconds("p.start_time_unix_nano"),
        "keys": "p.attributes.key",
        "texts": value_texts("p.attributes.value"),
        "types": value_types("p.attributes.value"),
        **numbers,
    }
    kept = [name for name in columns if name not in ("keys", "texts", "types")]
    texts = cleaned(f"SELECT {ORIGIN}, {METRIC}, {selected(columns)} FROM ({_points(families, options)})",
                    keep=f"{ORIGIN}, {METRIC}, {', '.join(kept)}", options=options)  # fmt: skip
    identity = (
        "cityHash64(name, kind, unit, temporality, monotonic, resource, scope_name, scope_version, "
        "arraySort(arrayMap((k, v) -> cityHash64(k, v), keys, clean)))"
    )
    clean = clean_columns(options)
    return f"""
SELECT
    ts, start_ts, job, instance, name, kind, unit, description, temporality, monotonic, service, resource, scope_name, scope_version,
    CAST((keys, clean), '{MAP}') AS attributes,
    {clean["clean_types"]} AS attribute_types,
    arrayMap((c, b) -> cityHash64({identity}, c, b), components, bounds) AS series_ids,
    received,
    {clean["redactions"]} AS redactions,
    {clean["cuts"]} AS cuts,
    {{segment:UInt64}} AS segment,
    {", ".join(numbers)}
FROM ({texts})"""


def _points(families: str, options: StoreOptions) -> str:
    return f"""
    SELECT {ORIGIN}, job, instance, name, unit, description, family.1 AS p, toLowCardinality(family.2) AS kind,
        toInt8(family.3) AS temporality, toUInt8(family.4) AS monotonic
    FROM (
        SELECT {ORIGIN}, job, instance, m.name AS name, m.unit AS unit, m.description AS description, arrayJoin({families}) AS family
        FROM (
            SELECT received, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
                toLowCardinality({JOB}) AS job, toLowCardinality({INSTANCE}) AS instance, arrayJoin(scope.metrics) AS m
            FROM ({scopes_select("resource_metrics", "scope_metrics", options)})
        )
    )"""


def _milliseconds(nanoseconds: str) -> str:
    return f"fromUnixTimestamp64Milli(toInt64(intDiv(least({nanoseconds}, {INT64_MAX}), 1000000)), 'UTC')"


def _or_stale(value: str) -> str:
    """`value`, or the stale marker where the point says that nothing was recorded (bit 0 of DataPointFlags)."""
    return f"if(bitTest(p.flags, 0), {STALE}, {value})"


def _exemplars(options: StoreOptions) -> dict[str, str]:
    keys, texts = "e.filtered_attributes.key", value_texts("e.filtered_attributes.value")
    limit, redaction = options.attribute_bytes_max, options.redaction
    choice = (
        f"multiIf({is_secret_key('k', redaction)}, '{MARK}', {is_suspicious('v', redaction, bytes_max=limit)}, "
        f"{treat('v', redaction, bytes_max=limit)}, v)"
    )
    clean = f"arrayMap((k, v) -> {choice}, {keys}, {texts})"
    return {
        "exemplar_ts": f"arrayMap(e -> {_milliseconds('e.time_unix_nano')}, p.exemplars)",
        "exemplar_values": "arrayMap(e -> if(e.as_int != 0, toFloat64(e.as_int), e.as_double), p.exemplars)",
        "exemplar_trace_ids": "arrayMap(e -> toFixedString(substring(e.trace_id, 1, 16), 16), p.exemplars)",
        "exemplar_span_ids": "arrayMap(e -> toFixedString(substring(e.span_id, 1, 8), 8), p.exemplars)",
        "exemplar_attributes": f"arrayMap(e -> CAST(({keys}, {clean}), '{MAP}'), p.exemplars)",
    }
