"""
Lab 1: structured logging and correlation.

Two requests, one of them fails. Their log lines go the way of all telemetry: as OTLP into the journal, from there into the engine. Then
three questions: what is there, which retrievals failed, and what is the whole story of the failing request?

Takeaway: because every line shares a request_id, one call of correlate() gives the path of one request out of the mixed stream, and
query(event="tool", error=True) finds failures across all requests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tocsin.app.house import House, options_for
from tocsin.model.batch import Batch
from tocsin.model.instant import parse_instant
from tocsin.model.signal import Signal
from tocsin.query.desk import Desk

START = parse_instant("2026-03-02T09:30:00Z")
STEP_NS = 50_000_000
ERROR, INFO = 17, 9

# Interleaved, as they come when many requests run at once: only request_id says which line belongs to whom.
RECORDS: tuple[dict[str, Any], ...] = (
    {"request_id": "req-A", "event": "request", "tenant": "acme", "question": "How long does shipping take?"},
    {"request_id": "req-B", "event": "request", "tenant": "acme", "question": "Which kettle fits a gas stove?"},
    {"request_id": "req-A", "event": "tool", "tool": "retrieve", "latency_ms": 120, "error": False},
    {"request_id": "req-A", "event": "response", "status": 200},
    {"request_id": "req-B", "event": "tool", "tool": "retrieve", "latency_ms": 5000, "error": True},
    {"request_id": "req-B", "event": "response", "status": 503},
)


def main(say: Callable[[str], None] = print) -> None:
    """Run the lab; `say` takes each line that it shows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-lab-") as folder, House(options_for(Path(folder))) as house:
        house.accept(Batch(Signal.LOGS, as_otlp(RECORDS), len(RECORDS))).result()  # returns once it is on disk for good
        house.settle()  # ... and in the engine
        show(house.desk, say)


def show(desk: Desk, say: Callable[[str], None]) -> None:
    """The three sections."""

    def query(**fields: Any) -> list[dict[str, Any]]:
        return [record.attributes for record in desk.logs(order="oldest", **fields).records]

    def correlate(request_id: str) -> list[dict[str, Any]]:
        return [entry.log.attributes for entry in desk.correlate(request_id).entries if entry.log]

    say("==== A. STRUCTURED LOGS: every line is a record that can be queried ====")
    for record in query():
        say(f"   {record}")
    say("==== B. QUERY: which retrievals failed, across all requests? ====")
    for record in query(event="tool", tool="retrieve", error=True):
        say(f"   {record}")
    say("==== C. CORRELATE: the whole story of the failing request (req-B) ====")
    for record in correlate("req-B"):
        say(f"   {record}")


def as_otlp(records: tuple[dict[str, Any], ...]) -> bytes:
    """The records as the body of an OTLP request, as any OpenTelemetry exporter would write it."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "assistant"
    scope_logs = resource_logs.scope_logs.add()
    for number, fields in enumerate(records):
        failed = fields.get("error") is True or fields.get("status", 0) >= 500
        record = scope_logs.log_records.add(
            time_unix_nano=START + number * STEP_NS,
            severity_number=ERROR if failed else INFO,
            severity_text="ERROR" if failed else "INFO",
        )
        record.body.string_value = fields["event"]
        for key, value in fields.items():
            _set_value(record.attributes.add(key=key).value, value)
    return bytes(request.SerializeToString())


def _set_value(target: Any, value: str | bool | int) -> None:
    if isinstance(value, bool):  # first, because True is an int too
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    else:
        target.string_value = value
