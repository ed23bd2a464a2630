-- p0 = 'route'
-- p1 = 1763600000000000000
-- p2 = 1763599800
-- p3 = 1763603605000000000
-- p4 = 1763603400
-- p5 = 10
SELECT if(mapContains(attributes, {p0:String}), attributes[{p0:String}], ifNull(JSONExtract(resource, {p0:String}, 'Nullable(String)'), '')) AS value, count() AS records FROM logs WHERE ts >= fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p2:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p3:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p4:Int64}, 'UTC') AND 1 AND (mapContains(attributes, {p0:String}) OR JSONHas(resource, {p0:String})) GROUP BY value ORDER BY records DESC, value LIMIT {p5:UInt32}
