"""
Statements that read log records: a page of them, their counts over time, the commonest values of a field.

A page is read in two steps, because order needs a tie-breaker and the only one that is stable is a hash of the whole record:

    1. the times of the next records, newest or oldest first: the engine walks the sort key and stops early
    2. the records at those times, with their hash, in order

so that the hash is computed for a page's worth of records, not for everything that the walk passes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from tocsin.store.plan import Field, Scope
from tocsin.store.read_range import Within, in_range, instant, where
from tocsin.store.read_records import LOG_RECORD_COLUMNS
from tocsin.store.render import SEVERITY
from tocsin.store.sql import ParameterNames, Sql

Order: TypeAlias = Literal["newest", "oldest"]
DIRECTIONS = {"newest": "DESC", "oldest": "ASC"}
# Equal records of one request have equal hashes; nobody can tell them apart, a cursor counts them.
RECORD_HASH = Sql(
    "cityHash64(service, body, trace_id, span_id, severity_number, attribute_types, attributes, resource, event_name, received, segment)"
)
LEVEL_NAME = (
    f"multiIf({SEVERITY} = 0, if(severity_text = '', 'unset', lower(severity_text)), {SEVERITY} <= 4, 'trace', {SEVERITY} <= 8, 'debug', "
    f"{SEVERITY} <= 12, 'info', {SEVERITY} <= 16, 'warn', {SEVERITY} <= 20, 'error', 'fatal')"
)
FACET_COLUMNS = {
    "service": "service",
    "severity": LEVEL_NAME,
    "severity_text": "severity_text",
    "severity_number": "toString(severity_number)",
    "body": "body",
    "event_name": "event_name",
    "scope": "scope_name",
    "trace_id": "lower(hex(trace_id))",
    "span_id": "lower(hex(span_id))",
}


def log_times(condition: Sql, within: Within, *, order: Order, limit: int, offset: int, names: ParameterNames) -> Sql:
    """The times of matching records in order, one column of nanoseconds: `limit` of them after the first `offset`."""
    direction = DIRECTIONS[order]
    return (
        Sql("SELECT toUnixTimestamp64Nano(ts) FROM logs")
        + where([*in_range(within, names), condition])
        + Sql(f" ORDER BY toStartOfFiveMinutes(ts) {direction}, ts {direction} LIMIT ")
        + names.bind("UInt32", limit)
        + Sql(" OFFSET ")
        + names.bind("UInt64", offset)
    )


def log_records_at(
    condition: Sql, times: list[int], *, after: tuple[int, int] | None, order: Order, limit: int, names: ParameterNames
) -> Sql:
    """
    Matching records at the given times: the columns of LOG_RECORD_COLUMNS and the hash that breaks ties.

    Args:
        condition: What they must satisfy.
        times: Instants, nanoseconds, not empty.
        after: Time and hash of the record to continue at; records equal to it are included.
        order: Of time, and of hash among equal times.
        limit: Most records returned.
        names: For placeholders.
    """
    direction, beyond = DIRECTIONS[order], "<=" if order == "newest" else ">="
    conditions = [
        *in_range(Within(min(times), max(times) + 1), names),
        Sql("toUnixTimestamp64Nano(ts) IN ") + names.bind("Array(Int64)", times),
    ]
    if after is not None:
        at = instant(after[0], names)
        tie = Sql("ts != ") + at + Sql(" OR ") + RECORD_HASH + Sql(f" {beyond} ") + names.bind("UInt64", after[1])
        conditions.append(Sql("(") + tie + Sql(")"))
    return (
        Sql("SELECT ")
        + LOG_RECORD_COLUMNS
        + Sql(", ")
        + RECORD_HASH
        + Sql(" AS record_hash FROM logs")
        + where([*conditions, condition])
        + Sql(f" ORDER BY ts {direction}, record_hash {direction} LIMIT ")
        + names.bind("UInt32", limit)
    )


def log_extent(condition: Sql, within: Within, names: ParameterNames) -> Sql:
    """The first and the last time of matching records, nanoseconds, and how many there are: one row."""
    columns = Sql("SELECT toUnixTimestamp64Nano(min(ts)), toUnixTimestamp64Nano(max(ts)), count() FROM logs")
    return columns + where([*in_range(within, names), condition])


def log_histogram(condition: Sql, within: Within, *, start: int, step_ns: int, names: ParameterNames) -> Sql:
    """Number of the bucket from `start` on, matching records, and those of ERROR and above; empty buckets are left out."""
    bucket = Sql("intDiv(toUnixTimestamp64Nano(ts) - ") + names.bind("Int64", start) + Sql(", ") + names.bind("Int64", step_ns) + Sql(")")
    return (
        Sql("SELECT ")
        + bucket
        + Sql(f" AS bucket, count(), countIf({SEVERITY} >= 17) FROM logs")
        + where([*in_range(within, names), condition])
        + Sql(" GROUP BY bucket ORDER BY bucket")
    )


def log_facet(field: Field, condition: Sql, within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """The commonest values of a field among matching records, and how many records have each."""
    value, there = _facet_value(field, names)
    return (
        Sql("SELECT ")
        + value
        + Sql(" AS value, count() AS records FROM logs")
        + where([*in_range(within, names), condition, there])
        + Sql(" GROUP BY value ORDER BY records DESC, value LIMIT ")
        + names.bind("UInt32", limit)
    )


def log_keys(condition: Sql, within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """The commonest attribute keys among matching records."""
    return (
        Sql("SELECT arrayJoin(mapKeys(attributes)) AS key, count() AS records FROM logs")
        + where([*in_range(within, names), condition])
        + Sql(" GROUP BY key ORDER BY records DESC, key LIMIT ")
        + names.bind("UInt32", limit)
    )


def _facet_value(field: Field, names: ParameterNames) -> tuple[Sql, Sql]:
    """A field's value as text, and the condition that the record has it."""
    if field.scope is Scope.INTRINSIC:
        return Sql(f"toString({FACET_COLUMNS[field.name]})"), Sql("1")
    key = names.bind("String", field.name)
    own, held = Sql("attributes[") + key + Sql("]"), Sql("mapContains(attributes, ") + key + Sql(")")
    if field.scope is Scope.RECORD:
        return own, held
    resource = Sql("ifNull(JSONExtract(resource, ") + key + Sql(", 'Nullable(String)'), '')")
    there = Sql("JSONHas(resource, ") + key + Sql(")")
    if field.scope is Scope.RESOURCE:
        return resource, there
    either = Sql("if(") + held + Sql(", ") + own + Sql(", ") + resource + Sql(")")
    return either, Sql("(") + held + Sql(" OR ") + there + Sql(")")
