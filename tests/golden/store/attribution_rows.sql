-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = 7
SELECT count() FROM logs WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND intDiv(toUnixTimestamp(ts), 60) % {p4:UInt32} = intDiv({p4:UInt32}, 2)
