-- p0 = 'gen_ai.response.model'
-- p1 = ['gen_ai.request.model', 'llm.model_name', 'llm.request.model']
-- p2 = ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.usage.prompt_tokens', 'llm.token_count.prompt']
-- p3 = ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.usage.completion_tokens', 'llm.token_count.completion']
-- p4 = ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.usage.prompt_tokens', 'llm.token_count.prompt', 'gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.usage.completion_tokens', 'llm.token_count.completion']
-- p5 = 1763600000000000000
-- p6 = 1763599800
-- p7 = 1763603605000000000
-- p8 = 1763603400
SELECT model, model, count() AS calls, sum(input), sum(output) FROM (SELECT trace_id, substringUTF8(firstNonDefault(arrayFirst((v, k) -> k = {p0:String}, mapValues(attributes), mapKeys(attributes)), arrayFirst((v, k) -> k IN {p1:Array(String)}, mapValues(attributes), mapKeys(attributes))), 1, 200) AS model, toUInt64(least(greatest(ifNotFinite(toFloat64OrZero(arrayFirst((v, k) -> k IN {p2:Array(String)}, mapValues(attributes), mapKeys(attributes))), 0.), 0.), 1000000000000.0)) AS input, toUInt64(least(greatest(ifNotFinite(toFloat64OrZero(arrayFirst((v, k) -> k IN {p3:Array(String)}, mapValues(attributes), mapKeys(attributes))), 0.), 0.), 1000000000000.0)) AS output FROM spans WHERE hasAny(mapKeys(attributes), {p4:Array(String)}) AND attributes['gen_ai.operation.name'] NOT IN ('invoke_agent', 'create_agent', 'invoke_workflow', 'execute_tool') AND ts >= fromUnixTimestamp64Nano({p5:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) >= toDateTime({p6:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p7:Int64}, 'UTC') AND toStartOfFiveMinutes(ts) <= toDateTime({p8:Int64}, 'UTC')) GROUP BY model ORDER BY calls DESC, model LIMIT 10000
