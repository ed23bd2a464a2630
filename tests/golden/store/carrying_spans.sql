-- p0 = 'req-7'
-- p2 = 1763600000000000000
-- p3 = 1763599800
-- p4 = 1763603605000000000
-- p5 = 1763603400
-- p1 = 10
SELECT lower(hex(trace_id)), lower(hex(span_id)), toUnixTimestamp64Nano(ts), multiIf(has(all_values, {p0:String}), multiIf(has(mapValues(attributes), {p0:String}), concat('attribute ', arrayFirst((k, v) -> v = {p0:String}, mapKeys(attributes), mapValues(attributes))), has(arrayFlatten(arrayMap(m -> mapValues(m), event_attributes)), {p0:String}), concat('event attribute ', arrayFirst((k, v) -> v = {p0:String}, arrayFlatten(arrayMap(m -> mapKeys(m), event_attributes)), arrayFlatten(arrayMap(m -> mapValues(m), event_attributes)))), concat('link attribute ', arrayFirst((k, v) -> v = {p0:String}, arrayFlatten(arrayMap(m -> mapKeys(m), link_attributes)), arrayFlatten(arrayMap(m -> mapValues(m), link_attributes))))), '') AS reason FROM spans WHERE ts >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p3:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p5:Int64}, 'UTC') AND (has(all_values, {p0:String})) ORDER BY ts LIMIT {p1:UInt32}
