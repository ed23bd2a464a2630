-- Kinds of log records: the template that stays when what varies is taken out, and when each was first seen. Few rows, written when a
-- template is new or becomes more general; the highest version holds.
CREATE TABLE IF NOT EXISTS log_patterns
(
    service LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    template String CODEC(ZSTD(1)),
    -- Of the most severe record that was seen.
    severity UInt8 CODEC(ZSTD(1)),
    first_ts DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    example String CODEC(ZSTD(1)),
    -- Another pattern that this one became a part of; empty while it stands for itself.
    merged_into String CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (service, id)
SETTINGS min_bytes_for_wide_part = 268435456, fsync_after_insert = 1, fsync_part_directory = 1;
