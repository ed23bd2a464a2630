-- p0 = '0af7651916cd43dd8448eb211c80319c'
SELECT toUnixTimestamp64Nano(min(first_ts)), toUnixTimestamp64Nano(max(last_ts)), sum(spans) FROM trace_index WHERE trace_id = toFixedString(unhex({p0:String}), 16)
