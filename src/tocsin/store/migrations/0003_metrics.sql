-- Metrics of all five OTLP kinds, and what the Prometheus doors bring. What identifies a series stands once in `series`; `samples` holds
-- numbers alone. Of OTLP:
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
    -- Who sent it, in Prometheus' words.
    job LowCardinality(String),
    instance LowCardinality(String),
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
    histogram_count Float64,
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

-- The blocks of the Prometheus doors (`tocsin.model.sample_block`), one row per block. It stores nothing either.
CREATE TABLE IF NOT EXISTS sample_blocks
(
    series_ids Array(UInt64),
    timestamps Array(DateTime64(3, 'UTC')),
    values Array(Float64),
    definitions Array(Tuple(id UInt64, day Int32, metric LowCardinality(String), label_names Array(LowCardinality(String)), label_values Array(String),
        type LowCardinality(String), help LowCardinality(String), unit LowCardinality(String))),
    points Array(Tuple(series_id UInt64, timestamp_ms Int64, schema Int32, count Float64, sum Float64, zero_threshold Float64, zero_count Float64,
        positive_offset Int32, positive_counts String, negative_offset Int32, negative_counts String, custom_values String, reset_hint UInt8)),
    seen Array(Tuple(series_id UInt64, timestamp_ms Int64, value Float64, trace_id String, span_id String,
        label_names Array(LowCardinality(String)), label_values Array(String), metric LowCardinality(String))),
    redactions UInt32,
    received DateTime64(9, 'UTC'),
    segment UInt64
)
ENGINE = Null;

-- Fresh samples, until the fold has put them into chunks. Parted by receipt, so that an insert touches one partition or two whatever event
-- times it carries, and the fold takes whole partitions away. Rows live an hour or so and every query reads them: cheap codecs.
-- `received` to the microsecond says which of two samples with the same time came last.
CREATE TABLE IF NOT EXISTS samples
(
    series_id UInt64 CODEC(LZ4),
    ts DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    value Float64 CODEC(LZ4),
    received DateTime64(6, 'UTC') CODEC(LZ4),
    segment UInt64 CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY toStartOfInterval(toDateTime(received, 'UTC'), INTERVAL 30 MINUTE)
ORDER BY (series_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS samples_from_points TO samples AS
SELECT series_id, ts, value, toDateTime64(points.received, 6, 'UTC') AS received, segment
FROM points ARRAY JOIN series_ids AS series_id, values AS value WHERE kind != 'exponential_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS samples_from_sample_blocks TO samples AS
SELECT series_id, ts, value, toDateTime64(sample_blocks.received, 6, 'UTC') AS received, segment
FROM sample_blocks ARRAY JOIN series_ids AS series_id, timestamps AS ts, values AS value;

-- A row per series and day (of event time) on which it was seen. `metric` and `labels` are what Prometheus calls it (labels sorted, none
-- empty, without __name__); name, kind, component, bound and what follows are OTLP's own words for it, empty where a Prometheus door brought
-- it, but for name (the metric) and service (the label `job`).
-- OTLP's id is a hash of what tells series apart: name, kind, unit, temporality, monotonicity, resource, scope, attributes, component and
-- bound. That tells more apart than Prometheus' labels do; series whose labels agree are one when they are read. Rows that a merge puts
-- together agree in what the id is made of; of help and the letters of types it keeps any one.
-- `delta` is 1 where values are increments since the sample before, to be added up when they are read.
CREATE TABLE IF NOT EXISTS series
(
    metric LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    day Date CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(LZ4),
    type LowCardinality(String) CODEC(ZSTD(1)),
    help LowCardinality(String) CODEC(ZSTD(1)),
    unit LowCardinality(String) CODEC(ZSTD(1)),
    delta UInt8 CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    component LowCardinality(String) CODEC(ZSTD(1)),
    bound Float64 CODEC(ZSTD(1)),
    otlp_unit LowCardinality(String) CODEC(ZSTD(1)),
    temporality Int8 CODEC(ZSTD(1)),
    monotonic UInt8 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(LZ4),
    attribute_types Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)) CODEC(ZSTD(1)),
    received SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(day < toDate('2020-01-01'), toStartOfYear(day), day < toDate('2026-01-01'), toStartOfMonth(day), toMonday(day))
ORDER BY (metric, series_id, day)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 2048, allow_dimensions_outside_sorting_key = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS series_from_sample_blocks TO series AS
SELECT d.metric AS metric, d.id AS series_id, toDate(toUInt16(least(greatest(d.day, 0), 65535))) AS day,
    CAST((d.label_names, d.label_values), 'Map(LowCardinality(String), String)') AS labels, if(d.type = '', 'unknown', d.type) AS type,
    d.help AS help, d.unit AS unit, d.metric AS name, labels['job'] AS service, toDateTime(sample_blocks.received, 'UTC') AS received
FROM sample_blocks ARRAY JOIN definitions AS d;

-- One row per series, day and segment, taken before the arrays are laid out: aggregating every point by series cost a quarter of the load.
-- Labels are found and sorted once per point, with a place kept for `le` or `quantile` where it belongs; those whose names become equal
-- share a label, and what Tocsin sets itself (job, instance, scope, le, quantile) comes before an attribute of that name.
CREATE MATERIALIZED VIEW IF NOT EXISTS series_from_points TO series AS
SELECT if(component IN ('bucket', 'count', 'sum', 'min', 'max'), concat(whole_name, '_', component), whole_name) AS metric, series_id, day,
    if(place = 0, CAST((label_names, label_values), 'Map(LowCardinality(String), String)'), mapFilter((k, v) -> v != '', CAST((label_names,
        arrayMap((v, i) -> if(i = place, multiIf(component NOT IN ('bucket', 'quantile'), '', bound = inf, '+Inf', bound = -inf, '-Inf', toString(bound)), v),
            label_values, arrayEnumerate(label_values))), 'Map(LowCardinality(String), String)'))) AS labels,
    multiIf(component IN ('min', 'max'), 'gauge', kind = 'sum', if(monotonic, 'counter', 'gauge'), kind = 'exponential_histogram', 'histogram', kind) AS type,
    description AS help, trim(BOTH '_' FROM concat(counted, '_', per)) AS unit, toUInt8(temporality = 1 AND component NOT IN ('min', 'max')) AS delta,
    name, kind, component, bound, named.unit AS otlp_unit, temporality, monotonic, service, resource, scope_name, scope_version,
    attributes, attribute_types, toDateTime(named.received, 'UTC') AS received
FROM
(
    SELECT *, arraySort(arrayFilter((n, v) -> v != '', names, texts)) AS label_names,
        arraySort((v, n) -> n, arrayFilter(v -> v != '', texts), arrayFilter((n, v) -> v != '', names, texts)) AS label_values,
        if(own_name = '', 0, indexOf(label_names, own_name)) AS place,
        arrayStringConcat(arrayFilter((w, i) -> w != '' AND (i = 1 OR position(concat('_', stem, '_'), concat('_', w, '_')) = 0),
            [stem, counted, per, ending], [1, 2, 3, 4]), '_') AS whole_name
    FROM
    (
        SELECT *, arrayConcat(fixed_names, if(clash, arrayDistinct(free_names), attribute_names)) AS names,
            arrayConcat(fixed_texts, if(clash, arrayMap(n -> arrayStringConcat(arrayMap(p -> p.2, arraySort(arrayFilter((p, a) -> a = n,
                arrayZip(mapKeys(attributes), mapValues(attributes)), attribute_names))), ';'), arrayDistinct(free_names)), mapValues(attributes))) AS texts,
            multiIf(ending = 'total', replaceRegexpAll(words, '(?:_total)+_', '_'), ending = 'ratio', replaceRegexpAll(words, '(?:_ratio)+_', '_'), words) AS whole_words,
            replaceRegexpOne(trim(BOTH '_' FROM whole_words), '^([0-9]|$)', '_\\1') AS stem
        FROM
        (
            SELECT *, toDate(ts) AS day, multiIf(kind = 'histogram', 'le', kind = 'summary', 'quantile', '') AS own_name,
                ['job', 'instance', 'otel_scope_name', 'otel_scope_version', own_name] AS fixed_names,
                [job, instance, scope_name, if(scope_name = '', '', scope_version), own_name] AS fixed_texts,
                arrayMap(k -> replaceRegexpOne(replaceRegexpAll(k, '[^a-zA-Z0-9]+', '_'), '^([0-9])', 'key_\\1'), mapKeys(attributes)) AS attribute_names,
                arrayFilter(n -> fixed_texts[indexOf(fixed_names, n)] = '', attribute_names) AS free_names,
                hasAny(fixed_names, attribute_names) OR length(arrayDistinct(attribute_names)) != length(attribute_names) AS clash,
                replaceRegexpAll(concat('_', name, '_'), '[^a-zA-Z0-9:]+', '_') AS words,
                multiIf(kind = 'sum' AND monotonic, 'total', kind = 'gauge' AND unit = '1', 'ratio', '') AS ending,
                replaceRegexpOne(replaceRegexpOne(unit, ' *(?:/.*)?$', ''), '^ +|.*[{}].*', '') AS counted_unit,
                replaceRegexpOne(replaceRegexpOne(unit, '^[^/]*/? *', ''), '.*[{}].*| +$', '') AS per_unit,
                trim(BOTH '_' FROM replaceRegexpAll(transform(counted_unit, ['d', 'h', 'min', 's', 'ms', 'us', 'ns', 'By', 'KiBy', 'MiBy', 'GiBy', 'TiBy', 'KBy', 'kBy', 'MBy', 'GBy', 'TBy', 'm', 'V', 'A', 'J', 'W', 'g', 'Cel', 'Hz', '%', '1'],
                ['days', 'hours', 'minutes', 'seconds', 'milliseconds', 'microseconds', 'nanoseconds', 'bytes', 'kibibytes', 'mebibytes', 'gibibytes', 'tibibytes', 'kilobytes', 'kilobytes', 'megabytes', 'gigabytes', 'terabytes', 'meters', 'volts', 'amperes', 'joules', 'watts', 'grams', 'celsius', 'hertz', 'percent', '']), '[^a-zA-Z0-9]+', '_')) AS counted,
                replaceRegexpOne(trim(BOTH '_' FROM replaceRegexpAll(transform(per_unit, ['s', 'm', 'h', 'd', 'w', 'mo', 'y'],
                ['second', 'minute', 'hour', 'day', 'week', 'month', 'year']), '[^a-zA-Z0-9]+', '_')), '^(.)', 'per_\\1') AS per
            FROM
            (
                SELECT ts, received, series_ids, components, bounds, job, instance, name, kind, unit, description, temporality, monotonic, service, resource,
                    scope_name, scope_version, attributes, attribute_types
                FROM points LIMIT 1 BY cityHash64(series_ids), toDate(ts)
            )
        )
    )
) AS named
ARRAY JOIN series_ids AS series_id, components AS component, bounds AS bound;

-- target_info, by which a question joins what a resource says of itself to its series (`info()`): 1 per resource and minute, with every
-- resource attribute but those that job and instance come from. Only where those identify it and something else is known of it.
CREATE TABLE IF NOT EXISTS targets
(
    series_id UInt64,
    ts DateTime64(3, 'UTC'),
    job LowCardinality(String),
    instance LowCardinality(String),
    service LowCardinality(String),
    resource LowCardinality(String),
    received DateTime('UTC'),
    segment UInt64
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS targets_from_points TO targets AS
SELECT cityHash64('target_info', resource) AS series_id, max(points.ts) AS ts, any(job) AS job, any(instance) AS instance, any(service) AS service, resource,
    toDateTime(max(points.received), 'UTC') AS received, any(segment) AS segment
FROM points GROUP BY resource, toStartOfMinute(points.ts)
HAVING (job != '' OR instance != '')
    AND arrayExists(k -> k NOT IN ('service.name', 'service.namespace', 'service.instance.id'), JSONExtractKeys(resource));

CREATE MATERIALIZED VIEW IF NOT EXISTS target_samples_from_targets TO samples AS
SELECT series_id, ts, 1 AS value, received, segment FROM targets;

CREATE MATERIALIZED VIEW IF NOT EXISTS target_series_from_targets TO series AS
SELECT 'target_info' AS metric, series_id, toDate(ts) AS day,
    mapSort(mapFilter((k, v) -> v != '', CAST(arrayConcat([('job', job), ('instance', instance)], arrayMap(n -> (n, arrayStringConcat(
        arrayMap(p -> p.2, arraySort(arrayFilter((p, m) -> m = n, pairs, pair_names))), ';')),
        arrayFilter(n -> NOT (n = 'job' AND job != '') AND NOT (n = 'instance' AND instance != ''), arrayDistinct(pair_names)))),
        'Map(LowCardinality(String), String)'))) AS labels,
    'gauge' AS type, 'What resources say of themselves.' AS help, 'target_info' AS name, 'target' AS kind, service, resource, named.received AS received
FROM
(
    SELECT *, arrayFilter(p -> p.1 NOT IN ('service.name', 'service.namespace', 'service.instance.id'),
            arrayMap(p -> (p.1, if(startsWith(p.2, '"'), JSONExtractString(concat('[', p.2, ']'), 1), p.2)), JSONExtractKeysAndValuesRaw(resource))) AS pairs,
        arrayMap(p -> replaceRegexpOne(replaceRegexpAll(p.1, '[^a-zA-Z0-9]+', '_'), '^([0-9])', 'key_\\1'), pairs) AS pair_names
    FROM (SELECT series_id, ts, job, instance, service, resource, received FROM targets LIMIT 1 BY series_id, toDate(ts))
) AS named;

-- Native histograms of both worlds (OTLP: exponential histograms), whole. Bucket i of the positive side holds (base^(i-1), base^i],
-- base = 2^(2^-scale): Prometheus' way to count, so OTLP's offset comes in one higher (its bucket i ends at base^(i+1)). Counts are per
-- bucket from the offset on. Scale -53: bucket i holds (custom_values[i-1], custom_values[i]]. OTLP may send scales above 8, which
-- Prometheus does not know: they are stored as they came. reset_hint: 0 unknown, 1 reset, 2 none, 3 gauge. A sum that was not sent is NaN,
-- and so are min and max, which Prometheus does not have.
CREATE TABLE IF NOT EXISTS histograms
(
    series_id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    count Float64 CODEC(Gorilla, ZSTD(1)),
    sum Float64 CODEC(Gorilla, ZSTD(1)),
    min Float64 DEFAULT nan CODEC(Gorilla, ZSTD(1)),
    max Float64 DEFAULT nan CODEC(Gorilla, ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count Float64 CODEC(Gorilla, ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_counts Array(Float64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_counts Array(Float64) CODEC(ZSTD(1)),
    custom_values Array(Float64) CODEC(ZSTD(1)),
    reset_hint UInt8 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (series_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS histograms_from_points TO histograms AS
SELECT series_ids[1] AS series_id, ts, start_ts, histogram_count AS count, histogram_sum AS sum, histogram_min AS min, histogram_max AS max,
    scale, zero_count, zero_threshold, positive_offset + 1 AS positive_offset, positive_counts, negative_offset + 1 AS negative_offset,
    negative_counts, toDateTime(points.received, 'UTC') AS received, segment
FROM points WHERE kind = 'exponential_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS histograms_from_sample_blocks TO histograms AS
SELECT p.series_id AS series_id, fromUnixTimestamp64Milli(p.timestamp_ms, 'UTC') AS ts, p.count AS count, p.sum AS sum, p.schema AS scale,
    p.zero_count AS zero_count, p.zero_threshold AS zero_threshold, p.positive_offset AS positive_offset,
    reinterpret(p.positive_counts, 'Array(Float64)') AS positive_counts, p.negative_offset AS negative_offset,
    reinterpret(p.negative_counts, 'Array(Float64)') AS negative_counts, reinterpret(p.custom_values, 'Array(Float64)') AS custom_values,
    p.reset_hint AS reset_hint,
    toDateTime(sample_blocks.received, 'UTC') AS received, segment
FROM sample_blocks ARRAY JOIN points AS p;

-- From a number to the trace that shows it. The series is the one that the value went into: of a histogram with bounds, the bucket.
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
SELECT name, series_ids[greatest(1, arrayFirstIndex((c, b) -> c = 'bucket' AND exemplar_value <= b, components, bounds))] AS series_id,
    exemplar_at AS ts, exemplar_value AS value, trace_id, span_id, exemplar_attribute_map AS attributes,
    toDateTime(points.received, 'UTC') AS received, segment
FROM points
ARRAY JOIN exemplar_ts AS exemplar_at, exemplar_values AS exemplar_value, exemplar_trace_ids AS trace_id, exemplar_span_ids AS span_id,
    exemplar_attributes AS exemplar_attribute_map;

CREATE MATERIALIZED VIEW IF NOT EXISTS exemplars_from_sample_blocks TO exemplars AS
SELECT e.metric AS name, e.series_id AS series_id, fromUnixTimestamp64Milli(e.timestamp_ms, 'UTC') AS ts, e.value AS value,
    toFixedString(substring(e.trace_id, 1, 16), 16) AS trace_id, toFixedString(substring(e.span_id, 1, 8), 8) AS span_id,
    CAST((e.label_names, e.label_values), 'Map(LowCardinality(String), String)') AS attributes,
    toDateTime(sample_blocks.received, 'UTC') AS received, segment
FROM sample_blocks ARRAY JOIN seen AS e;
