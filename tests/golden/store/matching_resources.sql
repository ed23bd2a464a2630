-- p0 = 'request_id'
-- p1 = 'req-7'
-- p2 = 'latency_ms'
-- p3 = ['5000.0', '5000']
-- p4 = 'k'
-- p5 = 'v'
-- p6 = 'logs'
SELECT groupUniqArrayIf(toString(resource), ifNull(JSONExtract(resource, {p0:String}, 'Nullable(String)') = {p1:String}, 0)), groupUniqArrayIf(toString(resource), ifNull(JSONExtract(resource, {p2:String}, 'Nullable(String)') IN {p3:Array(String)}, 0)), groupUniqArrayIf(toString(resource), ifNull(JSONExtract(resource, {p4:String}, 'Nullable(String)') = {p5:String}, 0)) FROM resources WHERE signal = {p6:String}
