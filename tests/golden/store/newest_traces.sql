-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p6 = 1763603605000000001
-- p7 = 1763603400
-- p4 = 1763603605000000000
-- p5 = '0af7651916cd43dd8448eb211c80319c'
-- p8 = 21
SELECT lower(hex(trace_id)), toUnixTimestamp64Nano(ts) FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND 1 AND ts < fromUnixTimestamp64Nano({p6:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p7:Int64}, 'UTC') AND (ts < fromUnixTimestamp64Nano({p4:Int64}, 'UTC') OR trace_id < toFixedString(unhex({p5:String}), 16)) ORDER BY toStartOfFiveMinutes(ts) DESC, ts DESC, trace_id DESC LIMIT 1 BY trace_id LIMIT {p8:UInt32}
