"""
Telemetry that looks like a busy system, made fast enough not to be what is measured.

One request is serialized by the official protobuf classes with markers where values belong; every record in it has the same length, so
the records of a body are the rows of a matrix, and NumPy writes new ids, times and values into its columns. A body of 500 spans takes
about a third of a millisecond. All ids are random, so nothing compresses that would not in life.

    spans     10 attributes; 8 spans per trace, two in each of four services; one request id and one user (of 100,000) per trace;
              13 routes, 20 hosts, 64 threads
    logs      a body of 8 words out of 400 and a number; 5 attributes; four lines per request, which share trace, user and request id
    metrics   10,000 series of one counter with four labels, 15 seconds apart
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

RECORDS_PER_BODY = 500
SERVICES = ("gateway", "orders", "payments", "assistant")
SPANS_PER_TRACE_AND_SERVICE = 2
LINES_PER_REQUEST = 4
SERIES = 10_000
SCRAPE_INTERVAL_NS = 15_000_000_000

STATUS_OK = np.array([[0x7A, 0x02, 0x18, 0x01]])  # a span's status as it stands on the wire
STATUS_ERROR = np.array([[0x7A, 0x02, 0x18, 0x02]])

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in a record: the bytes that stand there in the template."""

    text: bytes

    def __len__(self) -> int:
        return len(self.text)


class Template:
    """
    A body whose records all have the length of `record`, as a matrix of bytes.

    Args:
        body: A serialized request with `count` copies of `record` in a row.
        record: One of them, with its tag and length.
        count: How many.
    """

    def __init__(self, body: bytes, record: bytes, count: int) -> None:
        start = body.index(record * count)
        self._body = np.frombuffer(bytearray(body), dtype=np.uint8)
        self._rows = self._body[start : start + len(record) * count].reshape(count, len(record))
        self._record = record

    def put(self, marker: bytes, values: Bytes) -> None:
        """Write `values`, shape (records, len(marker)), where the template has `marker`."""
        at = self._record.index(marker)
        self._rows[:, at : at + len(marker)] = values

    def body(self) -> bytes:
        """The body as it is now."""
        return self._body.tobytes()


class Spans:
    """Bodies of spans; as many in a row as there are services, one for each, share their traces."""

    def __init__(self, seed: int, *, services: Sequence[str] = SERVICES, records: int = RECORDS_PER_BODY) -> None:
        self._rng = np.random.default_rng(seed)
        self._records = records
        self._templates = [_span_template(service, records) for service in services]
        self._turn = 0
        self._traces = records // SPANS_PER_TRACE_AND_SERVICE

    def body(self, now_ns: int) -> bytes:
        """The next body; its spans ended just before `now_ns` (nanoseconds since 1970-01-01 UTC)."""
        rng, template = self._rng, self._templates[self._turn]
        if self._turn == 0:
            self._trace_ids = rng.integers(0, 256, (self._traces, 16), dtype=np.uint8)
            self._request_ids = hexadecimal(rng, self._traces, 12)
            self._users = digits(rng.integers(0, 100_000, self._traces), 5)
            self._starts = now_ns - rng.integers(10**9, 2 * 10**9, self._traces, dtype=np.int64)
            self._roots = rng.integers(1, 256, (self._traces, 8), dtype=np.uint8)
        count, repeat = self._records, SPANS_PER_TRACE_AND_SERVICE
        starts = np.repeat(self._starts, repeat) + self._turn * 1_000_000 + np.tile(np.arange(repeat) * 100_000, self._traces)
        durations = np.minimum(rng.lognormal(16.5, 1.0, count), 9e8).astype(np.int64)
        failed = rng.random(count) < 0.01
        own = rng.integers(1, 256, (count, 8), dtype=np.uint8)
        parents = np.repeat(self._roots, repeat, axis=0)
        if self._turn == 0:
            own[::repeat], parents[::repeat] = self._roots, 0
        template.put(b"T" * 16, np.repeat(self._trace_ids, repeat, axis=0))
        template.put(b"I" * 8, own)
        template.put(b"P" * 8, parents)
        template.put(b"S" * 8, little_endian(starts))
        template.put(b"E" * 8, little_endian(starts + durations))
        template.put(b"NN", digits(rng.integers(0, 13, count), 2))
        template.put(b"RR", digits(rng.integers(0, 13, count), 2))
        template.put(b"HH", digits(rng.integers(0, 20, count), 2))
        template.put(b"UUUUU", np.repeat(self._users, repeat, axis=0))
        template.put(b"Q" * 12, np.repeat(self._request_ids, repeat, axis=0))
        template.put(b"\xaa\x01", np.where(failed[:, None], np.array([[0xF4, 0x03]]), np.array([[0xC8, 0x01]])).astype(np.uint8))
        template.put(b"\x7a\x02\x18\x01", np.where(failed[:, None], STATUS_ERROR, STATUS_OK).astype(np.uint8))
        template.put(b"\xbb\x01", varint2(rng.integers(128, 192, count)))
        template.put(b"DDDDDDDD", little_endian(np.round(rng.random(count) * 100, 2).view(np.int64)))
        self._turn = (self._turn + 1) % len(self._templates)
        return template.body()


class Logs:
    """Bodies of log records."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._templates = [_log_template(service) for service in SERVICES]
        words = _vocabulary()
        self._text = words[self._rng.zipf(1.3, 65_536) % len(words)]  # few words make most of a text
        self._turn = 0

    def body(self, now_ns: int) -> bytes:
        """The next body; its records happened just before `now_ns`."""
        rng, template, count = self._rng, self._templates[self._turn], RECORDS_PER_BODY
        repeat, requests = LINES_PER_REQUEST, count // LINES_PER_REQUEST
        begun = np.sort(now_ns - 10**9 - rng.integers(0, 10**9, requests, dtype=np.int64))
        times = np.repeat(begun, repeat) + np.cumsum(rng.integers(10**5, 10**7, (requests, repeat)), axis=1).ravel()
        words = self._text[rng.integers(0, len(self._text), (count, 8))].reshape(count, -1)
        template.put(b"S" * 8, little_endian(times))
        template.put(b"O" * 8, little_endian(times))
        template.put(b"T" * 16, np.repeat(rng.integers(0, 256, (requests, 16), dtype=np.uint8), repeat, axis=0))
        template.put(b"I" * 8, np.repeat(rng.integers(1, 256, (requests * 2, 8), dtype=np.uint8), repeat // 2, axis=0))
        template.put(b"w" * 64, words)
        template.put(b"#" * 6, digits(rng.integers(0, 10**6, count), 6))
        template.put(b"Q" * 12, np.repeat(hexadecimal(rng, requests, 12), repeat, axis=0))
        template.put(b"UUUUU", np.repeat(digits(rng.integers(0, 100_000, requests), 5), repeat, axis=0))
        template.put(b"RR", np.repeat(digits(rng.integers(0, 13, requests), 2), repeat, axis=0))
        template.put(b"\xbb\x01", varint2(rng.integers(128, 16_384, count)))
        self._turn = (self._turn + 1) % len(SERVICES)
        return template.body()


class Metrics:
    """Bodies of data points: each holds 500 of the 10,000 series; twenty in a row are one scrape."""

    def __init__(self, seed: int, *, start_ns: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._templates = [_metric_template(f"job-{seed}", part) for part in range(SERIES // RECORDS_PER_BODY)]
        self._values = self._rng.integers(0, 10**6, (len(self._templates), RECORDS_PER_BODY)).astype(np.float64)
        self._time_ns = start_ns
        self._turn = 0

    def body(self, _now_ns: int) -> bytes:
        """The next body; event time goes its own way, one scrape interval per twenty bodies."""
        rng, template, count = self._rng, self._templates[self._turn], RECORDS_PER_BODY
        self._values[self._turn] += rng.integers(0, 1000, count)
        template.put(b"S" * 8, little_endian(np.full(count, self._time_ns, dtype=np.int64)))
        template.put(b"VVVVVVVV", little_endian(self._values[self._turn].view(np.int64)))
        self._turn = (self._turn + 1) % len(self._templates)
        if self._turn == 0:
            self._time_ns += SCRAPE_INTERVAL_NS
        return template.body()


def digits(values: NDArray[np.int64], width: int) -> Bytes:
    """`values` in decimal, `width` digits each, as ASCII."""
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (values[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def hexadecimal(rng: np.random.Generator, count: int, width: int) -> Bytes:
    """`count` random texts of `width` hexadecimal digits."""
    return np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[rng.integers(0, 16, (count, width))]


def little_endian(values: NDArray[np.int64]) -> Bytes:
    """Eight bytes per value."""
    return values.astype("<i8").view(np.uint8).reshape(len(values), 8)


def varint2(values: NDArray[np.int64]) -> Bytes:
    """Two-byte varints of values between 128 and 16,383."""
    return np.stack([values & 0x7F | 0x80, values >> 7], axis=1).astype(np.uint8)


def _int(marker: bytes) -> int:
    return (marker[0] & 0x7F) | (marker[1] << 7)


def _span_template(service: str, count: int) -> Template:
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    _resource(block.resource, service)
    scope = block.scope_spans.add()
    scope.scope.name = "benchmark"
    for _ in range(count):
        span = scope.spans.add(trace_id=b"T" * 16, span_id=b"I" * 8, parent_span_id=b"P" * 8, name="GET /api/v1/item/NN", kind=2)
        span.start_time_unix_nano = int.from_bytes(b"S" * 8, "little")
        span.end_time_unix_nano = int.from_bytes(b"E" * 8, "little")
        texts = {
            "http.request.method": "GET",
            "http.route": "/api/v1/item/RR",
            "server.address": "node-HH.example.net",
            "user.id": "u-UUUUU",
            "request.id": "req-" + "Q" * 12,
            "db.query.summary": "SELECT orders",
        }
        for key, value in texts.items():
            span.attributes.add(key=key).value.string_value = value
        span.status.code = 1
        span.attributes.add(key="http.response.status_code").value.int_value = _int(b"\xaa\x01")
        span.attributes.add(key="thread.id").value.int_value = _int(b"\xbb\x01")
        span.attributes.add(key="cache.hit").value.bool_value = True
        span.attributes.add(key="queue.depth").value.double_value = np.frombuffer(b"DDDDDDDD", dtype="<f8")[0]
    record = scope.spans[0].SerializeToString()
    return Template(request.SerializeToString(), b"\x12" + _varint(len(record)) + record, count)


def _log_template(service: str) -> Template:
    request = ExportLogsServiceRequest()
    block = request.resource_logs.add()
    _resource(block.resource, service)
    scope = block.scope_logs.add()
    scope.scope.name = "benchmark"
    for _ in range(RECORDS_PER_BODY):
        record = scope.log_records.add(trace_id=b"T" * 16, span_id=b"I" * 8, severity_number=9, severity_text="INFO")
        record.time_unix_nano = int.from_bytes(b"S" * 8, "little")
        record.observed_time_unix_nano = int.from_bytes(b"O" * 8, "little")
        record.body.string_value = "w" * 64 + "#" * 6
        texts = {"request.id": "req-" + "Q" * 12, "user.id": "u-UUUUU", "http.route": "/api/v1/item/RR", "event": "order placed"}
        for key, value in texts.items():
            record.attributes.add(key=key).value.string_value = value
        record.attributes.add(key="latency_ms").value.int_value = _int(b"\xbb\x01")
    text = scope.log_records[0].SerializeToString()
    return Template(request.SerializeToString(), b"\x12" + _varint(len(text)) + text, RECORDS_PER_BODY)


def _metric_template(service: str, part: int) -> Template:
    request = ExportMetricsServiceRequest()
    block = request.resource_metrics.add()
    _resource(block.resource, service)
    metric = block.scope_metrics.add().metrics.add(name="http.server.requests", unit="1")
    metric.sum.aggregation_temporality = 2
    metric.sum.is_monotonic = True
    for index in range(RECORDS_PER_BODY):
        point = metric.sum.data_points.add(start_time_unix_nano=1_700_000_000_000_000_000)
        point.time_unix_nano = int.from_bytes(b"S" * 8, "little")
        point.as_double = np.frombuffer(b"VVVVVVVV", dtype="<f8")[0]
        series = part * RECORDS_PER_BODY + index
        labels = {"method": "GET", "route": f"/r/{series % 50:02d}", "instance": f"host-{series // 50:04d}", "series": f"{series:05d}"}
        for key, value in labels.items():
            point.attributes.add(key=key).value.string_value = value
    return _MetricTemplate(request, metric)


class _MetricTemplate(Template):
    """Points differ in their labels, so the matrix is found by length alone."""

    def __init__(self, request: ExportMetricsServiceRequest, metric: object) -> None:
        points = metric.sum.data_points  # type: ignore[attr-defined]
        records = [b"\x0a" + _varint(point.ByteSize()) + point.SerializeToString() for point in points]
        body = request.SerializeToString()
        start = body.index(b"".join(records))
        self._body = np.frombuffer(bytearray(body), dtype=np.uint8)
        self._rows = self._body[start : start + sum(map(len, records))].reshape(len(records), len(records[0]))
        self._record = records[0]


def _resource(resource: object, service: str) -> None:
    attributes = {
        "service.name": service,
        "service.version": "2.3.1",
        "service.instance.id": f"{service}-0",
        "telemetry.sdk.language": "python",
    }
    for key, value in attributes.items():
        resource.attributes.add(key=key).value.string_value = value  # type: ignore[attr-defined]


def _vocabulary() -> Bytes:
    """400 words of seven letters and a space, shape (400, 8)."""
    rng = np.random.default_rng(7)
    words = rng.integers(ord("a"), ord("z") + 1, (400, 8)).astype(np.uint8)
    words[:, 7] = ord(" ")
    return words


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
