-- Which resources (a service's instances, versions, hosts) were seen in which five minutes, by signal.
CREATE TABLE IF NOT EXISTS resources
(
    bucket DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    signal LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    records SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    received SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(bucket < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(bucket), bucket < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(bucket), toMonday(bucket))
ORDER BY (bucket, signal, service, resource)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS resources_from_spans TO resources AS
SELECT toDateTime(toStartOfFiveMinutes(ts), 'UTC') AS bucket, 'traces' AS signal, service, resource, count() AS records,
    toDateTime(max(spans.received), 'UTC') AS received
FROM spans GROUP BY bucket, service, resource;

CREATE MATERIALIZED VIEW IF NOT EXISTS resources_from_logs TO resources AS
SELECT toDateTime(toStartOfFiveMinutes(ts), 'UTC') AS bucket, 'logs' AS signal, service, resource, count() AS records,
    toDateTime(max(logs.received), 'UTC') AS received
FROM logs GROUP BY bucket, service, resource;

-- What came in when, by the receiver's clock, and what was done to it: the counters of redaction, cutting and clock skew. They live here
-- rather than in memory so that a restart forgets nothing and a replayed segment counts once. `early` and `late` count records whose event
-- time lies more than five minutes after or before their receipt.
CREATE TABLE IF NOT EXISTS intake
(
    bucket DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    signal LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    records SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    redactions SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    cuts SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    early SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    late SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY multiIf(bucket < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(bucket), bucket < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(bucket), toMonday(bucket))
ORDER BY (bucket, signal, service)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS intake_from_spans TO intake AS
SELECT toDateTime(toStartOfMinute(spans.received), 'UTC') AS bucket, 'traces' AS signal, service, count() AS records,
    sum(spans.redactions) AS redactions, sum(spans.cuts) AS cuts,
    countIf(ts > spans.received + INTERVAL 5 MINUTE) AS early, countIf(ts < spans.received - INTERVAL 5 MINUTE) AS late
FROM spans GROUP BY bucket, service;

CREATE MATERIALIZED VIEW IF NOT EXISTS intake_from_logs TO intake AS
SELECT toDateTime(toStartOfMinute(logs.received), 'UTC') AS bucket, 'logs' AS signal, service, count() AS records,
    sum(logs.redactions) AS redactions, sum(logs.cuts) AS cuts,
    countIf(ts > logs.received + INTERVAL 5 MINUTE) AS early, countIf(ts < logs.received - INTERVAL 5 MINUTE) AS late
FROM logs GROUP BY bucket, service;

CREATE MATERIALIZED VIEW IF NOT EXISTS resources_from_points TO resources AS
SELECT toDateTime(toStartOfFiveMinutes(ts), 'UTC') AS bucket, 'metrics' AS signal, service, resource, count() AS records,
    toDateTime(max(points.received), 'UTC') AS received
FROM points GROUP BY bucket, service, resource;

CREATE MATERIALIZED VIEW IF NOT EXISTS intake_from_points TO intake AS
SELECT toDateTime(toStartOfMinute(points.received), 'UTC') AS bucket, 'metrics' AS signal, service, count() AS records,
    sum(points.redactions) AS redactions, sum(points.cuts) AS cuts,
    countIf(ts > points.received + INTERVAL 5 MINUTE) AS early, countIf(ts < points.received - INTERVAL 5 MINUTE) AS late
FROM points GROUP BY bucket, service;

-- The Prometheus doors' blocks name no service per sample: one count for all of them.
CREATE MATERIALIZED VIEW IF NOT EXISTS intake_from_sample_blocks TO intake AS
SELECT toDateTime(toStartOfMinute(sample_blocks.received), 'UTC') AS bucket, 'samples' AS signal, '' AS service,
    sum(length(timestamps) + length(sample_blocks.points)) AS records, sum(sample_blocks.redactions) AS redactions, 0 AS cuts,
    sum(arrayCount(t -> t > sample_blocks.received + INTERVAL 5 MINUTE, timestamps)) AS early,
    sum(arrayCount(t -> t < sample_blocks.received - INTERVAL 5 MINUTE, timestamps)) AS late
FROM sample_blocks GROUP BY bucket;
