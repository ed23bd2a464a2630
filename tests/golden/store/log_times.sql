-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = 101
-- p5 = 3
SELECT toUnixTimestamp64Nano(ts) FROM logs WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND 1 ORDER BY toStartOfFiveMinutes(ts) DESC, ts DESC LIMIT {p4:UInt32} OFFSET {p5:UInt64}
