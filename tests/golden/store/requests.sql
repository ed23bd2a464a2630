-- p0 = 1763600100
-- p1 = 1763603400
-- p2 = 1763600000
-- p3 = 1763600100
-- p4 = 1763603400
-- p5 = 1763603610
SELECT service, of_operation, kind, failed, bin, sum(found), min(shortest), max(longest), lower(hex(any(shown))) FROM (SELECT service, '' AS of_operation, kind, failed, bin, sum(requests) AS found, min(shortest_ns) AS shortest, max(longest_ns) AS longest, any(exemplar) AS shown FROM requests_5m WHERE bucket >= toDateTime({p0:Int64}, 'UTC') AND bucket < toDateTime({p1:Int64}, 'UTC') GROUP BY service, of_operation, kind, failed, bin UNION ALL SELECT service, '' AS of_operation, kind, failed, bin, sum(requests) AS found, min(shortest_ns) AS shortest, max(longest_ns) AS longest, any(exemplar) AS shown FROM requests_10s WHERE bucket >= toDateTime({p2:Int64}, 'UTC') AND bucket < toDateTime({p3:Int64}, 'UTC') GROUP BY service, of_operation, kind, failed, bin UNION ALL SELECT service, '' AS of_operation, kind, failed, bin, sum(requests) AS found, min(shortest_ns) AS shortest, max(longest_ns) AS longest, any(exemplar) AS shown FROM requests_10s WHERE bucket >= toDateTime({p4:Int64}, 'UTC') AND bucket < toDateTime({p5:Int64}, 'UTC') GROUP BY service, of_operation, kind, failed, bin) GROUP BY service, of_operation, kind, failed, bin
