"""
Statements that add up what was used: requests and bytes of server and consumer spans, tokens of calls to models.

An agent's span repeats the tokens of the calls that it made, so only calls themselves count. A call to a model seldom says for which tenant
and route it was made; then the outermost request of its trace says so. A call that names more tokens than can be
is in no sum; such calls are counted.

Source: OpenTelemetry semantic conventions for generative AI, present and former names; OpenInference.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.store.attribute_lookup import KEYS, chosen_of, first_of, is_one_of
from tocsin.store.read_range import Within, in_range
from tocsin.store.sql import ParameterNames, Sql

ROWS_MAX = 10_000
NAME_CHARACTERS_MAX = 200
TOKENS_MAX = 10**9  # in or out, of one call; more is nonsense that would drown every sum, so such a call is left out and counted apart
BYTES_MAX = 10**15
INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt")
OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
MODELS = (("gen_ai.response.model",), ("gen_ai.request.model", "llm.model_name", "llm.request.model"))
RECEIVED_BYTES = ("http.request.body.size", "http.request_content_length")
SENT_BYTES = ("http.response.body.size", "http.response_content_length")
NO_CALLS = ("invoke_agent", "create_agent", "invoke_workflow", "execute_tool")  # they hold the tokens of what they call
ENTRIES = "kind IN (2, 5)"
SUMS = "countIf(NOT absurd) AS called, sumIf(input, NOT absurd), sumIf(output, NOT absurd), countIf(absurd)"


def requests_by(by: str, within: Within, tenant_keys: Sequence[str], names: ParameterNames) -> Sql:
    """Name, requests, bytes received, bytes sent; by `tenant` or `route`, the most requests first."""
    received, sent = (_number(keys, BYTES_MAX, names) for keys in (RECEIVED_BYTES, SENT_BYTES))
    return (
        Sql("SELECT ")
        + _name(by, tenant_keys, names)
        + Sql(" AS named, count() AS requests, sum(")
        + received
        + Sql("), sum(")
        + sent
        + Sql(f") FROM spans WHERE {ENTRIES}")
        + _ranged(within, names)
        + Sql(f" GROUP BY named ORDER BY requests DESC, named LIMIT {ROWS_MAX}")
    )


def calls_by_model(within: Within, names: ParameterNames) -> Sql:
    """Model, the model again, calls, input tokens, output tokens, implausible calls."""
    return (
        Sql(f"SELECT model, model, {SUMS} FROM (")
        + _calls(within, names)
        + Sql(f") GROUP BY model ORDER BY called DESC, model LIMIT {ROWS_MAX}")
    )


def calls_by_tenant(within: Within, tenant_keys: Sequence[str], names: ParameterNames) -> Sql:
    """Tenant that the call itself names, model, calls, input tokens, output tokens, implausible calls."""
    own = _name("tenant", tenant_keys, names) + Sql(" AS own")
    return (
        Sql(f"SELECT own, model, {SUMS} FROM (")
        + _calls(within, names, own)
        + Sql(f") GROUP BY own, model ORDER BY called DESC, own, model LIMIT {ROWS_MAX}")
    )


def calls_by_entry(by: str, within: Within, tenant_keys: Sequence[str], names: ParameterNames) -> Sql:
    """The same by what the outermost request of their trace says: its `tenant`, for calls that name none, or its `route`, for all."""
    own = _name(by, tenant_keys, names) if by == "tenant" else Sql("''")
    entered = (
        Sql("SELECT trace_id, argMin(entry, ts) AS entered FROM (SELECT trace_id, ts, ")
        + _name(by, tenant_keys, names)
        + Sql(f" AS entry FROM spans WHERE {ENTRIES} AND trace_id IN (SELECT trace_id FROM spans WHERE ")
        + _is_call(names)
        + _ranged(within, names)
        + Sql(")")
        + _ranged(within, names)
        + Sql(") WHERE entry != '' GROUP BY trace_id")
    )
    return (
        Sql(f"SELECT entered, model, {SUMS} FROM (")
        + _calls(within, names, own + Sql(" AS own"))
        + Sql(") AS calls LEFT JOIN (")
        + entered
        + Sql(") AS entries ON calls.trace_id = entries.trace_id WHERE own = '' GROUP BY entered, model ")
        + Sql(f"ORDER BY called DESC, entered, model LIMIT {ROWS_MAX}")
    )


def _calls(within: Within, names: ParameterNames, *further: Sql) -> Sql:
    columns = [
        Sql("trace_id, substringUTF8(") + chosen_of(MODELS, names) + Sql(f", 1, {NAME_CHARACTERS_MAX}) AS model"),
        _number(INPUT_TOKENS, TOKENS_MAX, names) + Sql(" AS input"),
        _number(OUTPUT_TOKENS, TOKENS_MAX, names) + Sql(" AS output"),
        _exceeds(INPUT_TOKENS, names) + Sql(" OR ") + _exceeds(OUTPUT_TOKENS, names) + Sql(" AS absurd"),
        *further,
    ]
    return Sql("SELECT ") + Sql.join(", ", columns) + Sql(" FROM spans WHERE ") + _is_call(names) + _ranged(within, names)


def _is_call(names: ParameterNames) -> Sql:
    tokens = names.bind("Array(String)", [*INPUT_TOKENS, *OUTPUT_TOKENS])
    return Sql(f"hasAny({KEYS}, ") + tokens + Sql(") AND NOT ") + is_one_of([(("gen_ai.operation.name",), NO_CALLS)], names)


def _name(by: str, tenant_keys: Sequence[str], names: ParameterNames) -> Sql:
    if by == "tenant":
        return Sql("substringUTF8(") + chosen_of([[key] for key in tenant_keys], names) + Sql(f", 1, {NAME_CHARACTERS_MAX})")
    route = Sql("firstNonDefault(") + first_of(["http.route"], names) + Sql(", toString(name))")
    return Sql("substringUTF8(concat(toString(service), ' ', ") + route + Sql(f"), 1, {NAME_CHARACTERS_MAX})")


def _exceeds(keys: Sequence[str], names: ParameterNames) -> Sql:
    return Sql("toFloat64OrZero(") + first_of(keys, names) + Sql(f") > {TOKENS_MAX:.1f}")


def _number(keys: Sequence[str], most: int, names: ParameterNames) -> Sql:
    """The number of the attribute that is there, 0 where there is none, or it is none or more than can be."""
    read = Sql("toFloat64OrZero(") + first_of(keys, names) + Sql(")")
    return Sql("toUInt64(if(") + read + Sql(f" BETWEEN 0. AND {most:.1f}, ") + read + Sql(", 0.))")


def _ranged(within: Within, names: ParameterNames) -> Sql:
    return Sql.join("", [Sql(" AND ") + condition for condition in in_range(within, names)])
