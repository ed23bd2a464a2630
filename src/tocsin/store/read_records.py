"""
Stored rows back into log records and spans, with the types that their attributes came in with.

The columns that a statement selects and the function that reads them stand side by side here. Ids come as hexadecimal digits, instants as
nanoseconds, maps as two arrays of keys and values, which keep the order that the letters of `attribute_types` follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES, Attributes, AttributeValue, LogRecord, Span, SpanEvent, SpanLink
from tocsin.store.sql import Sql

NO_TRACE = "0" * 32
NO_SPAN = "0" * 16

LOG_RECORD_COLUMNS = Sql(
    "toUnixTimestamp64Nano(ts), toUnixTimestamp64Nano(observed), service, severity_number, severity_text, body, body_type, event_name, "
    "lower(hex(trace_id)), lower(hex(span_id)), mapKeys(attributes), mapValues(attributes), attribute_types, "
    "resource, scope_name, scope_version"
)
LOG_RECORD_WIDTH = 16

SPAN_COLUMNS = Sql(
    "lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), service, name, kind, toUnixTimestamp64Nano(ts), duration_ns, "
    "status, status_message, trace_state, mapKeys(attributes), mapValues(attributes), attribute_types, resource, scope_name, "
    "scope_version, arrayMap(t -> toUnixTimestamp64Nano(t), event_ts), event_names, arrayMap(m -> mapKeys(m), event_attributes), "
    "arrayMap(m -> mapValues(m), event_attributes), event_attribute_types, arrayMap(i -> lower(hex(i)), link_trace_ids), "
    "arrayMap(i -> lower(hex(i)), link_span_ids), link_trace_states, arrayMap(m -> mapKeys(m), link_attributes), "
    "arrayMap(m -> mapValues(m), link_attributes), link_attribute_types"
)
SPAN_WIDTH = 28


def log_record(row: Sequence[Any]) -> LogRecord:
    """A row of LOG_RECORD_COLUMNS as a log record."""
    time, observed, service, number, level, body, body_type, event, trace_id, span_id, keys, values, types, resource, scope, version = row
    return LogRecord(
        time=time,
        observed_time=observed,
        service=service,
        severity_number=number,
        severity_text=level,
        body=_value(body, body_type or "s"),
        event_name=event,
        trace_id="" if trace_id == NO_TRACE else trace_id,
        span_id="" if span_id == NO_SPAN else span_id,
        attributes=_attributes(keys, values, types),
        resource=_resource(resource),
        scope_name=scope,
        scope_version=version,
    )


def span(row: Sequence[Any]) -> Span:
    """A row of SPAN_COLUMNS as a span."""
    trace_id, span_id, parent, service, name, kind, start, duration, status, message, state = row[:11]
    keys, values, types, resource, scope, version = row[11:17]
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id="" if parent == NO_SPAN else parent,
        service=service,
        name=name,
        kind=SPAN_KINDS[kind],
        start=start,
        duration_ns=duration,
        status=SPAN_STATUSES[status],
        status_message=message,
        trace_state=state,
        attributes=_attributes(keys, values, types),
        resource=_resource(resource),
        scope_name=scope,
        scope_version=version,
        events=[SpanEvent(at, event, _attributes(*own)) for at, event, *own in zip(*row[17:22], strict=True)],
        links=[SpanLink(trace, target, kept, _attributes(*own)) for trace, target, kept, *own in zip(*row[22:28], strict=True)],
    )


def _attributes(keys: Iterable[str], values: Iterable[str], types: str) -> Attributes:
    return {key: _value(value, letter) for key, value, letter in zip(keys, values, types, strict=False)}


def _resource(text: str) -> Attributes:
    loaded: Attributes = orjson.loads(text) if text else {}
    return loaded


def _value(text: str, letter: str) -> AttributeValue:
    """`_value("7", "i")` is 7. A text that does not read as its letter says (a cut JSON text) stays a text."""
    match letter:
        case "s":
            return text
        case "b":
            return text == "true"
        case "n":
            return None
        case "y":
            return {"$bytes": text}
    try:
        if letter == "i":
            return int(text)
        if letter == "d":
            return float(text)
        loaded: AttributeValue = orjson.loads(text)
    except ValueError:
        return text
    return loaded
