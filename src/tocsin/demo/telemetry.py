"""
OpenTelemetry as a service team would set it up: three signals, one resource, OTLP over HTTP with protobuf.

The only unusual thing is the haste: batches leave every second and metrics every five, because somebody is looking on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tocsin.demo.request_id import RequestIdFilter

BATCH_INTERVAL_MS = 1_000
METRIC_INTERVAL_MS = 5_000
EXPORT_TIMEOUT_S = 5

_CHATTY = ("httpx", "urllib3", "werkzeug", "uvicorn")  # a line per request each, all of it in the spans already


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The running providers of one service."""

    traces: TracerProvider
    logs: LoggerProvider
    metrics: MeterProvider

    def shutdown(self) -> None:
        """Send what is still waiting; returns after EXPORT_TIMEOUT_S per signal even if nobody answers."""
        self.traces.shutdown()
        self.metrics.shutdown(timeout_millis=EXPORT_TIMEOUT_S * 1000)
        self.logs.shutdown()


def start_telemetry(service: str, endpoint: str, version: str) -> Telemetry:
    """
    Make the global providers and send the standard library's log records through them.

    Args:
        service: `service.name` of everything that leaves.
        endpoint: Base address of an OTLP/HTTP receiver, `http://127.0.0.1:4318`.
        version: `service.version` of the same.
    """
    base = endpoint.rstrip("/")
    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": "shop",
            "service.version": version,
            "service.instance.id": f"{service}-1",
            "deployment.environment.name": "demo",
        }
    )
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=EXPORT_TIMEOUT_S), schedule_delay_millis=BATCH_INTERVAL_MS
        )
    )
    trace.set_tracer_provider(traces)

    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(
            OTLPLogExporter(endpoint=f"{base}/v1/logs", timeout=EXPORT_TIMEOUT_S), schedule_delay_millis=BATCH_INTERVAL_MS
        )
    )
    set_logger_provider(logs)

    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=EXPORT_TIMEOUT_S), export_interval_millis=METRIC_INTERVAL_MS
    )
    meters = MeterProvider(metric_readers=[reader], resource=resource)
    metrics.set_meter_provider(meters)

    _route_logging(logs)
    return Telemetry(traces=traces, logs=logs, metrics=meters)


def _route_logging(provider: LoggerProvider) -> None:
    handler = LoggingHandler(level=logging.INFO, logger_provider=provider)
    handler.addFilter(RequestIdFilter())
    # An exporter that cannot deliver says so on the service's own standard error, never through the exporter.
    handler.addFilter(lambda record: not record.name.startswith("opentelemetry"))
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    root.addHandler(console)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
