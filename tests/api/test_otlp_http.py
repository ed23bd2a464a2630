"""OTLP over HTTP: each rule of the specification that binds a server, and hostile clients."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from google.rpc import status_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from tests.api.asgi_client import AsgiClient
from tests.wire.builders import NOW_NS, log_request, metric_request, sample_body, trace_request

from tocsin.api.errors import install
from tocsin.api.otlp_http import PATHS, OtlpHttp, routes
from tocsin.clock import Clock, ReplayClock
from tocsin.errors import JournalError, Overloaded
from tocsin.model.signal import Signal
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.door import Door
from tocsin.wire.options import HttpOptions

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
LIMITS = HttpOptions(body_bytes_max=4096, inflated_bytes_max=16_384, in_flight_bytes_max=1024 * 1024)
RESPONSES: dict[Signal, Any] = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
}
SPAN_JSON = {
    "traceId": "AB" * 16,
    "spanId": "cd" * 8,
    "name": "n",
    "kind": 2,
    "startTimeUnixNano": str(NOW_NS),
    "endTimeUnixNano": NOW_NS + 5,
}
TRACE_JSON = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN_JSON], "schemaUrl": "u"}], "unheardOf": 1}]}


class Server:
    """The routes with a fake acceptor behind them, and a client."""

    def __init__(self, options: HttpOptions = LIMITS) -> None:
        self.acceptor = FakeAcceptor()
        clock: Clock = ReplayClock(NOW_NS, speed=0)
        self.otlp = OtlpHttp(Door(), self.acceptor, clock, options)
        self.app = Starlette(routes=self.otlp.routes())
        install(self.app)
        self.client = AsgiClient(self.app)

    def post(self, signal: Signal, body: bytes, media_type: str = PROTOBUF, **headers: str) -> Any:
        """Send a body; header names with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(PATHS[signal], content=body, headers={"Content-Type": media_type, **named})


@pytest.fixture
def server() -> Server:
    """A server with small limits."""
    return Server()


@pytest.mark.parametrize("signal", list(PATHS))
def test_default_paths_take_protobuf(server: Server, signal: Signal) -> None:
    """'/v1/traces, /v1/metrics, /v1/logs': a POST with binary protobuf is stored as it came."""
    body = sample_body(signal)
    assert server.post(signal, body).status_code == 200
    assert [(batch.signal, batch.body) for batch in server.acceptor.batches] == [(signal, body)]


@pytest.mark.parametrize("signal", list(PATHS))
def test_success_is_200_with_an_empty_response_message(server: Server, signal: Signal) -> None:
    """'The server MUST leave the partial_success field unset in case of a successful response.'"""
    answer = server.post(signal, sample_body(signal))
    assert (answer.status_code, answer.content) == (200, b"")
    assert not RESPONSES[signal].FromString(answer.content).HasField("partial_success")


@pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, sample_body(Signal.TRACES)), (JSON, json.dumps(TRACE_JSON).encode())])
def test_the_response_has_the_content_type_of_the_request(server: Server, media_type: str, body: bytes) -> None:
    """'The server MUST set Content-Type: application/x-protobuf (json) if the request was so.'"""
    answer = server.post(Signal.TRACES, body, media_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert server.acceptor.records


def test_parameters_and_case_of_the_content_type_do_not_matter(server: Server) -> None:
    """Media types are case-insensitive and may carry a charset."""
    answer = server.post(Signal.TRACES, json.dumps(TRACE_JSON).encode(), "Application/JSON; charset=utf-8")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, JSON, b"{}")


@pytest.mark.parametrize("signal", list(PATHS))
@pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, b""), (JSON, b"{}")])
def test_an_empty_request_is_a_success(server: Server, signal: Signal, media_type: str, body: bytes) -> None:
    """'The server SHOULD respond with success to requests without telemetry'; nothing is stored."""
    assert server.post(signal, body, media_type).status_code == 200
    assert server.acceptor.batches == []


@pytest.mark.parametrize(
    ("signal", "field", "rejected"),
    [(Signal.TRACES, "rejected_spans", 2), (Signal.LOGS, "rejected_log_records", 2), (Signal.METRICS, "rejected_data_points", 5)],
)
def test_partial_success_tells_how_many_and_why(server: Server, signal: Signal, field: str, rejected: int) -> None:
    """'The server MUST respond with HTTP 200 OK' and set the rejected count; the message is for humans."""
    late = NOW_NS * 2
    requests: dict[Signal, Any] = {
        Signal.TRACES: trace_request(2, start_ns=late),
        Signal.LOGS: log_request(2, time_ns=late),
        Signal.METRICS: metric_request(late),
    }
    answer = server.post(signal, requests[signal].SerializeToString())
    partial = RESPONSES[signal].FromString(answer.content).partial_success
    assert (answer.status_code, getattr(partial, field)) == (200, rejected)
    assert "in the future" in partial.error_message
    assert server.acceptor.batches == []


def test_partial_success_in_json_writes_the_count_as_a_string(server: Server) -> None:
    """64-bit integers are strings in JSON; the accepted rest is stored."""
    bad = {**SPAN_JSON, "traceId": "00" * 16}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN_JSON, bad]}]}]}
    partial = server.post(Signal.TRACES, json.dumps(document).encode(), JSON).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "trace_id" in partial["errorMessage"]
    assert server.acceptor.records == 1


def test_json_requests_follow_the_json_encoding_rules(server: Server) -> None:
    """Hexadecimal ids in either case, enums as integers, 64-bit integers as strings or numbers, unknown fields ignored."""
    assert server.post(Signal.TRACES, json.dumps(TRACE_JSON).encode(), JSON).status_code == 200
    stored = trace_request(0).FromString(server.acceptor.batches[0].body).resource_spans[0].scope_spans[0].spans[0]
    assert (stored.trace_id, stored.span_id, stored.kind) == (b"\xab" * 16, b"\xcd" * 8, 2)
    assert (stored.start_time_unix_nano, stored.end_time_unix_nano) == (NOW_NS, NOW_NS + 5)


def test_bad_data_is_a_400_with_a_status_in_protobuf(server: Server) -> None:
    """'If the request contains data that cannot be decoded the server MUST respond with HTTP 400'; body: google.rpc.Status."""
    answer = server.post(Signal.TRACES, b"\xff\xff")
    status = status_pb2.Status.FromString(answer.content)
    assert (answer.status_code, answer.headers["Content-Type"], status.code) == (400, PROTOBUF, 3)
    assert "ExportTraceServiceRequest" in status.message
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SERVER"}]}]}]}'])
def test_bad_data_is_a_400_with_a_status_in_json(server: Server, body: bytes) -> None:
    """The status is JSON when the request was."""
    answer = server.post(Signal.TRACES, body, JSON)
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["code"]) == (400, JSON, 3)


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "GZIP": gzip.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, sample_body(Signal.TRACES)), (JSON, json.dumps(TRACE_JSON).encode())])
def test_content_encodings(server: Server, encoding: str, media_type: str, body: bytes) -> None:
    """'The client MAY gzip the content'; deflate and zstd are taken too, in either case of the word."""
    answer = server.post(Signal.TRACES, ENCODERS[encoding](body), media_type, Content_Encoding=encoding)
    assert answer.status_code == 200
    assert server.acceptor.records


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_body_that_is_not_of_its_encoding_is_a_400(server: Server, encoding: str) -> None:
    """It can't be decoded, so it is not retryable."""
    answer = server.post(Signal.TRACES, sample_body(Signal.TRACES), Content_Encoding=encoding)
    assert (answer.status_code, encoding in status_pb2.Status.FromString(answer.content).message) == (400, True)


@pytest.mark.parametrize(("media_type", "encoding"), [("text/plain", "gzip"), ("", ""), (PROTOBUF, "br"), (PROTOBUF, "gzip, gzip")])
def test_other_media_types_and_encodings_are_a_415(server: Server, media_type: str, encoding: str) -> None:
    """The answer names those that are taken."""
    answer = server.post(Signal.TRACES, b"", media_type, Content_Encoding=encoding)
    assert answer.status_code == 415
    assert b"gzip" in answer.content or b"protobuf" in answer.content


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_a_405_with_allow(server: Server, method: str) -> None:
    """Only POST exports."""
    answer = server.client.request(method, "/v1/traces")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_body_that_declares_too_many_bytes_is_not_even_read(server: Server) -> None:
    """413 by the Content-Length alone: nothing is received."""
    sent, received = asyncio.run(talk(server.app, [b"x"], content_length="4097"))
    assert (sent[0]["status"], received) == (413, 0)
    sent, _ = asyncio.run(talk(server.app, [b"x"], content_length="9" * 5000))
    assert sent[0]["status"] == 413


def test_a_streamed_body_is_refused_once_it_is_too_large(server: Server) -> None:
    """413 without Content-Length: after the limit nothing more is received, whatever the client would still send."""
    sent, received = asyncio.run(talk(server.app, [b"x" * 1000] * 100))
    assert (sent[0]["status"], received) == (413, 5)
    assert server.otlp.statistics().refused == {"limit_exceeded": 1}


def test_a_body_of_exactly_the_limit_is_taken(server: Server) -> None:
    """The limit itself is allowed."""
    body = sample_body(Signal.TRACES)
    padding = 4096 - len(body) - 4  # an unknown field of two bytes' tag and length
    whole = body + b"\xfa\x3e" + bytes([padding & 127 | 128, padding >> 7]) + bytes(padding)
    assert (len(whole), server.post(Signal.TRACES, whole).status_code) == (4096, 200)
    assert server.post(Signal.TRACES, whole + b"\x00").status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_a_413(server: Server, encoding: str) -> None:
    """A small body that inflates beyond the limit."""
    answer = server.post(Signal.TRACES, ENCODERS[encoding](bytes(1024 * 1024)), Content_Encoding=encoding)
    assert answer.status_code == 413


def test_overload_is_a_429_with_retry_after(server: Server) -> None:
    """'The server MAY include Retry-After' in seconds; the client may send the same again."""
    server.acceptor.refusal = Overloaded("queues are full", retry_after_s=2.2)
    answer = server.post(Signal.LOGS, sample_body(Signal.LOGS))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert status_pb2.Status.FromString(answer.content).code == 8


def test_a_failing_disk_is_a_503_with_retry_after(server: Server) -> None:
    """What is not durable is not acknowledged."""
    server.acceptor.failure = JournalError("no space left")
    answer = server.post(Signal.LOGS, sample_body(Signal.LOGS))
    assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (503, True)
    assert server.otlp.statistics().accepted[Signal.LOGS] == 0


def test_too_many_bytes_in_flight_is_a_429() -> None:
    """Bodies that wait for the disk count; when they are done there is room again."""
    server = Server(HttpOptions(in_flight_bytes_max=1024 * 1024, body_bytes_max=1024 * 1024))
    server.acceptor.hold = True
    big = trace_request(1)
    big.resource_spans[0].scope_spans[0].spans[0].name = "x" * 600_000
    body = big.SerializeToString()

    async def story() -> tuple[int, int]:
        first = asyncio.create_task(talk(server.app, [body]))
        assert await asyncio.to_thread(server.acceptor.wait, 1)
        second, _ = await talk(server.app, [body])
        server.acceptor.hold = False
        server.acceptor.release()
        sent, _ = await first
        return sent[0]["status"], second[0]["status"]

    assert asyncio.run(story()) == (200, 429)
    assert server.post(Signal.TRACES, body).status_code == 200


def test_nothing_is_acknowledged_before_it_is_durable() -> None:
    """The answer waits for the acceptor's future."""
    server = Server()
    server.acceptor.hold = True

    async def story() -> int:
        task = asyncio.create_task(talk(server.app, [sample_body(Signal.TRACES)]))
        assert await asyncio.to_thread(server.acceptor.wait, 1)
        assert not task.done()
        assert server.otlp.statistics().in_flight == 1
        server.acceptor.release()
        sent, _ = await task
        status: int = sent[0]["status"]
        return status

    assert asyncio.run(story()) == 200
    assert server.otlp.statistics().in_flight == 0


def test_a_cancelled_request_leaves_the_acceptor_alone() -> None:
    """A task that ends early must not cancel the journal's future."""
    server = Server()
    server.acceptor.hold = True

    async def story() -> None:
        task = asyncio.create_task(talk(server.app, [sample_body(Signal.TRACES)]))
        assert await asyncio.to_thread(server.acceptor.wait, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.acceptor.release()

    asyncio.run(story())
    assert server.otlp.statistics().in_flight == 0


@pytest.mark.parametrize("chunks", [[], [sample_body(Signal.TRACES)[:20]], [sample_body(Signal.TRACES)]])
def test_a_client_that_hangs_up_stores_nothing(server: Server, chunks: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    """Mid body: no crash, no record, counted; even if what came would be a whole request."""
    with caplog.at_level(logging.WARNING):
        asyncio.run(talk(server.app, chunks, hang_up=True))
    assert (server.acceptor.batches, caplog.records) == ([], [])
    assert server.otlp.statistics().refused == {"hang_up": 1}


def test_large_bodies_are_checked_beside_the_event_loop() -> None:
    """A body over the thread's threshold is answered like any other."""
    server = Server(HttpOptions())
    request = trace_request(5000)
    assert server.post(Signal.TRACES, request.SerializeToString()).status_code == 200
    assert server.acceptor.records == 5000


def test_statistics_add_up(server: Server) -> None:
    """Requests, records, refusals by code, bytes before and after inflating."""
    body = sample_body(Signal.TRACES)
    packed = gzip.compress(body)
    server.post(Signal.TRACES, packed, Content_Encoding="gzip")
    server.post(Signal.TRACES, trace_request(1, start_ns=2**63).SerializeToString())
    server.post(Signal.LOGS, b"\xff")
    statistics = server.otlp.statistics()
    assert statistics.requests == {Signal.TRACES: 2, Signal.LOGS: 1, Signal.METRICS: 0}
    assert (statistics.accepted[Signal.TRACES], statistics.rejected[Signal.TRACES]) == (2, 1)
    assert statistics.rejected_by_reason == {"time_out_of_range": 1}
    assert statistics.refused == {"parse_error": 1}
    assert statistics.inflated_bytes - statistics.received_bytes == len(body) - len(packed)


def test_routes_are_enough_for_an_application() -> None:
    """The function gives the three routes, ready to mount."""
    listed = routes(Door(), FakeAcceptor(), ReplayClock(NOW_NS, speed=0))
    assert [route.path for route in listed] == ["/v1/traces", "/v1/logs", "/v1/metrics"]


FUZZED = Server()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    signal=st.sampled_from(list(PATHS)),
    media_type=st.sampled_from([PROTOBUF, JSON, "text/plain", ""]),
    encoding=st.sampled_from(["", "identity", "gzip", "deflate", "zstd", "br"]),
    packed=st.booleans(),
    data=st.data(),
)
def test_no_input_is_a_500(signal: Signal, media_type: str, encoding: str, packed: bool, data: st.DataObject) -> None:
    """Random and mutated bodies under right and wrong headers end in 200, 400, 413 or 415."""
    valid = json.dumps(TRACE_JSON).encode() if media_type == JSON else sample_body(signal)
    body = bytearray(data.draw(st.sampled_from([valid, b""])) or data.draw(st.binary(max_size=100)))
    for _ in range(data.draw(st.integers(0, 3))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    content = ENCODERS[encoding](bytes(body)) if packed and encoding in ENCODERS else bytes(body)
    answer = FUZZED.post(signal, content, media_type, Content_Encoding=encoding)
    assert answer.status_code in {200, 400, 413, 415}


async def talk(
    app: Starlette, chunks: list[bytes], *, content_length: str | None = None, hang_up: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """Speak ASGI: what the application sent, and how many messages it received."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if hang_up else {"type": "http.request", "body": b"", "more_body": False})
    received = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", PROTOBUF.encode())]
    if content_length is not None:
        headers.append((b"content-length", content_length.encode()))
    scope = {"type": "http", "method": "POST", "path": "/v1/traces", "headers": headers, "query_string": b"", "root_path": "", "app": app}
    await app(scope, receive, send)
    return sent, received
