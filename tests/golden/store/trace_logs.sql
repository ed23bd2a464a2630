-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = '0af7651916cd43dd8448eb211c80319c'
-- p5 = 10
SELECT toUnixTimestamp64Nano(ts), toUnixTimestamp64Nano(observed), service, severity_number, severity_text, body, body_type, event_name, lower(hex(trace_id)), lower(hex(span_id)), mapKeys(attributes), mapValues(attributes), attribute_types, resource, scope_name, scope_version FROM logs WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND trace_id = toFixedString(unhex({p4:String}), 16) ORDER BY ts LIMIT {p5:UInt32}
