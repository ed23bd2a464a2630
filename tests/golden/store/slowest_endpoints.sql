-- p1 = 1763600000
-- p2 = 1763600100
-- p3 = 1763600700
-- p4 = 1763600910
-- p0 = 'orders'
-- p6 = 1763600999
-- p7 = 86400
-- p5 = [1763600100, 1763600400]
-- p8 = 10
SELECT service, operation, kind, sum(found), sum(broken), quantilesExactWeighted(0.5, 0.9, 0.95, 0.99)(if(shortest = longest, toFloat64(shortest), sqrt(toFloat64(shortest) * toFloat64(longest))), found) AS percentiles, lower(hex(argMax(shown, (broken > 0, bin)))) FROM (SELECT *, max(entry) OVER (PARTITION BY service) AS entered FROM (SELECT service, operation, kind, entry, back, bin, sum(part) AS found, sum(bad) AS broken, min(low) AS shortest, max(high) AS longest, argMax(trace, bad) AS shown FROM (SELECT service, operation, kind, toUInt16(0) AS back, kind IN (2, 5) AS entry, failed, bin, sum(requests) AS part, sum(requests * failed) AS bad, min(shortest_ns) AS low, max(longest_ns) AS high, any(exemplar) AS trace FROM requests_10s WHERE (bucket >= toDateTime({p1:Int64}, 'UTC') AND bucket < toDateTime({p2:Int64}, 'UTC') OR bucket >= toDateTime({p3:Int64}, 'UTC') AND bucket < toDateTime({p4:Int64}, 'UTC')) AND service = {p0:String} GROUP BY service, operation, kind, entry, back, failed, bin UNION ALL SELECT service, operation, kind, toUInt16(intDiv({p6:Int64} - toUnixTimestamp(bucket), {p7:UInt32})) AS back, kind IN (2, 5) AS entry, failed, bin, sum(requests) AS part, sum(requests * failed) AS bad, min(shortest_ns) AS low, max(longest_ns) AS high, any(exemplar) AS trace FROM requests_5m WHERE bucket IN {p5:Array(DateTime('UTC'))} AND service = {p0:String} GROUP BY service, operation, kind, entry, back, failed, bin) GROUP BY service, operation, kind, entry, back, bin)) WHERE entry = entered GROUP BY service, operation, kind ORDER BY percentiles[3] DESC, service, operation, kind LIMIT {p8:UInt32}
