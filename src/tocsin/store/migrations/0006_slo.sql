-- Counts per minute of objectives: how many events were good, how many there were, and the same of those that a query excludes. A minute is
-- counted anew, whole, whenever something arrives for it; the row with the highest version holds. `layer` tells apart what adds up: see
-- `tocsin.store.slo_minutes`. Small granules: a range that begins within an hour reads a part of that hour of every objective.
CREATE TABLE IF NOT EXISTS slo_minutes
(
    objective LowCardinality(String) CODEC(ZSTD(1)),
    minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    layer UInt16 CODEC(ZSTD(1)),
    good Float64 CODEC(ZSTD(1)),
    total Float64 CODEC(ZSTD(1)),
    excluded_good Float64 CODEC(ZSTD(1)),
    excluded_total Float64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY multiIf(minute < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(minute), minute < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(minute), toMonday(minute))
ORDER BY (objective, minute, layer)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 256, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The same added up by the hour, so that thirty days of many objectives are few rows. Written after the minutes, from them: never a source.
CREATE TABLE IF NOT EXISTS slo_hours
(
    objective LowCardinality(String) CODEC(ZSTD(1)),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    good Float64 CODEC(ZSTD(1)),
    total Float64 CODEC(ZSTD(1)),
    excluded_good Float64 CODEC(ZSTD(1)),
    excluded_total Float64 CODEC(ZSTD(1)),
    -- How many of its minutes had events that count.
    minutes Float64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY multiIf(hour < toDateTime('2020-01-01 00:00:00', 'UTC'), toStartOfYear(hour), hour < toDateTime('2026-01-01 00:00:00', 'UTC'), toStartOfMonth(hour), toMonday(hour))
ORDER BY (objective, hour)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 10, index_granularity = 256, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which minutes of event time a segment touched, by service: what must be counted anew once it is in. Not synced: after a loss of power the
-- keeper of counts finds the same, more coarsely, in `resources`. `loaded` is the engine's clock; the keeper drops what it has counted.
-- Samples name no service: one row per minute. What is inserted at once is of one segment.
CREATE TABLE IF NOT EXISTS touched
(
    segment UInt64 CODEC(LZ4),
    signal LowCardinality(String) CODEC(LZ4),
    service LowCardinality(String) CODEC(LZ4),
    minute DateTime('UTC') CODEC(LZ4),
    received DateTime('UTC') CODEC(LZ4),
    loaded DateTime('UTC') CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(loaded)
ORDER BY (segment, signal, service, minute)
SETTINGS min_bytes_for_wide_part = 268435456;

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_from_spans TO touched AS
SELECT any(spans.segment) AS segment, 'traces' AS signal, service, toDateTime(toStartOfMinute(ts), 'UTC') AS minute,
    max(spans.received) AS received, now('UTC') AS loaded
FROM spans GROUP BY service, minute;

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_from_logs TO touched AS
SELECT any(logs.segment) AS segment, 'logs' AS signal, service, toDateTime(toStartOfMinute(ts), 'UTC') AS minute,
    max(logs.received) AS received, now('UTC') AS loaded
FROM logs GROUP BY service, minute;

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_from_points TO touched AS
SELECT any(points.segment) AS segment, 'samples' AS signal, '' AS service, toDateTime(toStartOfMinute(ts), 'UTC') AS minute,
    toDateTime(any(points.received), 'UTC') AS received, now('UTC') AS loaded
FROM points GROUP BY minute;

-- A block mostly spans a minute or two: looking at its first and last sample is enough, and grouping a hundred thousand of them was not cheap.
CREATE MATERIALIZED VIEW IF NOT EXISTS touched_from_sample_blocks TO touched AS
SELECT any(block_segment) AS segment, 'samples' AS signal, '' AS service, toDateTime(at, 'UTC') AS minute,
    toDateTime(any(block_received), 'UTC') AS received, now('UTC') AS loaded
FROM
(
    SELECT segment AS block_segment, received AS block_received,
        intDiv(toUnixTimestamp64Milli(arrayMin(timestamps)), 60000) AS first, intDiv(toUnixTimestamp64Milli(arrayMax(timestamps)), 60000) AS last,
        arrayJoin(arrayConcat(
            if(empty(timestamps), [], if(last - first <= 60, range(first, last + 1), arrayDistinct(arrayMap(t -> intDiv(toUnixTimestamp64Milli(t), 60000), timestamps)))),
            arrayDistinct(arrayMap(p -> intDiv(p.timestamp_ms, 60000), points)))) * 60 AS at
    FROM sample_blocks
)
GROUP BY minute;

-- How far the keeper of counts got: everything that was loaded before `loaded` is counted; `received` is how far receipt was then.
CREATE TABLE IF NOT EXISTS slo_settled
(
    keeper UInt8 CODEC(ZSTD(1)),
    loaded DateTime('UTC') CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY keeper
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which raw telemetry retention dropped: the event time that the dropped rows covered. Written before (state 0) and after (1) the drop, or
-- 2 when nothing was dropped after all; see `tocsin.store.raw_drops`.
CREATE TABLE IF NOT EXISTS raw_dropped
(
    id UInt64 CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    partition String CODEC(ZSTD(1)),
    start DateTime('UTC') CODEC(ZSTD(1)),
    end DateTime('UTC') CODEC(ZSTD(1)),
    state UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(state)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
