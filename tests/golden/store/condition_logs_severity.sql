-- p0 = 13
-- p1 = 'notice'
-- p2 = ['a', 'b']
-- p3 = '(?i)(?:^|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])a[^0-9A-Za-z\\x{80}-\\x{10FFFF}]+b(?:$|[^0-9A-Za-z\\x{80}-\\x{10FFFF}])'
SELECT count() FROM logs WHERE (if(severity_number != 0, severity_number, transform(lower(toString(severity_text)), ['trace', 'debug', 'info', 'information', 'notice', 'warn', 'warning', 'error', 'err', 'fatal', 'critical', 'emergency', 'panic'], [1, 5, 9, 9, 9, 13, 13, 17, 17, 21, 21, 21, 21], 0)) >= {p0:Int64} OR lower(severity_text) = {p1:String} OR (hasAllTokens(body, {p2:Array(String)}) AND match(body, {p3:String})))
