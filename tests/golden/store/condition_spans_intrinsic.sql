-- p0 = 2
-- p1 = 1000000
-- p2 = 2.5
-- p3 = 'e'
SELECT count() FROM spans WHERE (kind = {p0:Int64} AND (duration_ns >= {p1:Int64} AND duration_ns <= {p2:Float64}) AND arrayExists(n -> n = {p3:String}, event_names))
