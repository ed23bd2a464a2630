-- p2 = ['v']
-- p0 = 'k'
-- p1 = 'v'
-- p3 = 'n'
-- p4 = 1.0
-- p5 = 'k'
SELECT count() FROM spans WHERE ((hasAny(all_values, {p2:Array(String)}) AND arrayExists(m -> m[{p0:String}] = {p1:String}, event_attributes)) AND arrayExists(m -> ifNull(toFloat64OrNull(m[{p3:String}]) > {p4:Float64}, 0), link_attributes) AND mapContains(attributes, {p5:String}))
