"""
The same for metrics: one SELECT per family of points (numbers, histograms, exponential histograms, summaries), all with the columns of `points`.

A point becomes one row with parallel arrays: a series id, component, bound and value for each number in it. A gauge has one, a
histogram with ten buckets fourteen. The id of a series is a hash of everything that identifies it: metric name, kind, unit,
temporality, resource, scope, sorted attributes, component and bound.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.decode import INT64_MAX, SEGMENT_PLACEHOLDER, attributes, functions, resource_json, service_name
from tocsin.store.options import StoreOptions

NO_RECORDED_VALUE = 1  # bit of DataPointFlags. Source: OTLP metrics.proto
STALE = "reinterpretAsFloat64(toUInt64(9218868437227405314))"  # 0x7ff0000000000002, the NaN by which Prometheus says that a series ended

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
    own = attributes("p.attributes", options)
    time = f"fromUnixTimestamp64Milli(toInt64(intDiv(least(p.time_unix_nano, {INT64_MAX}), 1000000)), 'UTC')"
    start = f"fromUnixTimestamp64Milli(toInt64(intDiv(least(p.start_time_unix_nano, {INT64_MAX}), 1000000)), 'UTC')"
    identity = (
        "cityHash64(name, kind, unit, temporality, resource, scope_name, "
        "arraySort(arrayMap((k, v) -> concat(k, '=', v), mapKeys(attributes), mapValues(attributes))))"
    )
    extra = "".join(f",\n    {expression} AS {name}" for name, expression in columns.items())
    return f"""{functions(options)}
SELECT
    {time} AS ts,
    {start} AS start_ts,
    name,
    kind,
    unit,
    description,
    toInt8(temporality_number) AS temporality,
    toUInt8(monotonic_number) AS monotonic,
    service,
    resource,
    scope_name,
    scope_version,
    {own.map} AS attributes,
    {own.types} AS attribute_types,
    arrayMap((c, b) -> cityHash64({identity}, c, b), components, bounds) AS series_ids,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    toUInt16(least(65535, {own.redactions})) AS redactions,
    toUInt16(least(65535, {own.cuts})) AS cuts,
    {{segment:UInt64}} AS segment{extra}
FROM ({_points(families, options)})"""


def _points(families: str, options: StoreOptions) -> str:
    return f"""
    SELECT received_unix_nano, resource, service, scope_name, scope_version, name, unit, description, arrayJoin({families}) AS family,
        family.1 AS p, toLowCardinality(family.2) AS kind, family.3 AS temporality_number, family.4 AS monotonic_number
    FROM (
        SELECT received_unix_nano, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
            arrayJoin(scope.metrics) AS m, m.name AS name, m.unit AS unit, m.description AS description
        FROM (
            SELECT received_unix_nano, toLowCardinality({resource_json("r.resource.attributes", options)}) AS resource,
                {service_name("r.resource.attributes")} AS service, arrayJoin(r.scope_metrics) AS scope
            FROM (SELECT received_unix_nano, arrayJoin(resource_metrics) AS r FROM {SEGMENT_PLACEHOLDER})
        )
    )"""


def _or_stale(value: str) -> str:
    return f"if(bitTest(p.flags, 0), {STALE}, {value})"


def _exemplars(options: StoreOptions) -> dict[str, str]:
    own = attributes("e.filtered_attributes", options)
    return {
        "exemplar_ts": f"arrayMap(e -> fromUnixTimestamp64Milli(toInt64(intDiv(least(e.time_unix_nano, {INT64_MAX}), 1000000)), 'UTC'), p.exemplars)",
        "exemplar_values": "arrayMap(e -> if(e.as_int != 0, toFloat64(e.as_int), e.as_double), p.exemplars)",
        "exemplar_trace_ids": "arrayMap(e -> toFixedString(substring(e.trace_id, 1, 16), 16), p.exemplars)",
        "exemplar_span_ids": "arrayMap(e -> toFixedString(substring(e.span_id, 1, 8), 8), p.exemplars)",
        "exemplar_attributes": f"arrayMap(e -> {own.map}, p.exemplars)",
    }
