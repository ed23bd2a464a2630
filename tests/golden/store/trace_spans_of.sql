-- p0 = 1763600000000000000
-- p1 = 1763599800
-- p2 = 1763603605000000000
-- p3 = 1763603400
-- p4 = '0af7651916cd43dd8448eb211c80319c'
-- p5 = 10
SELECT lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), service, name, kind, toUnixTimestamp64Nano(ts), duration_ns, status, status_message, trace_state, mapKeys(attributes), mapValues(attributes), attribute_types, resource, scope_name, scope_version, arrayMap(t -> toUnixTimestamp64Nano(t), event_ts), event_names, arrayMap(m -> mapKeys(m), event_attributes), arrayMap(m -> mapValues(m), event_attributes), event_attribute_types, arrayMap(i -> lower(hex(i)), link_trace_ids), arrayMap(i -> lower(hex(i)), link_span_ids), link_trace_states, arrayMap(m -> mapKeys(m), link_attributes), arrayMap(m -> mapValues(m), link_attributes), link_attribute_types FROM spans WHERE ts >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p3:Int64}, 'UTC') AND trace_id = toFixedString(unhex({p4:String}), 16) ORDER BY ts LIMIT {p5:UInt32}
