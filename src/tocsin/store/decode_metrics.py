"""
The same for metrics: one SELECT per family of points (numbers, histograms, exponential histograms, summaries), all with the columns of `points`.

A point becomes one row with parallel arrays: a series id, component, bound and value for each number in it. A gauge has one, a
histogram with ten buckets fourteen. The id of a series is a hash of everything that identifies it: metric name, kind, unit,
temporality, resource, scope, sorted attributes, component and bound.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.decode import INT64_MAX, cleaned, functions, resource_columns, value_texts, value_types
from tocsin.store.options import StoreOptions
from tocsin.store.redact import MARK

NO_RECORDED_VALUE = 1  # bit of DataPointFlags. Source: OTLP metrics.proto
STALE = "reinterpretAsFloat64(toUInt64(9218868437227405314))"  # 0x7ff0000000000002, the NaN by which Prometheus says that a series ended

ORIGIN = "received_unix_nano, resource, service, scope_name, scope_version"
POINT_ORIGIN = f"{ORIGIN}, name, unit, description, kind, temporality, monotonic"
HISTOGRAM_COMPONENTS = ("count", "sum", "min", "max")


def numbers_select(options: StoreOptions) -> str:
    """Gauges and sums: one number per point, integers as doubles."""
    value = "if(p.as_int != 0, toFloat64(p.as_int), p.as_double)"
    families = (
        "arrayConcat(arrayMap(p -> (p, 'gauge', 0, 0), m.gauge.data_points), "
        "arrayMap(p -> (p, 'sum', m.sum.aggregation_temporality, toInt32(m.sum.is_monotonic)), m.sum.data_points))"
    )
    columns = {"components": "['']", "bounds": "[toFloat64(0)]", "values": f"[{_or_stale(value)}]", **_exemplars(options)}
    return _select(families, columns, options)


def histograms_select(options: StoreOptions) -> str:
    """Histograms with explicit bounds: count, sum, min, max and cumulative bucket counts, the last bound infinite, as Prometheus keeps them."""
    components = ", ".join(f"'{name}'" for name in HISTOGRAM_COMPONENTS)
    columns = {
        "components": f"arrayConcat([{components}], arrayMap(c -> 'bucket', p.bucket_counts))",
        "bounds": f"arrayConcat([{', '.join('toFloat64(0)' for _ in HISTOGRAM_COMPONENTS)}], "
        "arrayResize(p.explicit_bounds, length(p.bucket_counts), toFloat64('inf')))",
        "values": f"arrayMap(v -> {_or_stale('v')}, arrayConcat([toFloat64(p.count), p.sum, p.min, p.max], "
        "arrayMap(c -> toFloat64(c), arrayCumSum(p.bucket_counts))))",
        **_exemplars(options),
    }
    families = "arrayMap(p -> (p, 'histogram', m.histogram.aggregation_temporality, 1), m.histogram.data_points)"
    return _select(families, columns, options)


def exponential_histograms_select(options: StoreOptions) -> str:
    """Exponential histograms, each point kept whole."""
    columns = {
        "components": "['histogram']",
        "bounds": "[toFloat64(0)]",
        "values": "[toFloat64(p.count)]",
        "histogram_count": "p.count",
        "histogram_sum": _or_stale("p.sum"),
        "histogram_min": "p.min",
        "histogram_max": "p.max",
        "scale": "p.scale",
        "zero_count": "p.zero_count",
        "zero_threshold": "p.zero_threshold",
        "positive_offset": "p.positive.offset",
        "positive_counts": "p.positive.bucket_counts",
        "negative_offset": "p.negative.offset",
        "negative_counts": "p.negative.bucket_counts",
        **_exemplars(options),
    }
    families = (
        "arrayMap(p -> (p, 'exponential_histogram', m.exponential_histogram.aggregation_temporality, 1), m.exponential_histogram.data_points)"
    )
    return _select(families, columns, options)


def summaries_select(options: StoreOptions) -> str:
    """Summaries: count, sum, and one number per quantile."""
    columns = {
        "components": "arrayConcat(['count', 'sum'], arrayMap(q -> 'quantile', p.quantile_values))",
        "bounds": "arrayConcat([toFloat64(0), toFloat64(0)], p.quantile_values.quantile)",
        "values": f"arrayMap(v -> {_or_stale('v')}, arrayConcat([toFloat64(p.count), p.sum], p.quantile_values.value))",
    }
    return _select("arrayMap(p -> (p, 'summary', 2, 1), m.summary.data_points)", columns, options)


def _select(families: str, columns: Mapping[str, str], options: StoreOptions) -> str:
    texts = cleaned(
        _points(families, options),
        keys="p.attributes.key",
        texts=value_texts("p.attributes.value"),
        types=value_types("p.attributes.value"),
        keep=f"p, {POINT_ORIGIN}",
        options=options,
    )
    identity = (
        "cityHash64(name, kind, unit, temporality, resource, scope_name, arraySort(arrayMap((k, v) -> cityHash64(k, v), keys, clean)))"
    )
    extra = "".join(f",\n    {expression} AS {name}" for name, expression in columns.items())
    return f"""{functions(options)}
SELECT
    {_milliseconds("p.time_unix_nano")} AS ts,
    {_milliseconds("p.start_time_unix_nano")} AS start_ts,
    name,
    kind,
    unit,
    description,
    temporality,
    monotonic,
    service,
    resource,
    scope_name,
    scope_version,
    CAST((keys, clean), 'Map(LowCardinality(String), String)') AS attributes,
    arrayStringConcat(clean_types) AS attribute_types,
    arrayMap((c, b) -> cityHash64(base_id, c, b), components, bounds) AS series_ids,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    redactions,
    cuts,
    {{segment:UInt64}} AS segment{extra}
FROM (SELECT *, {identity} AS base_id FROM ({texts}))"""


def _points(families: str, options: StoreOptions) -> str:
    return f"""
    SELECT {ORIGIN}, name, unit, description, family.1 AS p, toLowCardinality(family.2) AS kind, toInt8(family.3) AS temporality,
        toUInt8(family.4) AS monotonic
    FROM (
        SELECT {ORIGIN}, m.name AS name, m.unit AS unit, m.description AS description, arrayJoin({families}) AS family
        FROM (
            SELECT received_unix_nano, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
                arrayJoin(scope.metrics) AS m
            FROM ({resource_columns(options, resources="resource_metrics", scopes="scope_metrics")})
        )
    )"""


def _milliseconds(nanoseconds: str) -> str:
    return f"fromUnixTimestamp64Milli(toInt64(intDiv(least({nanoseconds}, {INT64_MAX}), 1000000)), 'UTC')"


def _or_stale(value: str) -> str:
    return f"if(bitTest(p.flags, 0), {STALE}, {value})"


def _exemplars(options: StoreOptions) -> dict[str, str]:
    secret = f"if(is_secret_key(k), '{MARK}', if(is_suspicious(v), treat(v), v))"
    keys, texts = "e.filtered_attributes.key", value_texts("e.filtered_attributes.value")
    return {
        "exemplar_ts": f"arrayMap(e -> {_milliseconds('e.time_unix_nano')}, p.exemplars)",
        "exemplar_values": "arrayMap(e -> if(e.as_int != 0, toFloat64(e.as_int), e.as_double), p.exemplars)",
        "exemplar_trace_ids": "arrayMap(e -> toFixedString(substring(e.trace_id, 1, 16), 16), p.exemplars)",
        "exemplar_span_ids": "arrayMap(e -> toFixedString(substring(e.span_id, 1, 8), 8), p.exemplars)",
        "exemplar_attributes": f"arrayMap(e -> CAST(({keys}, arrayMap((k, v) -> {secret}, {keys}, {texts})), "
        "'Map(LowCardinality(String), String)'), p.exemplars)",
    }
