"""OTLP over gRPC, as a client sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.wire.builders import NOW_NS, log_request, sample_body, trace_request

from tocsin.clock import ReplayClock
from tocsin.errors import ConfigError, JournalError, Overloaded
from tocsin.model.signal import Signal
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.door import Door
from tocsin.wire.options import GrpcOptions
from tocsin.wire.otlp_grpc import DETAILS_KEY, METHODS, GrpcServer
from tocsin.wire.twin import REQUEST_NAMES

PATHS = {signal: method for method, signal in METHODS.items()}
TIMEOUT_S = 20.0


class Client:
    """Raw calls: bytes out, bytes back."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def call(self, method: str, body: bytes, **options: Any) -> bytes:
        """Call and return the answer; grpc.RpcError when refused."""
        answer: bytes = self.channel.unary_unary(method)(body, timeout=TIMEOUT_S, **options)
        return answer

    def start(self, method: str, body: bytes) -> Any:
        """Call without waiting."""
        return self.channel.unary_unary(method).future(body, timeout=TIMEOUT_S)

    def refusal(self, method: str, body: bytes) -> Any:
        """The error that the call ends in."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(method, body)
        return caught.value


@contextmanager
def serving(options: GrpcOptions | None = None) -> Iterator[tuple[GrpcServer, FakeAcceptor, Client]]:
    """A server on a free port, its acceptor and a client."""
    acceptor = FakeAcceptor()
    server = GrpcServer("127.0.0.1:0", Door(), acceptor, ReplayClock(NOW_NS, speed=0), options)
    client = Client(server.start())
    try:
        yield server, acceptor, client
    finally:
        acceptor.hold = False
        acceptor.release()
        client.channel.close()
        server.stop(0)


def retry_delay_s(error: Any) -> float | None:
    """The RetryInfo in the error's details, None without one; the status there must repeat code and message."""
    details = dict(error.trailing_metadata())[DETAILS_KEY]
    status = status_pb2.Status.FromString(details)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    info = error_details_pb2.RetryInfo()
    return info.retry_delay.ToMilliseconds() / 1000 if status.details and status.details[0].Unpack(info) else None


@pytest.mark.parametrize("signal", list(REQUEST_NAMES))
@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_each_service_takes_each_compression(signal: Signal, compression: Any) -> None:
    """'Export' of the three services; an empty response is full success."""
    with serving() as (server, acceptor, client):
        assert client.call(PATHS[signal], sample_body(signal), compression=compression) == b""
        assert [(batch.signal, batch.body) for batch in acceptor.batches] == [(signal, sample_body(signal))]
        assert server.statistics().accepted[signal] == acceptor.records


def test_an_empty_request_is_a_success() -> None:
    """Nothing to store, nothing to complain about."""
    with serving() as (_, acceptor, client):
        assert client.call(PATHS[Signal.METRICS], b"") == b""
        assert acceptor.batches == []


def test_partial_success_as_over_http() -> None:
    """OK with the count of what was rejected and why."""
    with serving() as (server, acceptor, client):
        request = trace_request(3)
        request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
        answer = ExportTraceServiceResponse.FromString(client.call(PATHS[Signal.TRACES], request.SerializeToString()))
        assert answer.partial_success.rejected_spans == 1
        assert "trace_id" in answer.partial_success.error_message
        assert acceptor.records == 2
        late = client.call(PATHS[Signal.LOGS], log_request(2, time_ns=2**63).SerializeToString())
        assert ExportLogsServiceResponse.FromString(late).partial_success.rejected_log_records == 2
        assert server.statistics().rejected_by_reason == {"trace_id": 1, "time_out_of_range": 2}


def test_what_does_not_parse_is_invalid_argument() -> None:
    """Not retryable: no RetryInfo."""
    with serving() as (server, _, client):
        error = client.refusal(PATHS[Signal.TRACES], b"\xff\xff")
        assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.INVALID_ARGUMENT, None)
        assert server.statistics().refused == {"parse_error": 1}


def test_overload_is_resource_exhausted_with_retry_info() -> None:
    """Without the RetryInfo a client would drop its data."""
    with serving() as (_, acceptor, client):
        acceptor.refusal = Overloaded("queues are full", retry_after_s=2.5)
        error = client.refusal(PATHS[Signal.LOGS], sample_body(Signal.LOGS))
        assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 2.5)


def test_a_failing_disk_is_unavailable_with_retry_info() -> None:
    """What is not durable is not acknowledged."""
    with serving() as (server, acceptor, client):
        acceptor.failure = JournalError("no space left")
        error = client.refusal(PATHS[Signal.LOGS], sample_body(Signal.LOGS))
        assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.UNAVAILABLE, 5.0)
        assert server.statistics().accepted[Signal.LOGS] == 0


@pytest.mark.parametrize("method", ["/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/x.Y/Export"])
def test_other_methods_are_unimplemented(method: str) -> None:
    """As the specification of gRPC says."""
    with serving() as (_, _, client):
        assert client.refusal(method, b"").code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_refused(compression: Any) -> None:
    """Measured after inflating, so that a small bomb is refused too."""
    with serving(GrpcOptions(inflated_bytes_max=4096)) as (_, acceptor, client):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(PATHS[Signal.TRACES], bytes(1024 * 1024), compression=compression)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert acceptor.batches == []


def test_calls_beyond_the_bound_are_told_to_come_back() -> None:
    """With calls_max calls in flight the next one gets RESOURCE_EXHAUSTED and RetryInfo; the others end well."""
    with serving(GrpcOptions(threads=3, calls_max=2, retry_after_s=1.5)) as (server, acceptor, client):
        acceptor.hold = True
        body = sample_body(Signal.TRACES)
        held = [client.start(PATHS[Signal.TRACES], body) for _ in range(2)]
        assert acceptor.wait(2)
        assert server.statistics().in_flight == 2
        error = client.refusal(PATHS[Signal.TRACES], body)
        assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 1.5)
        acceptor.hold = False
        acceptor.release()
        assert [call.result(TIMEOUT_S) for call in held] == [b"", b""]
        assert client.call(PATHS[Signal.TRACES], body) == b""


def test_a_client_that_goes_away_leaves_no_trace() -> None:
    """A cancelled call frees its place; its batch may be stored, as it was never refused."""
    with serving(GrpcOptions(threads=2, calls_max=1)) as (_, acceptor, client):
        acceptor.hold = True
        call = client.start(PATHS[Signal.TRACES], sample_body(Signal.TRACES))
        assert acceptor.wait(1)
        call.cancel()
        acceptor.hold = False
        acceptor.release()
        gone = threading.Event()
        for _ in range(200):
            try:
                assert client.call(PATHS[Signal.TRACES], b"") == b""
                gone.set()
                break
            except grpc.RpcError:
                continue
        assert gone.is_set()


def test_a_port_that_is_taken_is_a_config_error() -> None:
    """Found at start, with the address."""
    with serving() as (server, acceptor, _):
        other = GrpcServer(f"127.0.0.1:{server.port}", Door(), acceptor, ReplayClock(NOW_NS, speed=0))
        with pytest.raises(ConfigError, match=str(server.port)):
            other.start()
        other.stop()


def test_stop_lets_calls_in_flight_end() -> None:
    """Within the grace, what was taken is still answered; stopping twice is fine."""
    with serving() as (server, acceptor, client):
        acceptor.hold = True
        call = client.start(PATHS[Signal.TRACES], sample_body(Signal.TRACES))
        assert acceptor.wait(1)
        stopping = threading.Thread(target=server.stop, args=(10,))
        stopping.start()
        acceptor.release()
        assert call.result(TIMEOUT_S) == b""
        stopping.join(TIMEOUT_S)
        assert not stopping.is_alive()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Client]:
    """One server for all random calls."""
    with serving() as (_, _, client):
        yield client


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(signal=st.sampled_from(list(REQUEST_NAMES)), data=st.data())
def test_any_bytes_are_taken_or_invalid(fuzzed: Client, signal: Signal, data: st.DataObject) -> None:
    """Mutated requests end in OK or INVALID_ARGUMENT, never in UNKNOWN or INTERNAL."""
    body = bytearray(sample_body(signal))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        fuzzed.call(PATHS[signal], bytes(body))
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017 (either outcome is right)
