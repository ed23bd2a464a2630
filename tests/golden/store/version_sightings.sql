-- p3 = 3600
-- p0 = 1763599800
-- p1 = 1763603605
-- p2 = ['shop']
SELECT named, environment, version, arrayMap(stretch -> (stretch[1], stretch[-1]), arraySplit((at, since) -> since > {p3:UInt32}, seen, arrayDifference(seen))) FROM (SELECT JSONExtractString(resource, 'service.name') AS named, if(JSONHas(resource, 'deployment.environment.name'), JSONExtractString(resource, 'deployment.environment.name'), JSONExtractString(resource, 'deployment.environment')) AS environment, JSONExtractString(resource, 'service.version') AS version, arraySort(arrayDistinct(arrayFlatten(groupArray(at)))) AS seen FROM (SELECT resource, groupUniqArray(toUnixTimestamp(bucket)) AS at FROM resources WHERE bucket >= toDateTime({p0:Int64}, 'UTC') AND bucket < toDateTime({p1:Int64}, 'UTC') AND service IN {p2:Array(String)} GROUP BY resource) GROUP BY named, environment, version) ORDER BY named, version
