-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000001
-- p3 = 1763603400
-- p4 = [1763600000000000000, 1763603605000000000]
-- p5 = 1763603605000000000
-- p6 = 7
-- p7 = 9
SELECT toUnixTimestamp64Nano(ts), toUnixTimestamp64Nano(observed), service, severity_number, severity_text, body, body_type, event_name, lower(hex(trace_id)), lower(hex(span_id)), mapKeys(attributes), mapValues(attributes), attribute_types, resource, scope_name, scope_version, cityHash64(service, body, trace_id, span_id, severity_number, attribute_types, attributes, resource, event_name, received, segment) AS record_hash FROM logs WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND toUnixTimestamp64Nano(ts) IN {p4:Array(Int64)} AND (ts != fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR cityHash64(service, body, trace_id, span_id, severity_number, attribute_types, attributes, resource, event_name, received, segment) >= {p6:UInt64}) AND 1 ORDER BY ts ASC, record_hash ASC LIMIT {p7:UInt32}
