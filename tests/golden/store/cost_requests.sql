-- p2 = 'tenant.id'
-- p3 = 'tenant'
-- p0 = ['http.request.body.size', 'http.request_content_length']
-- p1 = ['http.response.body.size', 'http.response_content_length']
-- p4 = 1763600000000000000
-- p5 = 1763599800
-- p6 = 1763603605000000000
-- p7 = 1763603400
SELECT substringUTF8(firstNonDefault(arrayFirst((v, k) -> k = {p2:String}, mapValues(attributes), mapKeys(attributes)), arrayFirst((v, k) -> k = {p3:String}, mapValues(attributes), mapKeys(attributes))), 1, 200) AS named, count() AS requests, sum(toUInt64(if(toFloat64OrZero(arrayFirst((v, k) -> k IN {p0:Array(String)}, mapValues(attributes), mapKeys(attributes))) BETWEEN 0. AND 1000000000000000.0, toFloat64OrZero(arrayFirst((v, k) -> k IN {p0:Array(String)}, mapValues(attributes), mapKeys(attributes))), 0.))), sum(toUInt64(if(toFloat64OrZero(arrayFirst((v, k) -> k IN {p1:Array(String)}, mapValues(attributes), mapKeys(attributes))) BETWEEN 0. AND 1000000000000000.0, toFloat64OrZero(arrayFirst((v, k) -> k IN {p1:Array(String)}, mapValues(attributes), mapKeys(attributes))), 0.))) FROM spans WHERE kind IN (2, 5) AND ts >= fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p5:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p6:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p7:Int64}, 'UTC') GROUP BY named ORDER BY requests DESC, named LIMIT 10000
