-- p0 = '(?i)(?:^|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])timeout(?:$|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])'
-- p1 = '(?i)(?:^|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])full[^0-9A-Za-z\\x{80}-\\x{10FFFF}]+table[^0-9A-Za-z\\x{80}-\\x{10FFFF}]+scan(?:$|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])'
-- p2 = '(?i)(?:^|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])req[^0-9A-Za-z\\x{80}-\\x{10FFFF}]+7(?:$|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])'
-- p3 = '!!'
SELECT groupUniqArrayIf(toString(operation), match(operation, {p0:String})), groupUniqArrayIf(toString(operation), match(operation, {p1:String})), groupUniqArrayIf(toString(operation), match(operation, {p2:String})), groupUniqArrayIf(toString(operation), position(operation, {p3:String}) > 0) FROM requests_5m
