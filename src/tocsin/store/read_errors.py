"""
Statements that group failures: failed spans by their exception, error logs by their message.

Messages that differ only in numbers and ids are one kind of failure (`order 7 not found`, `order 9 not found`), so they are grouped with
those replaced; the message shown is the latest one as it was written.
"""

from __future__ import annotations

from tocsin.store.read_range import Within, in_range, where
from tocsin.store.render import SEVERITY
from tocsin.store.sql import ParameterNames, Sql

MESSAGE_CHARACTERS_MAX = 500
VARYING = r"'[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*|[0-9]+'"  # ids in hexadecimal, and numbers
EXCEPTION = "arrayLast(m -> mapContains(m, 'exception.type') OR mapContains(m, 'exception.message'), event_attributes)"
GROUPED = "count() AS occurrences, toUnixTimestamp64Nano(min(ts)), toUnixTimestamp64Nano(max(ts)), argMax(lower(hex(trace_id)), ts) "


def span_errors(within: Within, *, service: str | None, limit: int, names: ParameterNames) -> Sql:
    """Service, operation, kind, message, count, first, last (nanoseconds) and trace of failures, the commonest first."""
    message = f"if({EXCEPTION}['exception.message'] != '', {EXCEPTION}['exception.message'], status_message)"
    kind = f"coalesce(nullIf({EXCEPTION}['exception.type'], ''), nullIf(attributes['error.type'], ''), 'error')"
    inner = Sql(f"SELECT service, toString(name) AS operation, {kind} AS kind, {message} AS message, ts, trace_id FROM spans")
    return _grouped(inner + where([*in_range(within, names), Sql("status = 2"), *_of(service, names)]), limit, names)


def log_errors(within: Within, *, service: str | None, limit: int, names: ParameterNames) -> Sql:
    """The same for log records of severity ERROR and above; the operation is the event name, or the logger's."""
    message = "if(attributes['exception.message'] != '', attributes['exception.message'], body)"
    kind = f"coalesce(nullIf(attributes['exception.type'], ''), if({SEVERITY} >= 21, 'fatal', 'error'))"
    operation = "if(event_name != '', toString(event_name), toString(scope_name))"
    inner = Sql(f"SELECT service, {operation} AS operation, {kind} AS kind, {message} AS message, ts, trace_id FROM logs")
    return _grouped(inner + where([*in_range(within, names), Sql(f"{SEVERITY} >= 17"), *_of(service, names)]), limit, names)


def _grouped(inner: Sql, limit: int, names: ParameterNames) -> Sql:
    return (
        Sql(f"SELECT service, operation, kind, argMax(substringUTF8(message, 1, {MESSAGE_CHARACTERS_MAX}), ts), {GROUPED} FROM (")
        + inner
        + Sql(f") GROUP BY service, operation, kind, replaceRegexpAll(substringUTF8(message, 1, {MESSAGE_CHARACTERS_MAX}), {VARYING}, '#')")
        + Sql(" ORDER BY occurrences DESC, service, operation, kind LIMIT ")
        + names.bind("UInt32", limit)
    )


def _of(service: str | None, names: ParameterNames) -> list[Sql]:
    return [] if service is None else [Sql("service = ") + names.bind("String", service)]
