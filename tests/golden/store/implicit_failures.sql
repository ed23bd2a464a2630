-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763600910000000000
-- p3 = 1763600700
-- p4 = 'orders'
SELECT service, toString(name) AS operation, kind, toInt16(if(duration_ns = 0, -1, ceil(log2(duration_ns) * 8) - 1)) AS bin, count(), min(duration_ns), max(duration_ns) FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND service = {p4:String} AND status != 2 AND 1 GROUP BY service, operation, kind, bin
