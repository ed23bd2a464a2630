-- Spans, one row each. Parts stay compact (one file) up to 256 MiB: an insert that syncs a hundred small files is slower than one that syncs
-- three. Merges wait for more parts of a size: fewer rewrites of the same row. Small granules: a needle's row is read with its granule, all columns of it. Read by time: five-minute bucket first, then service. A week per part keeps drops cheap (retention); old
-- data takes a month (before 2026) or a year (before 2020), so that a batch with random clocks makes some 170 partitions at the worst.
CREATE TABLE IF NOT EXISTS spans
(
    ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(NONE),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    trace_state String CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    kind Int8 CODEC(ZSTD(1)),
    duration_ns UInt64 CODEC(T64, ZSTD(1)),
    status Int8 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    event_ts Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    event_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
    event_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    event_attribute_types Array(Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000))) CODEC(ZSTD(1)),
    link_trace_ids Array(FixedString(16)) CODEC(ZSTD(1)),
    link_span_ids Array(FixedString(8)) CODEC(ZSTD(1)),
    link_trace_states Array(String) CODEC(ZSTD(1)),
    link_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    link_attribute_types Array(Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000))) CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    redactions UInt16 CODEC(ZSTD(1)),
    cuts UInt16 CODEC(ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1)),
    -- Every value that sits anywhere in the span, for needle searches by value and for `correlate`.
    all_values Array(String) ALIAS arrayConcat(mapValues(attributes), arrayFlatten(arrayMap(m -> mapValues(m), event_attributes)), arrayFlatten(arrayMap(m -> mapValues(m), link_attributes))),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX status_message_text status_message TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(status_message), posting_list_codec = 'bitpacking'),
    INDEX all_values_bloom arrayConcat(mapValues(attributes), arrayFlatten(arrayMap(m -> mapValues(m), event_attributes)), arrayFlatten(arrayMap(m -> mapValues(m), link_attributes))) TYPE bloom_filter(0.005) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 9, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 9, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (toStartOfFiveMinutes(ts), service, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 2048, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Where in time a trace lies, so that reading one touches a few granules whatever the volume. Whole seconds on either side of its spans'
-- starts: all that a search needs, in a quarter of the bytes.
CREATE TABLE IF NOT EXISTS trace_index
(
    trace_id FixedString(16) CODEC(ZSTD(1)),
    first_ts SimpleAggregateFunction(min, DateTime64(9, 'UTC')) CODEC(GCD, T64, ZSTD(1)),
    last_ts SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(GCD, T64, ZSTD(1)),
    spans SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    received SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(first_ts < toDateTime64('2020-01-01 00:00:00', 9, 'UTC'), toStartOfYear(first_ts), first_ts < toDateTime64('2026-01-01 00:00:00', 9, 'UTC'), toStartOfMonth(first_ts), toMonday(first_ts))
ORDER BY trace_id
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 512, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS trace_index_from_spans TO trace_index AS
SELECT trace_id, toStartOfSecond(min(ts)) AS first_ts, toStartOfSecond(max(ts)) + INTERVAL 1 SECOND AS last_ts, count() AS spans, max(spans.received) AS received FROM spans GROUP BY trace_id;

-- Requests per service, operation and kind, split by outcome and by latency bin. A bin is the bucket index of an OpenTelemetry exponential
-- histogram of scale 3 over nanoseconds: (2^(bin/8), 2^((bin+1)/8)]. Bins add up across rows, servers and time, so percentiles of any range
-- come from sums. The bin's shortest and longest request make a percentile exact where they are equal. `exemplar` is the trace of one of them.
CREATE TABLE IF NOT EXISTS requests_10s
(
    bucket DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    operation LowCardinality(String) CODEC(ZSTD(1)),
    kind Int8 CODEC(ZSTD(1)),
    failed UInt8 CODEC(ZSTD(1)),
    bin Int16 CODEC(ZSTD(1)),
    requests SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    shortest_ns SimpleAggregateFunction(min, UInt64) CODEC(ZSTD(1)),
    longest_ns SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    exemplar SimpleAggregateFunction(any, FixedString(16)) CODEC(ZSTD(1)),
    received SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(bucket < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(bucket), bucket < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(bucket), toMonday(bucket))
ORDER BY (bucket, service, operation, kind, failed, bin)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS requests_10s_from_spans TO requests_10s AS
SELECT toDateTime(toStartOfInterval(ts, INTERVAL 10 SECOND), 'UTC') AS bucket, service, name AS operation, kind, toUInt8(status = 2) AS failed,
    toInt16(if(duration_ns = 0, -1, ceil(log2(duration_ns) * 8) - 1)) AS bin, count() AS requests,
    min(duration_ns) AS shortest_ns, max(duration_ns) AS longest_ns, any(trace_id) AS exemplar,
    toDateTime(max(spans.received), 'UTC') AS received
FROM spans GROUP BY bucket, service, operation, kind, failed, bin;

-- The same in buckets of five minutes, for ranges of hours and more: made from what goes into the table above, not from
-- the spans.
CREATE TABLE IF NOT EXISTS requests_5m AS requests_10s
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(bucket < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(bucket), bucket < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(bucket), toMonday(bucket))
ORDER BY (bucket, service, operation, kind, failed, bin)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS requests_5m_from_10s TO requests_5m AS
SELECT toStartOfFiveMinutes(requests_10s.bucket) AS bucket, service, operation, kind, failed, bin, sum(requests_10s.requests) AS requests,
    min(requests_10s.shortest_ns) AS shortest_ns, max(requests_10s.longest_ns) AS longest_ns, any(requests_10s.exemplar) AS exemplar, max(requests_10s.received) AS received
FROM requests_10s GROUP BY bucket, service, operation, kind, failed, bin;
