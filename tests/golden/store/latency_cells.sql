-- p3 = 1763600100
-- p2 = 300
-- p4 = 1763600100
-- p5 = 1763603700
-- p0 = 's'
-- p1 = 'o'
SELECT back, bin, sum(found), sum(broken) FROM (SELECT *, max(entry) OVER (PARTITION BY service) AS entered FROM (SELECT service, entry, back, bin, sum(part) AS found, sum(bad) AS broken, min(low) AS shortest, max(high) AS longest, argMax(trace, bad) AS shown FROM (SELECT service, {p3:Int64} + intDiv(toUnixTimestamp(bucket) - {p3:Int64}, {p2:UInt32}) * {p2:UInt32} AS back, kind IN (2, 5) AS entry, failed, bin, sum(requests) AS part, sum(requests * failed) AS bad, min(shortest_ns) AS low, max(longest_ns) AS high, any(exemplar) AS trace FROM requests_5m WHERE bucket >= toDateTime({p4:Int64}, 'UTC') AND bucket < toDateTime({p5:Int64}, 'UTC') AND service = {p0:String} AND operation = {p1:String} GROUP BY service, back, entry, failed, bin) GROUP BY service, entry, back, bin)) WHERE entry = entered GROUP BY back, bin ORDER BY back, bin
