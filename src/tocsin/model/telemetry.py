"""Telemetry as it is read back: log records, spans with their events and links. Shapes follow the OTLP data model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from tocsin.model.instant import Instant

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler


class AnyJson:
    """Tells pydantic to take a value as it is: following the alias below into itself, it would never come back."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        from pydantic_core import core_schema

        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"description": 'Any JSON value; bytes as {"$bytes": "<base64>"}.'}


AttributeValue: TypeAlias = "Annotated[str | bool | int | float | None | list[AttributeValue] | dict[str, AttributeValue], AnyJson()]"
Attributes: TypeAlias = dict[str, AttributeValue]  # bytes are written as {"$bytes": "<base64>"}

SPAN_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")  # by OTLP number
SPAN_STATUSES = ("unset", "ok", "error")  # by OTLP number


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record. `trace_id` (32 hex digits) and `span_id` (16) are empty when the record carries none."""

    time: Instant
    observed_time: Instant
    service: str
    severity_number: int
    severity_text: str
    body: AttributeValue
    event_name: str
    trace_id: str
    span_id: str
    attributes: Attributes
    resource: Attributes
    scope_name: str = ""
    scope_version: str = ""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at a moment inside a span, an exception for example."""

    time: Instant
    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A pointer from a span to another one, in the same trace or elsewhere."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """
    One operation of one service. `kind` is out of SPAN_KINDS, `status` out of SPAN_STATUSES; `parent_span_id` is empty for a root.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start: Instant
    duration_ns: int
    status: str
    status_message: str
    trace_state: str
    attributes: Attributes
    resource: Attributes
    scope_name: str = ""
    scope_version: str = ""
    events: list[SpanEvent] = field(default_factory=list)
    links: list[SpanLink] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The instant at which it ended, nanoseconds since 1970-01-01 UTC."""
        return self.start + self.duration_ns
