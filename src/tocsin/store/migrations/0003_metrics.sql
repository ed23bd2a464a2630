-- Metrics of all five OTLP kinds. What identifies a series stands once in `series`; `samples` holds numbers alone.
--
--   gauge, sum                1 series per attribute set                      component ''
--   histogram                 count, sum, min, max, and one per bucket        component 'count', ..., 'bucket' with its upper bound (cumulative counts)
--   summary                   count, sum, and one per quantile                component 'count', 'sum', 'quantile' with the quantile as bound
--   exponential histogram     1 series, its points whole in `histograms`      component 'histogram'
--
-- `points` stores nothing: decoded segments pass through it once and the views below take from it what each table needs.
CREATE TABLE IF NOT EXISTS points
(
    ts DateTime64(3, 'UTC'),
    start_ts DateTime64(3, 'UTC'),
    name LowCardinality(String),
    kind LowCardinality(String),
    unit LowCardinality(String),
    description LowCardinality(String),
    temporality Int8,
    monotonic UInt8,
    service LowCardinality(String),
    resource LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    attributes Map(LowCardinality(String), String),
    attribute_types Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)),
    series_ids Array(UInt64),
    components Array(LowCardinality(String)),
    bounds Array(Float64),
    values Array(Float64),
    histogram_count UInt64,
    histogram_sum Float64,
    histogram_min Float64,
    histogram_max Float64,
    scale Int32,
    zero_count UInt64,
    zero_threshold Float64,
    positive_offset Int32,
    positive_counts Array(UInt64),
    negative_offset Int32,
    negative_counts Array(UInt64),
    exemplar_ts Array(DateTime64(3, 'UTC')),
    exemplar_values Array(Float64),
    exemplar_trace_ids Array(FixedString(16)),
    exemplar_span_ids Array(FixedString(8)),
    exemplar_attributes Array(Map(LowCardinality(String), String)),
    received DateTime64(9, 'UTC'),
    redactions UInt16,
    cuts UInt16,
    segment UInt64
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS samples
(
    series_id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Gorilla, ZSTD(1)),
    start_ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (series_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS samples_from_points TO samples AS
SELECT series_id, ts, value, start_ts, toDateTime(points.received, 'UTC') AS received, segment
FROM points ARRAY JOIN series_ids AS series_id, values AS value WHERE kind != 'exponential_histogram';

-- The id is a hash of what tells series apart: name, kind, unit, temporality, resource, scope, attributes, component and bound. Rows that a
-- merge puts together agree in those; of description, scope version and the letters of types it keeps any one.
CREATE TABLE IF NOT EXISTS series
(
    name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    component LowCardinality(String) CODEC(ZSTD(1)),
    bound Float64 CODEC(ZSTD(1)),
    unit LowCardinality(String) CODEC(ZSTD(1)),
    description LowCardinality(String) CODEC(ZSTD(1)),
    temporality Int8 CODEC(ZSTD(1)),
    monotonic UInt8 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)) CODEC(ZSTD(1)),
    day Date CODEC(ZSTD(1)),
    received SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(day < toDate('2020-01-01'), toStartOfYear(day), day < toDate('2026-01-01'), toStartOfMonth(day), toMonday(day))
ORDER BY (name, series_id, day)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, allow_dimensions_outside_sorting_key = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row per series, day and segment, taken before the arrays are laid out: aggregating every point by series cost a quarter of the load.
CREATE MATERIALIZED VIEW IF NOT EXISTS series_from_points TO series AS
SELECT name, series_id, kind, component, bound, unit, description, temporality, monotonic, service, resource, scope_name, scope_version,
    attributes, attribute_types, toDate(ts) AS day, toDateTime(received, 'UTC') AS received
FROM (SELECT * FROM points LIMIT 1 BY cityHash64(series_ids), toDate(ts))
ARRAY JOIN series_ids AS series_id, components AS component, bounds AS bound;

-- Points of exponential histograms (Prometheus: native histograms). Bucket i holds (base^i, base^(i+1)], base = 2^(2^-scale);
-- counts are per bucket from the offset on.
CREATE TABLE IF NOT EXISTS histograms
(
    series_id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(Gorilla, ZSTD(1)),
    min Float64 CODEC(Gorilla, ZSTD(1)),
    max Float64 CODEC(Gorilla, ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count UInt64 CODEC(T64, ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_counts Array(UInt64) CODEC(T64, ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_counts Array(UInt64) CODEC(T64, ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (series_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS histograms_from_points TO histograms AS
SELECT series_ids[1] AS series_id, ts, start_ts, histogram_count AS count, histogram_sum AS sum, histogram_min AS min, histogram_max AS max,
    scale, zero_count, zero_threshold, positive_offset, positive_counts, negative_offset, negative_counts,
    toDateTime(points.received, 'UTC') AS received, segment
FROM points WHERE kind = 'exponential_histogram';

-- From a number to the trace that shows it.
CREATE TABLE IF NOT EXISTS exemplars
(
    name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (name, series_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS exemplars_from_points TO exemplars AS
SELECT name, series_ids[1] AS series_id, exemplar_at AS ts, exemplar_value AS value, trace_id, span_id, exemplar_attribute_map AS attributes,
    toDateTime(points.received, 'UTC') AS received, segment
FROM points
ARRAY JOIN exemplar_ts AS exemplar_at, exemplar_values AS exemplar_value, exemplar_trace_ids AS trace_id, exemplar_span_ids AS span_id,
    exemplar_attributes AS exemplar_attribute_map;
