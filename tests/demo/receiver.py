"""An OTLP/HTTP receiver that keeps what it is sent, parsed by the published protobuf classes: what any backend would see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


class Receiver:
    """What arrived: spans, log records and metrics as (service name, message) pairs."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.logs: list[tuple[str, Any]] = []
        self.metrics: list[tuple[str, Any]] = []
        self.address = ""
        self._arrived = threading.Condition()

    def take(self, path: str, body: bytes) -> None:
        """Parse and keep one request."""
        with self._arrived:
            if path == "/v1/traces":
                traces = ExportTraceServiceRequest.FromString(body).resource_spans
                self.spans += [(_service(r), span) for r in traces for scope in r.scope_spans for span in scope.spans]
            elif path == "/v1/logs":
                logs = ExportLogsServiceRequest.FromString(body).resource_logs
                self.logs += [(_service(r), record) for r in logs for scope in r.scope_logs for record in scope.log_records]
            else:
                metrics = ExportMetricsServiceRequest.FromString(body).resource_metrics
                self.metrics += [(_service(r), metric) for r in metrics for scope in r.scope_metrics for metric in scope.metrics]
            self._arrived.notify_all()

    def wait_for(self, condition: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until the condition on what arrived holds; False when the time is over."""
        with self._arrived:
            return self._arrived.wait_for(condition, timeout_s)


def values(attributes: Any) -> dict[str, Any]:
    """OTLP attributes as a dictionary."""
    return {pair.key: _value(pair) for pair in attributes}


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free loopback port, stopped at the end."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            kept.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _service(resource: Any) -> str:
    return str(values(resource.resource.attributes)["service.name"])


def _value(pair: KeyValue) -> Any:
    value: AnyValue = pair.value
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [getattr(item, str(item.WhichOneof("value"))) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
