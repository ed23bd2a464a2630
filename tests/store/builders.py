"""
Segments for the tests of the store: OTLP requests as the door would have left them, framed as the journal frames them.

A test says what matters to it and no more: `span(attributes={"k": 1})` is a whole valid span otherwise.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tocsin.journal.frame import encode_frame
from tocsin.model.batch import Segment
from tocsin.model.sample_block import SampleBlock
from tocsin.model.signal import Signal
from tocsin.store.sql import Parameter, Sql
from tocsin.store.store import Store
from tocsin.wire.reduce import json_field

NOW = 1_750_000_000_000_000_000  # 2025-06-15T15:06:40Z, a Sunday
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))
FRAME_SALT = 7

Request: TypeAlias = ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest | SampleBlock
Pairs: TypeAlias = Mapping[str, object] | Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Json:
    """An array or a map, as the door leaves it: its JSON text in the private field of AnyValue."""

    content: Any


@dataclass
class Folder:
    """Writes segment files into a folder, each with a name and a token of its own."""

    path: Path
    prefix: str = "t"
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def segment(
        self, *requests: Request | bytes, signal: Signal | None = None, token: str = "", received: int = NOW, apart: int = 0
    ) -> Segment:
        """A closed segment with a frame per request, `apart` ns later each; bytes are taken as a serialized request, whatever they hold."""
        number = next(self.numbers)
        path = self.path / f"{number}.seg"
        frames = [frame(request, received=received + place * apart) for place, request in enumerate(requests)]
        path.write_bytes(b"".join(frames))
        kind = signal or next(kind_of(request) for request in requests if not isinstance(request, bytes))
        records = sum(count(request) for request in requests)
        return Segment(kind, path, token or f"{self.prefix}/{number}", len(requests), records, path.stat().st_size)


def frame(request: Request | bytes, *, received: int = NOW) -> bytes:
    """A request as it stands in a segment file."""
    body = serialized(request)
    length, trailer = encode_frame(body, records=count(request), received=received, salt=FRAME_SALT)
    return length + body + trailer


def serialized(request: Request | bytes) -> bytes:
    """A request's bytes; bytes are what they are."""
    match request:
        case bytes():
            return request
        case SampleBlock():
            return request.encode()
        case _:
            body: bytes = request.SerializeToString()
            return body


def kind_of(request: Request) -> Signal:
    """The signal that a request carries."""
    if isinstance(request, SampleBlock):
        return Signal.SAMPLES
    if isinstance(request, ExportTraceServiceRequest):
        return Signal.TRACES
    return Signal.LOGS if isinstance(request, ExportLogsServiceRequest) else Signal.METRICS


def count(request: Request | bytes) -> int:
    """Spans, log records or samples in a request; 1 for anything else."""
    if isinstance(request, SampleBlock):
        return request.records
    if isinstance(request, ExportTraceServiceRequest):
        return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    if isinstance(request, ExportLogsServiceRequest):
        return sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
    return 1


def value(content: object) -> AnyValue:
    """A Python value as an attribute value; None is the empty value."""
    match content:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=content)
        case int():
            return AnyValue(int_value=content)
        case float():
            return AnyValue(double_value=content)
        case bytes():
            return AnyValue(bytes_value=content)
        case Json():
            held = AnyValue()
            held.MergeFromString(json_field(content.content))
            return held
        case _:
            return AnyValue(string_value=str(content))


def attributes(pairs: Pairs) -> list[KeyValue]:
    """Attributes in the order given; a sequence of pairs may repeat a key."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return [KeyValue(key=key, value=value(content)) for key, content in items]


def resource(service: str | None, pairs: Pairs = ()) -> Resource:
    """A resource of the service (None: without a name)."""
    named = [] if service is None else attributes({"service.name": service})
    return Resource(attributes=[*named, *attributes(pairs)])


def span(**fields: Any) -> Span:
    """A span of 5 ms; `attributes`, `events` and `links` are taken as Python values."""
    given = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "name": "work", "kind": 1, "start_time_unix_nano": NOW, **fields}
    given.setdefault("end_time_unix_nano", given["start_time_unix_nano"] + 5_000_000)
    pairs = given.pop("attributes", ())
    return Span(attributes=attributes(pairs), **given)


def event(name: str = "event", pairs: Pairs = (), *, time: int = NOW) -> Span.Event:
    """An event of a span."""
    return Span.Event(time_unix_nano=time, name=name, attributes=attributes(pairs))


def link(pairs: Pairs = (), *, trace_id: bytes = TRACE_ID, span_id: bytes = SPAN_ID, state: str = "") -> Span.Link:
    """A link of a span."""
    return Span.Link(trace_id=trace_id, span_id=span_id, trace_state=state, attributes=attributes(pairs))


def record(body: object = "line", **fields: Any) -> LogRecord:
    """A log record at NOW."""
    given = {"time_unix_nano": NOW, "observed_time_unix_nano": NOW, **fields}
    pairs = given.pop("attributes", ())
    return LogRecord(body=value(body), attributes=attributes(pairs), **given)


def traces(
    service: str | None, *spans: Span, resource_attributes: Pairs = (), scope: str = "", version: str = ""
) -> ExportTraceServiceRequest:
    """A request of one service."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(resource=resource(service, resource_attributes))
    scoped = group.scope_spans.add(spans=spans)
    scoped.scope.name, scoped.scope.version = scope, version
    return request


def logs(
    service: str | None, *records: LogRecord, resource_attributes: Pairs = (), scope: str = "", version: str = ""
) -> ExportLogsServiceRequest:
    """A request of one service."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add(resource=resource(service, resource_attributes))
    scoped = group.scope_logs.add(log_records=records)
    scoped.scope.name, scoped.scope.version = scope, version
    return request


def metrics(
    service: str | None, *metrics: Metric, resource_attributes: Pairs = (), scope: str = "", version: str = ""
) -> ExportMetricsServiceRequest:
    """A request of one service."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add(resource=resource(service, resource_attributes))
    scoped = group.scope_metrics.add(metrics=metrics)
    scoped.scope.name, scoped.scope.version = scope, version
    return request


def rows(store: Store, text: str, **params: Parameter) -> list[list[Any]]:
    """What a query returns."""
    return store.engine.query(Sql(text, params)).rows


def records(store: Store, text: str, **params: Parameter) -> list[dict[str, Any]]:
    """What a query returns, by column name."""
    return store.engine.query(Sql(text, params)).records()


def number(store: Store, text: str, **params: Parameter) -> Any:
    """The single value that a query returns."""
    ((single,),) = rows(store, text, **params)
    return single


def resource_json(pairs: Mapping[str, object]) -> bytes:
    """Canonical JSON of a resource, to compare with."""
    return orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS)
