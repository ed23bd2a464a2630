-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = 1763600000000000000
-- p5 = 1763599800
-- p6 = 1763603605000000000
-- p7 = 1763603400
-- p8 = '0af7651916cd43dd8448eb211c80319c'
SELECT lower(hex(trace_id)), maxIf(toInt64(duration_ns), 1 AND ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC')), argMin(service, (parent_span_id != toFixedString('', 8), ts, span_id)), argMin(name, (parent_span_id != toFixedString('', 8), ts, span_id)), toUnixTimestamp64Nano(min(ts)), max(toUnixTimestamp64Nano(ts) + toInt64(duration_ns)), count(), countIf(status = 2), arraySort(groupUniqArray(service)) FROM spans WHERE ts >= fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p5:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p6:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p7:Int64}, 'UTC') AND trace_id = toFixedString(unhex({p8:String}), 16) GROUP BY trace_id
