"""Log records as an OTLP request, for tests that need telemetry to flow."""

from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tocsin.model.batch import Batch
from tocsin.model.instant import parse_instant
from tocsin.model.signal import Signal

START = parse_instant("2026-03-02T09:30:00Z")


def logs_body(*bodies: str, service: str = "assistant", time_ns: int = START) -> bytes:
    """A serialized request with one record per body, a millisecond apart."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = service
    scope_logs = resource_logs.scope_logs.add()
    for number, body in enumerate(bodies):
        record = scope_logs.log_records.add(time_unix_nano=time_ns + number * 1_000_000, severity_number=9)
        record.body.string_value = body
    return bytes(request.SerializeToString())


def logs_batch(*bodies: str) -> Batch:
    """The same as a batch that the door has let in."""
    return Batch(Signal.LOGS, logs_body(*bodies), len(bodies))
