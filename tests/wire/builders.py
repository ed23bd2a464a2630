"""OTLP requests for the tests of the doors, built with the official messages, and the stored form read back."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tocsin.model.signal import Signal
from tocsin.wire.twin import MODULES, REQUEST_NAMES

NOW_NS = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))


def trace_request(spans: int = 2, *, start_ns: int = NOW_NS) -> ExportTraceServiceRequest:
    """A request with so many valid spans of one service."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    scope = resource.scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(trace_id=TRACE_ID, span_id=(number + 1).to_bytes(8, "big"), name=f"span-{number}")
        span.start_time_unix_nano = start_ns
        span.end_time_unix_nano = start_ns + 1000
        span.attributes.add(key="http.route").value.string_value = "/cart"
        span.attributes.add(key="retries").value.int_value = number
    return request


def log_request(records: int = 2, *, time_ns: int = NOW_NS, observed_ns: int = NOW_NS) -> ExportLogsServiceRequest:
    """A request with so many log records of one service."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    scope = resource.scope_logs.add()
    for number in range(records):
        record = scope.log_records.add(time_unix_nano=time_ns, observed_time_unix_nano=observed_ns)
        record.body.string_value = f"line {number}"
    return request


def metric_request(time_ns: int = NOW_NS) -> ExportMetricsServiceRequest:
    """A request with one data point of each of the five kinds."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        points = getattr(metrics.add(name=kind), kind).data_points
        points.add(time_unix_nano=time_ns)
    return request


def sample_body(signal: Signal) -> bytes:
    """A small valid body of the signal."""
    requests: dict[Signal, Any] = {Signal.TRACES: trace_request(), Signal.LOGS: log_request(), Signal.METRICS: metric_request()}
    body: bytes = requests[signal].SerializeToString()
    return body


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def tag(field: int, wire_type: int) -> bytes:
    """The start of a field on the wire."""
    return varint(field << 3 | wire_type)


def piece(field: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return tag(field, 2) + varint(len(payload)) + payload


def span_body(span: bytes) -> bytes:
    """A trace request around the raw bytes of one span."""
    return piece(1, piece(2, piece(2, span)))


def raw_span(extra: bytes = b"") -> bytes:
    """The bytes of a valid span with something added."""
    times = tag(7, 1) + NOW_NS.to_bytes(8, "little") + tag(8, 1) + NOW_NS.to_bytes(8, "little")
    return piece(1, TRACE_ID) + piece(2, SPAN_ID) + times + extra


def raw_attribute(value: bytes, key: str = "k") -> bytes:
    """An attribute of a span around the raw bytes of its AnyValue."""
    return piece(9, piece(1, key.encode()) + piece(2, value))


class StoredForm:
    """Reads batches as the store does: OTLP with `string json_value = 1000` in AnyValue's oneof."""

    def __init__(self) -> None:
        pool = descriptor_pool.DescriptorPool()
        for module in MODULES:
            file = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(file)
            for message in file.message_type:
                if message.name == "AnyValue":
                    message.field.add(name="json_value", number=1000, type=9, label=1, oneof_index=0)
            pool.Add(file)
        self._classes = {s: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for s, name in REQUEST_NAMES.items()}

    def read(self, signal: Signal, body: bytes) -> Any:
        """The stored request."""
        return self._classes[signal].FromString(body)
