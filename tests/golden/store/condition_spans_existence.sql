-- p0 = 'k'
-- p1 = 'k'
-- p2 = 'k'
-- p3 = 'k'
-- p4 = 'k'
SELECT count() FROM spans WHERE (((mapContains(attributes, {p0:String}) OR arrayExists(m -> mapContains(m, {p1:String}), event_attributes) OR arrayExists(m -> mapContains(m, {p2:String}), link_attributes)) OR JSONHas(resource, {p3:String})) AND NOT (mapContains(attributes, {p4:String})) AND trace_id != toFixedString('', 16))
