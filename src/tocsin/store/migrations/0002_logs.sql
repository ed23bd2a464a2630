-- Log records, one row each. The text indexes find a word in a body and an exact attribute value in milliseconds.
CREATE TABLE IF NOT EXISTS logs
(
    ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    -- How long after the event it was observed, nanoseconds: mostly nought, which the instant itself never is.
    observed_after_ns Int64 CODEC(T64, ZSTD(1)),
    observed DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(toUnixTimestamp64Nano(ts) + observed_after_ns, 'UTC'),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    severity_number Int8 CODEC(ZSTD(1)),
    severity_text LowCardinality(String) CODEC(ZSTD(1)),
    event_name LowCardinality(String) CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    body_type LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array(Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    redactions UInt16 CODEC(ZSTD(1)),
    cuts UInt16 CODEC(ZSTD(1)),
    segment UInt64 CODEC(ZSTD(1)),
    all_values Array(String) ALIAS mapValues(attributes),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX body_text body TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(body), posting_list_codec = 'bitpacking'),
    INDEX all_values_text mapValues(attributes) TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking')
)
ENGINE = MergeTree
PARTITION BY multiIf(ts < toDateTime64('2020-01-01 00:00:00', 9, 'UTC'), toStartOfYear(ts), ts < toDateTime64('2026-01-01 00:00:00', 9, 'UTC'), toStartOfMonth(ts), toMonday(ts))
ORDER BY (toStartOfFiveMinutes(ts), service, ts)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 2048, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
