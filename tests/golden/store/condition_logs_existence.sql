-- p0 = 'k'
-- p1 = 'k'
-- p2 = 'k'
SELECT count() FROM logs WHERE ((mapContains(attributes, {p0:String}) OR JSONHas(resource, {p1:String})) AND NOT (mapContains(attributes, {p2:String})) AND trace_id != toFixedString('', 16))
