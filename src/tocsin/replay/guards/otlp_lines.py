"""
Stored spans and log records as lines of OTLP JSON, the form that `tocsin import` reads: what comes back in is what went out.

    {"resourceSpans":[{"resource":{"attributes":[...]},"scopeSpans":[{"scope":{...},"spans":[...]}]}]}

A line holds records of one resource and one scope that follow each other. Source: OTLP 1.x, 'JSON Protobuf Encoding'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any, TypeVar

import orjson

from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES, Attributes, AttributeValue, LogRecord, Span

RECORDS_PER_LINE = 500
_Record = TypeVar("_Record", Span, LogRecord)
_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def span_lines(spans: Iterable[Span]) -> Iterator[bytes]:
    """Spans as lines, each ended by a line feed."""
    return _lines(spans, "resourceSpans", "scopeSpans", "spans", _span)


def log_lines(records: Iterable[LogRecord]) -> Iterator[bytes]:
    """Log records as lines, each ended by a line feed."""
    return _lines(records, "resourceLogs", "scopeLogs", "logRecords", _log_record)


def _lines(records: Iterable[_Record], outer: str, inner: str, name: str, written: Callable[[_Record], dict[str, Any]]) -> Iterator[bytes]:
    for _, alike in groupby(records, key=_origin):
        while part := list(islice(alike, RECORDS_PER_LINE)):
            first = part[0]
            resource = {"attributes": _attributes(first.resource)}
            scope = {"name": first.scope_name, "version": first.scope_version}
            document = {outer: [{"resource": resource, inner: [{"scope": scope, name: [written(record) for record in part]}]}]}
            yield orjson.dumps(document) + b"\n"


def _origin(record: Span | LogRecord) -> tuple[bytes, str, str]:
    return orjson.dumps(record.resource), record.scope_name, record.scope_version


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_span_id,
        "traceState": span.trace_state,
        "name": span.name,
        "kind": SPAN_KINDS.index(span.kind),
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
        "status": {"code": SPAN_STATUSES.index(span.status), "message": span.status_message},
        "events": [
            {"timeUnixNano": str(event.time), "name": event.name, "attributes": _attributes(event.attributes)} for event in span.events
        ],
        "links": [
            {
                "traceId": link.trace_id,
                "spanId": link.span_id,
                "traceState": link.trace_state,
                "attributes": _attributes(link.attributes),
            }
            for link in span.links
        ],
    }


def _log_record(record: LogRecord) -> dict[str, Any]:
    return {
        "timeUnixNano": str(record.time),
        "observedTimeUnixNano": str(record.observed_time),
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": _value(record.body),
        "eventName": record.event_name,
        "traceId": record.trace_id,
        "spanId": record.span_id,
        "attributes": _attributes(record.attributes),
    }


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: AttributeValue) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else _NOT_FINITE.get(value, "NaN")}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case dict() if value.keys() == {"$bytes"}:
            return {"bytesValue": value["$bytes"]}
        case dict():
            return {"kvlistValue": {"values": _attributes(value)}}
    raise AssertionError(f"no attribute has a value of the kind {type(value).__name__}")
