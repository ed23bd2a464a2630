-- p0 = 1763599800
-- p1 = 1763603610
SELECT DISTINCT service, JSONExtractString(resource, 'host.name') AS host FROM resources WHERE bucket >= toDateTime({p0:Int64}, 'UTC') AND bucket < toDateTime({p1:Int64}, 'UTC') AND host != ''
