"""
Statements that find everything that carries an id, and everything of the traces found so.

An id may be a trace's, a span's, the value of any attribute, or stand as a whole word in a body. Each way has its index; the engine
combines them across the OR. Beside each record stands why it was found: `trace_id`, `attribute request_id`, `body`, or `same trace`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.store.read_range import Within, in_range, where
from tocsin.store.read_records import LOG_RECORD_COLUMNS, SPAN_COLUMNS
from tocsin.store.read_traces import has_trace_id
from tocsin.store.render_text import exact_pattern, words
from tocsin.store.sql import ParameterNames, Sql

SAME_TRACE = "same trace"
SPAN_IDENTITY = Sql("lower(hex(trace_id)), lower(hex(span_id)), toUnixTimestamp64Nano(ts)")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to carry an id: the condition, and an expression that names it."""

    condition: Sql
    reason: Sql


def resources_with(identifier: str, names: ParameterNames) -> Sql:
    """The resources that hold the id as a value, by signal: rows of signal and JSON text."""
    value = names.bind("String", identifier)
    held = (
        Sql("arrayExists(v -> v.2 = toJSONString(") + value + Sql(") OR v.2 = ") + value + Sql(", JSONExtractKeysAndValuesRaw(resource))")
    )
    return Sql("SELECT DISTINCT signal, toString(resource) FROM resources WHERE signal IN ('logs', 'traces') AND ") + held


def carrying_logs(identifier: str, within: Within, *, resources: list[str], limit: int, names: ParameterNames) -> Sql:
    """Log records that carry the id, oldest first: the columns of LOG_RECORD_COLUMNS and the reason."""
    ways = [*_id_ways(identifier, names), _log_values(identifier, names), *_body_ways(identifier, names)]
    return _select("logs", LOG_RECORD_COLUMNS, [*ways, *_resource_ways(resources, names)], within, limit, names)


def carrying_spans(identifier: str, within: Within, *, resources: list[str], limit: int, names: ParameterNames) -> Sql:
    """
    Spans that carry the id, oldest first: trace id, span id, start (nanoseconds) and the reason.

    Nothing more, because all spans of these traces are read anyway (`trace_spans_of`), and the index lets a hundredth of all spans through
    for nothing: reading them in full width cost more than the search.
    """
    ways = [*_id_ways(identifier, names), _span_values(identifier, names), *_resource_ways(resources, names)]
    return _select("spans", SPAN_IDENTITY, ways, within, limit, names)


def trace_logs(trace_ids: list[str], within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """All log records of these traces, oldest first, in LOG_RECORD_COLUMNS."""
    return _of_traces("logs", LOG_RECORD_COLUMNS, trace_ids, within, limit, names)


def trace_spans_of(trace_ids: list[str], within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """All spans of these traces, oldest first, in SPAN_COLUMNS."""
    return _of_traces("spans", SPAN_COLUMNS, trace_ids, within, limit, names)


def _of_traces(table: str, columns: Sql, trace_ids: list[str], within: Within, limit: int, names: ParameterNames) -> Sql:
    conditions = where([*in_range(within, names), has_trace_id(trace_ids, names)])
    return Sql("SELECT ") + columns + Sql(f" FROM {table}") + conditions + Sql(" ORDER BY ts LIMIT ") + names.bind("UInt32", limit)


def _select(table: str, columns: Sql, ways: list[Way], within: Within, limit: int, names: ParameterNames) -> Sql:
    reasons = [piece for way in ways for piece in (way.condition, way.reason)]
    reason = Sql("multiIf(") + Sql.join(", ", [*reasons, Sql("''")]) + Sql(") AS reason")
    carried = Sql("(") + Sql.join(" OR ", [way.condition for way in ways]) + Sql(")")
    ordered = Sql(" ORDER BY ts LIMIT ") + names.bind("UInt32", limit)
    return Sql("SELECT ") + columns + Sql(", ") + reason + Sql(f" FROM {table}") + where([*in_range(within, names), carried]) + ordered


def _id_ways(identifier: str, names: ParameterNames) -> list[Way]:
    digits = identifier.lower().replace("-", "")
    sizes = {32: ("trace_id", 16), 16: ("span_id", 8)}
    if not re.fullmatch("[0-9a-f]+", digits) or len(digits) not in sizes:
        return []
    column, size = sizes[len(digits)]
    return [Way(Sql(f"{column} = toFixedString(unhex(") + names.bind("String", digits) + Sql(f"), {size})"), Sql(f"'{column}'"))]


def _log_values(identifier: str, names: ParameterNames) -> Way:
    value = names.bind("String", identifier)
    return Way(Sql("has(all_values, ") + value + Sql(")"), _labelled("attribute", "mapKeys(attributes)", "mapValues(attributes)", value))


def _span_values(identifier: str, names: ParameterNames) -> Way:
    value = names.bind("String", identifier)
    own = _labelled("attribute", "mapKeys(attributes)", "mapValues(attributes)", value)
    event, link = (
        _labelled(
            f"{kind} attribute", f"arrayFlatten(arrayMap(m -> mapKeys(m), {kind}_attributes))", _flat_values(f"{kind}_attributes"), value
        )
        for kind in ("event", "link")
    )
    in_own = Sql("has(mapValues(attributes), ") + value + Sql(")")
    in_event = Sql(f"has({_flat_values('event_attributes')}, ") + value + Sql(")")
    reason = Sql("multiIf(") + Sql.join(", ", [in_own, own, in_event, event, link]) + Sql(")")
    return Way(Sql("has(all_values, ") + value + Sql(")"), reason)


def _labelled(label: str, keys: str, values: str, value: Sql) -> Sql:
    return Sql(f"concat('{label} ', arrayFirst((k, v) -> v = ") + value + Sql(f", {keys}, {values}))")


def _flat_values(column: str) -> str:
    return f"arrayFlatten(arrayMap(m -> mapValues(m), {column}))"


def _body_ways(identifier: str, names: ParameterNames) -> list[Way]:
    found = words(identifier)
    if not found:
        return []
    tokens = Sql("hasAllTokens(body, ") + names.bind("Array(String)", found) + Sql(")")
    exact = Sql("match(body, ") + names.bind("String", exact_pattern(identifier)) + Sql(")")
    return [Way(Sql("(") + tokens + Sql(" AND ") + exact + Sql(")"), Sql("'body'"))]


def _resource_ways(resources: list[str], names: ParameterNames) -> list[Way]:
    if not resources:
        return []
    return [Way(Sql("resource IN ") + names.bind("Array(String)", resources), Sql("'resource'"))]
