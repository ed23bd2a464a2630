-- p0 = 1763599800
-- p1 = 1763603610
SELECT toUnixTimestamp(min(bucket)), toUnixTimestamp(max(bucket)), sum(requests) FROM requests_5m WHERE bucket >= toDateTime({p0:Int64}, 'UTC') AND bucket < toDateTime({p1:Int64}, 'UTC')
