"""Telemetry written by hand for the tests of questions, and a store that takes it the way all telemetry goes: as a segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tocsin.journal.frame import encode_frame
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal
from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES
from tocsin.query.desk import Desk
from tocsin.store.store import Store

NOW = 1_763_600_000_000_000_000  # 2025-11-20T00:53:20Z
MS = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True)
class LogLine:
    """A log record to send. `level` is a severity number; `trace` and `span` are hexadecimal."""

    body: Any = ""
    at: int = NOW
    service: str = "orders"
    level: int = 9
    level_text: str = ""
    event_name: str = ""
    trace: str = ""
    span: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanLine:
    """A span to send. Ids are hexadecimal and padded on the left; events are (name, attributes), links are attributes."""

    name: str = "work"
    trace: str = "a1"
    id: str = "1"
    parent: str = ""
    at: int = NOW
    duration: int = 10 * MS
    service: str = "orders"
    kind: str = "internal"
    status: str = "unset"
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    links: Sequence[Mapping[str, Any]] = ()


class World:
    """A store and its desk, and the means to send telemetry into it."""

    def __init__(self, store: Store, desk: Desk, folder: Path) -> None:
        self.store = store
        self.desk = desk
        self._folder = folder
        self._sent = 0

    def send(self, *lines: LogLine | SpanLine) -> None:
        """Store log records and spans; when this returns they can be asked for."""
        logs = [line for line in lines if isinstance(line, LogLine)]
        spans = [line for line in lines if isinstance(line, SpanLine)]
        if logs:
            self._load(Signal.LOGS, logs_body(logs), len(logs))
        if spans:
            self._load(Signal.TRACES, spans_body(spans), len(spans))

    def _load(self, signal: Signal, body: bytes, records: int) -> None:
        self._sent += 1
        path = self._folder / f"{self._sent}.seg"
        length, trailer = encode_frame(body, records=records, received=NOW, salt=0)
        path.write_bytes(length + body + trailer)
        self.store.load(Segment(signal, path, f"{signal.value}-{self._sent}", 1, records, path.stat().st_size))


def trace_id(short: str) -> str:
    """A trace id in full: `a1` as 32 digits."""
    return short.rjust(32, "0")


def span_id(short: str) -> str:
    """A span id in full: `1` as 16 digits."""
    return short.rjust(16, "0")


def logs_body(lines: Sequence[LogLine]) -> bytes:
    """Log records as the body of an OTLP request."""
    request = ExportLogsServiceRequest()
    for line in lines:
        group = request.resource_logs.add()
        _fill(group.resource.attributes, {"service.name": line.service, **line.resource})
        record = group.scope_logs.add(scope={"name": "tests"}).log_records.add(
            time_unix_nano=line.at,
            observed_time_unix_nano=line.at,
            severity_number=line.level,
            severity_text=line.level_text,
            event_name=line.event_name,
            trace_id=bytes.fromhex(trace_id(line.trace)) if line.trace else b"",
            span_id=bytes.fromhex(span_id(line.span)) if line.span else b"",
        )
        _fill_value(record.body, line.body)
        _fill(record.attributes, line.attributes)
    return bytes(request.SerializeToString())


def spans_body(lines: Sequence[SpanLine]) -> bytes:
    """Spans as the body of an OTLP request."""
    request = ExportTraceServiceRequest()
    for line in lines:
        group = request.resource_spans.add()
        _fill(group.resource.attributes, {"service.name": line.service, **line.resource})
        span = group.scope_spans.add(scope={"name": "tests"}).spans.add(
            name=line.name,
            trace_id=bytes.fromhex(trace_id(line.trace)),
            span_id=bytes.fromhex(span_id(line.id)),
            parent_span_id=bytes.fromhex(span_id(line.parent)) if line.parent else b"",
            start_time_unix_nano=line.at,
            end_time_unix_nano=line.at + line.duration,
            kind=SPAN_KINDS.index(line.kind),
            status={"code": SPAN_STATUSES.index(line.status), "message": line.message},
        )
        _fill(span.attributes, line.attributes)
        for name, attributes in line.events:
            _fill(span.events.add(name=name, time_unix_nano=line.at + MS).attributes, attributes)
        for attributes in line.links:
            _fill(span.links.add(trace_id=bytes(15) + b"\x09", span_id=bytes(7) + b"\x09").attributes, attributes)
    return bytes(request.SerializeToString())


def _fill(pairs: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        _fill_value(pairs.add(key=key).value, value)


def _fill_value(target: Any, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif value is not None:
        target.string_value = value
