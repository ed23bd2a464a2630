"""A desk that answers from what the test put on it, and keeps what it was asked."""

from __future__ import annotations

from typing import Any

from tests.api.fake_signals import START, TRACE_ID, FakeCosts, FakeSecurity, FakeSignals

from tocsin.errors import NotFound
from tocsin.model.answers import (
    Bottleneck,
    Facet,
    FacetValue,
    HistogramBucket,
    LogHistogram,
    LogPage,
    RequestSummary,
    ResultTable,
    ServiceEdge,
    ServiceMap,
    Story,
    StoryEntry,
    TopError,
    Trace,
    TraceNode,
    TracePage,
    TraceSummary,
)
from tocsin.model.explanation import Explanation, Finding, FindingKind
from tocsin.model.patterns import LogPattern, LogPatterns
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.desk import Desk

MS = 1_000_000


class FakeDesk(Desk):
    """Answers every question with one small example; set `failure` to have them all fail with it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.failure: Exception | None = None
        self.signals = FakeSignals()
        self.security = FakeSecurity()
        self.costs = FakeCosts()

    def logs(self, *args: Any, **options: Any) -> LogPage:
        """One error record."""
        self._note("logs", args, options)
        return LogPage([log_record()], "more")

    def log_histogram(self, *args: Any, **options: Any) -> LogHistogram:
        """One bucket."""
        self._note("log_histogram", args, options)
        return LogHistogram(60 * 1000 * MS, [HistogramBucket(START, 3, 1)])

    def facets(self, *args: Any, **options: Any) -> list[Facet]:
        """One field with one value."""
        self._note("facets", args, options)
        return [Facet("event", [FacetValue("tool", 3)])]

    def log_patterns(self, *args: Any, **options: Any) -> LogPatterns:
        """One pattern."""
        self._note("log_patterns", args, options)
        return LogPatterns(
            [LogPattern("a1", "orders", "order <*> is paid", 3.0, 1.0, 9, START, START, "order 7 is paid", False)], 3, 1.0, 1
        )

    def explain(self, *args: Any, **options: Any) -> Explanation:
        """One finding."""
        self._note("explain", args, options)
        finding = Finding(FindingKind.VERSION, 0.9, "all of the bad requests came from version 2", "", "service.version", "2", 1.0, 0.1)
        return Explanation("gateway", START, START + MS, "error:true", 3.0, 30.0, START, 0.0, [finding], [], "3 of 30 requests were bad")

    def correlate(self, *args: Any, **options: Any) -> Story:
        """A log record and a span."""
        self._note("correlate", args, options)
        entries = [
            StoryEntry(START, "assistant", "attribute request_id", log=log_record()),
            StoryEntry(START, "payments", "trace_id", span=span("payments", "charge", 0, 5, failed=True)),
        ]
        return Story(str(args[0]), entries, [TRACE_ID])

    def traces(self, *args: Any, **options: Any) -> TracePage:
        """One trace."""
        self._note("traces", args, options)
        return TracePage([TraceSummary(TRACE_ID, "gateway", "POST /orders", START, 25 * MS, 3, 1, ["gateway", "payments"])], "more")

    def trace(self, trace_id: str) -> Trace:
        """Three spans in a row; NotFound for another id."""
        self._note("trace", (trace_id,), {})
        if trace_id != TRACE_ID:
            raise NotFound(f"no trace {trace_id} is stored")
        return small_trace()

    def services(self, **options: Any) -> list[RequestSummary]:
        """One service."""
        self._note("services", (), options)
        return [RequestSummary("gateway", None, None, 120, 3, 2.0, 0.025, 12.5, 40.0, 80.0, 1500.0, TRACE_ID)]

    def operations(self, *args: Any, **options: Any) -> list[RequestSummary]:
        """One operation, of which nothing was observed but its existence."""
        self._note("operations", args, options)
        return [RequestSummary(str(args[0]), "POST /orders", "server", 0, 0, 0.0, None, None, None, None, None, None)]

    def service_map(self, **options: Any) -> ServiceMap:
        """One call."""
        self._note("service_map", (), options)
        return ServiceMap(["gateway", "orders"], [ServiceEdge("gateway", "orders", 5, 1, 20.1, 40.0)], 5)

    def errors(self, **options: Any) -> list[TopError]:
        """One kind."""
        self._note("errors", (), options)
        return [TopError("payments", "charge", "CardDeclined", "declined \x1b[2J", 7, START, START, TRACE_ID, "spans")]

    def sql(self, *args: Any, **options: Any) -> ResultTable:
        """Two columns, one row."""
        self._note("sql", args, options)
        return ResultTable(["service", "n"], ["String", "UInt64"], [["gateway", 2**53 + 1]], True, 1.5, 1000)

    def close(self) -> None:
        """Nothing is open."""

    def _note(self, question: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.asked.append((question, args, options))
        if self.failure is not None:
            raise self.failure


def log_record() -> LogRecord:
    """An error of the assistant's."""
    attributes: dict[str, Any] = {"request_id": "req-B", "event": "tool", "tool": "retrieve", "latency_ms": 5000, "error": True}
    return LogRecord(START, START, "assistant", 17, "ERROR", "tool failed\x1b[2J", "", TRACE_ID, "", attributes, {})


def span(service: str, name: str, offset_ms: int, duration_ms: int, *, failed: bool = False, number: int = 1) -> Span:
    """A span of the trace TRACE_ID that begins so long after START."""
    status, message = ("error", "card declined") if failed else ("ok", "")
    start = START + offset_ms * MS
    return Span(TRACE_ID, f"{number:016x}", "", service, name, "server", start, duration_ms * MS, status, message, "", {}, {})


def small_trace() -> Trace:
    """Gateway -> orders -> payments, which fails."""
    charge = TraceNode(span("payments", "charge", 8, 15, failed=True, number=3), 2, 15 * MS, 15 * MS, False)
    orders = TraceNode(span("orders", "POST /orders", 4, 20, number=2), 1, 5 * MS, 5 * MS, False, [charge])
    root = TraceNode(span("gateway", "POST /orders", 0, 25, number=1), 0, 5 * MS, 5 * MS, False, [orders])
    bottleneck = Bottleneck(f"{3:016x}", "payments", "charge", 15 * MS, 25 * MS, "payments -> charge: 15 ms of 25 ms")
    path = [f"{number:016x}" for number in (1, 2, 3)]
    return Trace(TRACE_ID, START, 25 * MS, 3, 1, ["gateway", "orders", "payments"], [root], path, bottleneck)


def deep_trace(depth: int) -> Trace:
    """A chain of so many spans, each the child of the one before."""
    node: TraceNode | None = None
    for number in range(depth, 0, -1):
        node = TraceNode(span("agent", "step", 0, 1, number=number), number - 1, MS, MS, False, [node] if node else [])
    assert node is not None
    return Trace(TRACE_ID, START, MS, depth, 0, ["agent"], [node], [], None)
