"""
OTLP over gRPC: the three Export services, bytes in and bytes out.

gRPC's own core inflates gzip and deflate and enforces the message size; no Python message is made of a request here.
A call waits in its thread until the disk has its batch, so the threads bound what is held; calls beyond `calls_max` are told to
come back, with the RetryInfo without which a client would drop its data.

Source: OTLP 1.x, section 'OTLP/gRPC'.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import Any, NoReturn

import grpc

from tocsin.clock import Clock
from tocsin.errors import ConfigError, JournalError, Overloaded, TocsinError
from tocsin.model.batch import Acceptor
from tocsin.model.signal import Signal
from tocsin.wire.answers import protobuf_response
from tocsin.wire.door import Door
from tocsin.wire.options import GrpcOptions
from tocsin.wire.rpc_status import protobuf_status, rpc_code
from tocsin.wire.traffic import Traffic, TrafficStatistics

METHODS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": Signal.TRACES,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": Signal.LOGS,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Signal.METRICS,
}
DETAILS_KEY = "grpc-status-details-bin"
CALLS_HARD_FACTOR = 4  # above calls_max calls still get their RetryInfo; above this multiple gRPC's core cuts them off
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcServer:
    """
    A gRPC server with the three Export services.

    Args:
        address: `host:port`; port 0 takes a free one.
        door: Checks what comes in.
        accept: Takes what passed, for good.
        clock: The present, against which the door judges times.
        options: Limits.
    """

    def __init__(self, address: str, door: Door, accept: Acceptor, clock: Clock, options: GrpcOptions | None = None) -> None:
        self._address = address
        self._door = door
        self._accept = accept
        self._clock = clock
        self._options = options or GrpcOptions()
        self._traffic = Traffic()
        self._pool = _CountingPool(self._options.threads)
        self._server: Any = None
        self.port = 0

    def start(self) -> int:
        """
        Start to serve.

        Returns:
            The port that it listens on, also as `port`.

        Raises:
            ConfigError: The address can't be listened on.
        """
        options = self._options
        self._server = grpc.server(
            self._pool,
            handlers=(_Handlers(self._handler),),
            options=(
                ("grpc.max_receive_message_length", options.inflated_bytes_max),
                ("grpc.so_reuseport", 0),  # two processes on one port must be a mistake that is seen, not a coin thrown per call
            ),
            maximum_concurrent_rpcs=options.calls_max * CALLS_HARD_FACTOR,
        )
        try:
            self.port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            self._server = None
            self._pool.shutdown()
            raise ConfigError(f"cannot listen on {self._address} for gRPC: is the port taken? ({error})", key="server.grpc") from error
        self._server.start()
        return self.port

    def stop(self, grace_s: float = 5.0) -> None:
        """Take no more calls, let those in flight end for up to `grace_s` seconds, then cut them off. Idempotent."""
        if self._server is not None:
            self._server.stop(grace_s).wait()
            self._server = None
        self._pool.shutdown(wait=True)

    def statistics(self) -> TrafficStatistics:
        """Counts since start."""
        return self._traffic.statistics()

    def _handler(self, method: str) -> Any:
        signal = METHODS.get(method)
        if signal is None:
            return None  # gRPC answers UNIMPLEMENTED
        behaviour = self._refuse if self._pool.pending >= self._options.calls_max else self._export
        return grpc.unary_unary_rpc_method_handler(partial(behaviour, signal))

    def _export(self, signal: Signal, body: bytes, context: grpc.ServicerContext) -> bytes:
        with self._traffic.request(signal):
            self._traffic.count_body(received_bytes=len(body), inflated_bytes=len(body))
            try:
                checked = self._door.check(signal, body, now_ns=self._clock.now_ns())
                if checked.batch is not None:
                    _wait(self._accept(checked.batch))
            except TocsinError as error:
                self._abort(error, context)
            self._traffic.count_answered(signal, checked)
            return protobuf_response(signal, checked)

    def _refuse(self, signal: Signal, _body: bytes, context: grpc.ServicerContext) -> bytes:
        options = self._options
        with self._traffic.request(signal):
            message = f"more than {options.calls_max} calls are in flight; send again later"
            self._abort(Overloaded(message, retry_after_s=options.retry_after_s), context)

    def _abort(self, error: TocsinError, context: grpc.ServicerContext) -> NoReturn:
        self._traffic.count_refused(error.code)
        context.set_trailing_metadata(((DETAILS_KEY, protobuf_status(error)),))
        context.abort(_STATUS_CODES[rpc_code(error)], str(error))
        raise AssertionError("abort raises")


def _wait(future: futures.Future[None]) -> None:
    try:
        future.result()
    except futures.CancelledError as error:
        raise JournalError("the journal was closed before the batch was durable; send it again") from error


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the handler of a method; runs before the call is queued, so it sees how many wait."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def service(self, handler_call_details: Any) -> Any:
        """The handler, None for a method that is not ours."""
        return self._find(handler_call_details.method)


class _CountingPool(futures.ThreadPoolExecutor):
    """A thread pool that knows how many calls are queued or running; the standard one keeps that to itself."""

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads, thread_name_prefix="otlp-grpc")
        self.pending = 0
        self._count_lock = threading.Lock()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        """Queue a call; counted until it is done, failed or cancelled."""
        with self._count_lock:
            self.pending += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: futures.Future[Any]) -> None:
        with self._count_lock:
            self.pending -= 1
