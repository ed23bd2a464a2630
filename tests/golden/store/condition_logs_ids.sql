-- p0 = '0af7651916cd43dd8448eb211c80319c'
-- p1 = 'ab%'
-- p2 = 's'
SELECT count() FROM logs WHERE (trace_id = toFixedString(unhex({p0:String}), 16) OR lower(hex(span_id)) LIKE {p1:String} OR service = {p2:String})
