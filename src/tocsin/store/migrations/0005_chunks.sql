-- Samples that have settled. `tocsin.store.fold` takes whole partitions of `samples` away into `samples_folding`, which are the same rows
-- while they are being folded, and from there into `chunks`.
CREATE TABLE IF NOT EXISTS samples_folding AS samples;

-- A chunk is the samples of one series in a part of one window of two hours of event time, compressed by `tocsin.store.chunks`.
-- `start` and `stop` are the times of its first and last sample. Of samples with the same time in several chunks those count that were
-- received last.
-- The order: the window first, so that a question about the last hour of many series does not read their whole week, then series, so that
-- one about a few series reads little of each window. A granule of 256 rows is 100 kB. The window is a column of its own because the engine
-- does not look for `toStartOfInterval` in the index. LZ4: chunks are nearly incompressible, and ZSTD(1), which makes them 5 % smaller,
-- more than doubles the time to read them.
CREATE TABLE IF NOT EXISTS chunks
(
    series_id UInt64 CODEC(ZSTD(1)),
    start DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    stop DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    count UInt32 CODEC(ZSTD(1)),
    data String CODEC(LZ4),
    received DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    two_hours UInt32 MATERIALIZED toUInt32(intDiv(toUnixTimestamp64Milli(start), 7200000)) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY multiIf(start < toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), toStartOfYear(start), start < toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), toStartOfMonth(start), toMonday(start))
ORDER BY (two_hours, series_id, start)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 16777216, merge_selector_base = 10, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
