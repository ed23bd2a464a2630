"""The OpenTelemetry SDK, which nobody here wrote, exporting to both doors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from starlette.applications import Starlette
from tests.wire.builders import StoredForm

from tocsin.api.errors import install
from tocsin.api.otlp_http import routes
from tocsin.clock import RealClock
from tocsin.errors import Overloaded
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.door import Door
from tocsin.wire.otlp_grpc import GrpcServer

RESOURCE = Resource({"service.name": "shop", "process.command_args": ["shop", "--fast"]})
STORED = StoredForm()
pytestmark = pytest.mark.slow


class OnePushBack(FakeAcceptor):
    """Refuses the first batch as overloaded, takes the rest."""

    pushed_back = 0

    def __call__(self, batch: Batch) -> Any:
        """Refuse once."""
        if not self.pushed_back:
            self.pushed_back += 1
            raise Overloaded("full", retry_after_s=0.1)
        return super().__call__(batch)


@contextmanager
def http_server(acceptor: FakeAcceptor) -> Iterator[str]:
    """The routes behind a real uvicorn on a free port; its address."""
    app = Starlette(routes=routes(Door(), acceptor, RealClock()))
    install(app)
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def grpc_server(acceptor: FakeAcceptor) -> Iterator[str]:
    """A gRPC server on a free port; its address."""
    server = GrpcServer("127.0.0.1:0", Door(), acceptor, RealClock())
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop(1)


def send_all(spans: Any, logs: Any, metrics: Any) -> None:
    """A span with an event and an exception, a log line with a list, a counter and a histogram; flushed and shut down."""
    tracer_provider = TracerProvider(resource=RESOURCE)
    tracer_provider.add_span_processor(BatchSpanProcessor(spans))
    logger_provider = LoggerProvider(resource=RESOURCE)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    meter_provider = MeterProvider([PeriodicExportingMetricReader(metrics, export_interval_millis=60_000)], resource=RESOURCE)
    logger = logging.getLogger("shop")
    handler = LoggingHandler(logger_provider=logger_provider)
    logger.addHandler(handler)
    try:
        with tracer_provider.get_tracer("shop").start_as_current_span("checkout", attributes={"items": [1, 2]}) as span:
            span.add_event("packed", {"box": "small"})
            logger.warning("paid %s", 12.5, extra={"tags": ["a", "b"]})
            meter = meter_provider.get_meter("shop")
            meter.create_counter("orders").add(1, {"ok": True})
            meter.create_histogram("seconds").record(0.2)
        for provider in (tracer_provider, logger_provider, meter_provider):
            assert provider.force_flush()
    finally:
        logger.removeHandler(handler)
        for provider in (tracer_provider, logger_provider, meter_provider):
            provider.shutdown()


def check_all(acceptor: FakeAcceptor) -> None:
    """What `send_all` sends is there, decoded as the store will."""
    stored = {batch.signal: STORED.read(batch.signal, batch.body) for batch in acceptor.batches}
    span = stored[Signal.TRACES].resource_spans[0].scope_spans[0].spans[0]
    resource = {item.key: item.value for item in stored[Signal.TRACES].resource_spans[0].resource.attributes}
    assert (span.name, span.events[0].name, span.attributes[0].value.json_value) == ("checkout", "packed", "[1,2]")
    assert resource["process.command_args"].json_value == '["shop","--fast"]'
    record = stored[Signal.LOGS].resource_logs[0].scope_logs[0].log_records[0]
    assert (record.body.string_value, record.trace_id, record.severity_number) == ("paid 12.5", span.trace_id, 13)
    assert {item.key: item.value.json_value for item in record.attributes}["tags"] == '["a","b"]'
    names = [metric.name for metric in stored[Signal.METRICS].resource_metrics[0].scope_metrics[0].metrics]
    assert names == ["orders", "seconds"]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_sdk_over_http(compression: Compression) -> None:
    """All three signals in protobuf, plain and compressed."""
    acceptor = FakeAcceptor()
    with http_server(acceptor) as url:
        send_all(
            HttpSpans(f"{url}/v1/traces", compression=compression),
            HttpLogs(f"{url}/v1/logs", compression=compression),
            HttpMetrics(f"{url}/v1/metrics", compression=compression),
        )
    check_all(acceptor)


def test_sdk_over_grpc() -> None:
    """All three signals."""
    acceptor = FakeAcceptor()
    with grpc_server(acceptor) as url:
        send_all(GrpcSpans(url, insecure=True), GrpcLogs(url, insecure=True), GrpcMetrics(url, insecure=True))
    check_all(acceptor)


def test_sdk_comes_back_after_push_back_over_http() -> None:
    """A 429 with Retry-After is tried again by the exporter, and nothing is lost."""
    acceptor = OnePushBack()
    with http_server(acceptor) as url:
        provider = TracerProvider(resource=RESOURCE)
        provider.add_span_processor(BatchSpanProcessor(HttpSpans(f"{url}/v1/traces")))
        provider.get_tracer("shop").start_span("checkout").end()
        assert provider.force_flush()
        provider.shutdown()
    assert acceptor.pushed_back == 1
    assert acceptor.records == 1


def test_sdk_comes_back_after_push_back_over_grpc() -> None:
    """RESOURCE_EXHAUSTED with RetryInfo is tried again by the exporter, and nothing is lost."""
    acceptor = OnePushBack()
    with grpc_server(acceptor) as url:
        provider = TracerProvider(resource=RESOURCE)
        provider.add_span_processor(BatchSpanProcessor(GrpcSpans(url, insecure=True)))
        provider.get_tracer("shop").start_span("checkout").end()
        assert provider.force_flush()
        provider.shutdown()
    assert acceptor.pushed_back == 1
    assert acceptor.records == 1
