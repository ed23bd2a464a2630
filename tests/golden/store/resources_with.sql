-- p0 = 'req-7'
SELECT DISTINCT signal, toString(resource) FROM resources WHERE signal IN ('logs', 'traces') AND arrayExists(v -> v.2 = toJSONString({p0:String}) OR v.2 = {p0:String}, JSONExtractKeysAndValuesRaw(resource))
