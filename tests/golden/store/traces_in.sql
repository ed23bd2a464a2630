-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = 10
SELECT uniqExact(trace_id), groupUniqArray(service) FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND trace_id IN (SELECT trace_id FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') ORDER BY toStartOfFiveMinutes(ts) DESC, ts DESC LIMIT 1 BY trace_id LIMIT {p4:UInt32})
