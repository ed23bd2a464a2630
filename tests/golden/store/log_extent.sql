-- p0 = 1763603605000000000
-- p1 = 1763603400
SELECT toUnixTimestamp64Nano(min(ts)), toUnixTimestamp64Nano(max(ts)), count() FROM logs WHERE ts < fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p1:Int64}, 'UTC') AND 1
