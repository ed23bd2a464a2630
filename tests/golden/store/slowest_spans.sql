-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = 1000
-- p5 = '0af7651916cd43dd8448eb211c80319c'
-- p6 = 21
SELECT lower(hex(trace_id)), duration_ns FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND 1 AND (duration_ns < {p4:UInt64} OR duration_ns = {p4:UInt64} AND trace_id < toFixedString(unhex({p5:String}), 16)) ORDER BY duration_ns DESC, trace_id DESC LIMIT {p6:UInt32}
