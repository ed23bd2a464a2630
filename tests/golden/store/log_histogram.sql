-- p0 = 1763600000000000000
-- p1 = 1000000000
-- p2 = 1763600000000000000
-- p3 = 1763599800
-- p4 = 1763603605000000000
-- p5 = 1763603400
SELECT intDiv(toUnixTimestamp64Nano(ts) - {p0:Int64}, {p1:Int64}) AS bucket, count(), countIf(if(severity_number != 0, severity_number, transform(lower(toString(severity_text)), ['trace', 'debug', 'info', 'information', 'notice', 'warn', 'warning', 'error', 'err', 'fatal', 'critical', 'emergency', 'panic'], [1, 5, 9, 9, 9, 13, 13, 17, 17, 21, 21, 21, 21], 0)) >= 17) FROM logs WHERE ts >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p3:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p5:Int64}, 'UTC') AND 1 GROUP BY bucket ORDER BY bucket
