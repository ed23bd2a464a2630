-- p1 = 1763600000
-- p2 = 1763600010
-- p0 = 'orders'
SELECT service, of_operation, kind, failed, bin, sum(found), min(shortest), max(longest), lower(hex(any(shown))) FROM (SELECT service, operation AS of_operation, kind, failed, bin, sum(requests) AS found, min(shortest_ns) AS shortest, max(longest_ns) AS longest, any(exemplar) AS shown FROM requests_10s WHERE bucket >= toDateTime({p1:Int64}, 'UTC') AND bucket < toDateTime({p2:Int64}, 'UTC') AND service = {p0:String} GROUP BY service, of_operation, kind, failed, bin) GROUP BY service, of_operation, kind, failed, bin
