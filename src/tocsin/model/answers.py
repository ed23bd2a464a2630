"""What questions return: pages of logs, traces as trees, services, errors, tables. Frozen, JSON by pydantic's ordinary rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tocsin.model.instant import Instant
from tocsin.model.telemetry import LogRecord, Span


@dataclass(frozen=True, slots=True)
class LogPage:
    """Log records in the asked order; `next_cursor` continues after the last one, None at the end."""

    records: list[LogRecord]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class HistogramBucket:
    """Log records whose time falls in [start, start + step): all of them, and those of severity ERROR (17) and above."""

    start: Instant
    count: int
    errors: int


@dataclass(frozen=True, slots=True)
class LogHistogram:
    """Counts over time; every bucket of the range is there, empty ones with count 0. `step_ns` is a bucket's width."""

    step_ns: int
    buckets: list[HistogramBucket]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a field and how many log records carry it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The commonest values of one field among the matching log records."""

    field: str
    values: list[FacetValue]


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One moment of a story: one of `log` and `span` is set; `matched` names why it belongs (`trace_id`, `attribute request_id`)."""

    time: Instant
    service: str
    matched: str
    log: LogRecord | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that carries an id, or shares a trace with what carries it, in time order. `truncated` when a limit cut it."""

    id: str
    entries: list[StoryEntry]
    trace_ids: list[str]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in a list: its root (or earliest span when the root is missing), size and services."""

    trace_id: str
    root_service: str
    root_name: str
    start: Instant
    duration_ns: int
    spans: int
    errors: int
    services: list[str]


@dataclass(frozen=True, slots=True)
class TracePage:
    """Traces in the asked order; `next_cursor` continues, None at the end."""

    traces: list[TraceSummary]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class TraceNode:
    """
    A span in its tree.

    `self_time_ns` is the time that no child covers; `critical_ns` the time this span itself is on the critical path;
    `orphan` says that its parent is named but was never received.
    """

    span: Span
    depth: int
    self_time_ns: int
    critical_ns: int
    orphan: bool
    children: list[TraceNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The span that holds most of the critical path, and a sentence that says so (`payments -> SELECT orders: 2,140 ms of 2,300 ms`)."""

    span_id: str
    service: str
    name: str
    critical_ns: int
    total_ns: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace as a tree (a forest when parents are missing): children by start time; `critical_path` lists span ids in time order."""

    trace_id: str
    start: Instant
    duration_ns: int
    spans: int
    errors: int
    services: list[str]
    roots: list[TraceNode]
    critical_path: list[str]
    bottleneck: Bottleneck | None


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """
    Requests of one service, or of one operation and kind of it, over a range; percentiles come from merged logarithmic bins
    (bin ratio 2^(1/8), so within 4.5 %), never from averaged percentiles. None where nothing was observed.
    """

    service: str
    operation: str | None
    kind: str | None
    requests: int
    errors: int
    rate_per_s: float
    error_ratio: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    exemplar_trace_id: str | None


@dataclass(frozen=True, slots=True)
class ServiceEdge:
    """Calls from one service to another, seen as a client span whose child is a span of the other service."""

    caller: str
    callee: str
    calls: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Services and who calls whom. `traces_examined` says how many traces the edges were read from."""

    services: list[str]
    edges: list[ServiceEdge]
    traces_examined: int


@dataclass(frozen=True, slots=True)
class TopError:
    """A kind of failure: where, what, how often, when, and one trace that shows it."""

    service: str
    operation: str
    kind: str
    message: str
    count: int
    first_seen: Instant
    last_seen: Instant
    exemplar_trace_id: str | None
    source: str


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Rows of a read-only SQL query. `types` are the engine's names; `truncated` when the row limit cut it."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: float
    rows_read: int
