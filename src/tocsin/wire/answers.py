"""
What a sender is told when its request was taken: `Export{Trace,Logs,Metrics}ServiceResponse`.

`partial_success` is set only when something was rejected: an empty response is the protocol's word for 'all of it'.
Source: OTLP 1.x, sections 'Full Success' and 'Partial Success'.
"""

from __future__ import annotations

from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from tocsin.model.signal import Signal
from tocsin.wire.door import Checked

_RESPONSES: dict[Signal, tuple[Any, str, str]] = {  # message, its count's name in protobuf and in JSON
    Signal.TRACES: (trace_service_pb2.ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    Signal.LOGS: (logs_service_pb2.ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    Signal.METRICS: (metrics_service_pb2.ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
}


def protobuf_response(signal: Signal, checked: Checked) -> bytes:
    """The serialized response."""
    if not checked.rejected:
        return b""
    message_class, name, _ = _RESPONSES[signal]
    response = message_class()
    setattr(response.partial_success, name, checked.rejected)
    response.partial_success.error_message = checked.message
    data: bytes = response.SerializeToString()
    return data


def json_response(signal: Signal, checked: Checked) -> bytes:
    """The response in OTLP JSON: 64-bit numbers are strings."""
    if not checked.rejected:
        return b"{}"
    name = _RESPONSES[signal][2]
    return orjson.dumps({"partialSuccess": {name: str(checked.rejected), "errorMessage": checked.message}})
