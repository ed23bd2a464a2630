"""
The desk: every question as a Python method.

    with tocsin.open("./data") as desk:
        desk.logs("event:tool AND error:true", start="now-1h")
        desk.correlate("req-B")

All answers are the frozen dataclasses of `tocsin.model.answers`. `start` and `end` are nanoseconds since 1970, or texts: RFC 3339, seconds,
`now`, `now-15m`; None leaves that end open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from tocsin.clock import Clock
from tocsin.model.answers import Facet, LogHistogram, LogPage, RequestSummary, ResultTable, ServiceMap, Story, TopError, Trace, TracePage
from tocsin.model.explanation import Explanation
from tocsin.model.patterns import LogPatterns
from tocsin.model.signals import BurnRates, DeploymentsWithin, SignalsWall
from tocsin.query.correlate import Correlation
from tocsin.query.deployments import FoundDeployments
from tocsin.query.explain.explain import Explainer
from tocsin.query.logs import LogSearch
from tocsin.query.metrics import Metrics
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.patterns.patterns import PatternOrder, PatternQuestions
from tocsin.query.reading import Reading
from tocsin.query.services import Services
from tocsin.query.signals.golden import Signals
from tocsin.query.signals.options import SignalsOptions
from tocsin.query.sql_door import SqlDoor
from tocsin.query.top_errors import top_errors
from tocsin.query.traces import TraceConditions, TraceSearch
from tocsin.query.usage.costs import CostQuestions
from tocsin.query.usage.options import UsageOptions
from tocsin.query.usage.security import SecurityQuestions
from tocsin.store.store import Store


@dataclass(frozen=True, slots=True)
class DeskParts:
    """
    What a desk is given beside the telemetry.

    Args:
        metrics: Answers PromQL, closed with the desk; None makes one over the store's engine, with default limits.
        signals: Limits, baselines and queries of the golden signals.
        deployments: Lists deployments beside the signals; without it those that the telemetry shows are listed.
        burns: Gives burn rates by service; None without objectives.
        usage: How clients are told apart, what models cost.
        patterns: Names log patterns; None makes a catalogue over the store's engine that nobody feeds.
    """

    metrics: Metrics | None = None
    signals: SignalsOptions | None = None
    deployments: DeploymentsWithin | None = None
    burns: BurnRates | None = None
    usage: UsageOptions | None = None
    patterns: Catalogue | None = None


class Desk:
    """
    Answers questions about what a store holds. Safe to use from several threads.

    Args:
        store: What is asked.
        clock: What `now` means.
        parts: What else it knows.
        on_close: Called once by `close`, for whoever opened the store on the desk's behalf.
    """

    def __init__(self, store: Store, clock: Clock, *, parts: DeskParts | None = None, on_close: Callable[[], None] | None = None) -> None:
        parts = parts or DeskParts()
        reading = Reading(store.engine, clock)
        self.reading = reading
        self._logs = LogSearch(reading)
        self._correlation = Correlation(reading)
        self._traces = TraceSearch(reading)
        self._services = Services(reading)
        self._door = SqlDoor(store.engine)
        self.metrics = parts.metrics or Metrics.of_engine(store.engine, clock)
        deployments = parts.deployments or FoundDeployments(reading).between
        self.signals = Signals(reading, self.metrics, parts.signals, deployments=deployments, burns=parts.burns)
        usage = parts.usage or UsageOptions()
        self.security = SecurityQuestions(reading, usage.security)
        self.costs = CostQuestions(reading, usage.costs)
        catalogue = parts.patterns or Catalogue(store.engine, clock)
        self.patterns = PatternQuestions(reading, catalogue)
        self.explainer = Explainer(reading, catalogue, deployments)
        self._on_close = on_close

    def logs(
        self,
        query: str = "",
        *,
        start: int | str | None = None,
        end: int | str | None = None,
        limit: int = 100,
        order: Literal["newest", "oldest"] = "newest",
        cursor: str | None = None,
        **fields: Any,
    ) -> LogPage:
        """
        Log records that match a query.

        Args:
            query: Lucene syntax, see `tocsin.query.lucene`; empty for all.
            start: First instant of the range.
            end: First instant after it.
            limit: Most records on the page, 1 to 10,000.
            order: `newest` or `oldest` first.
            cursor: `next_cursor` of the page before.
            fields: Exact values of fields: `logs(event="tool", error=True)` is `event:"tool" AND error:"true"`.

        Raises:
            ParseError: The query or the cursor does not read.
        """
        return self._logs.page(query, self.reading.period(start, end), limit=limit, order=order, cursor=cursor, fields=fields)

    def log_histogram(
        self, query: str = "", *, start: int | str | None = None, end: int | str | None = None, buckets: int = 60
    ) -> LogHistogram:
        """How many records match over time, in about `buckets` (1 to 2,000) equal steps, and how many of them are errors."""
        return self._logs.histogram(query, self.reading.period(start, end), buckets=buckets)

    def facets(
        self,
        query: str = "",
        *,
        fields: Sequence[str] = (),
        start: int | str | None = None,
        end: int | str | None = None,
        limit: int = 10,
    ) -> list[Facet]:
        """The commonest values of fields among matching records; without `fields`, of service, severity and the commonest attributes."""
        return self._logs.facets(query, self.reading.period(start, end), fields=fields, limit=limit)

    def log_patterns(
        self,
        query: str = "",
        *,
        service: str | None = None,
        start: int | str | None = None,
        end: int | str | None = None,
        order: PatternOrder = "count",
        limit: int = 50,
    ) -> LogPatterns:
        """The kinds of records that match a query: the commonest first, or with `order="new"` those that were never seen before."""
        return self.patterns.patterns(query, self.reading.period(start, end), service=service, order=order, limit=limit)

    def explain(self, service: str, *, start: int | str = "now-15m", end: int | str = "now", bad: str = "") -> Explanation:
        """
        What sets the bad requests of a service apart from its good ones: versions, attributes, slow spans, log patterns, deployments.

        Args:
            service: Whose requests.
            start: First instant of the range, at most seven days.
            end: First instant after it.
            bad: Which are bad, as a query over spans; by default those that failed, or took twice what is usual.
        """
        within = self.reading.period(start, end)
        assert within.start is not None, "both ends are given"
        assert within.end is not None, "both ends are given"
        return self.explainer.explain(service, within.start, within.end, bad=bad)

    def correlate(self, id: str, *, start: int | str | None = None, end: int | str | None = None, limit: int = 1000) -> Story:  # noqa: A002
        """The whole story of an id (of a request, a trace, an order, anything): logs and spans of all services in time order."""
        return self._correlation.story(id, self.reading.period(start, end), limit=limit)

    def traces(
        self,
        query: str = "",
        *,
        service: str | None = None,
        operation: str | None = None,
        errors: bool | None = None,
        min_duration: str | None = None,
        max_duration: str | None = None,
        start: int | str | None = None,
        end: int | str | None = None,
        order: Literal["newest", "slowest"] = "newest",
        limit: int = 20,
        cursor: str | None = None,
    ) -> TracePage:
        """
        Traces with a span that matches everything asked.

        Args:
            query: Lucene syntax over spans; a key is found wherever it sits, `span.x`, `resource.x`, `event.x`, `link.x` narrow it.
            service: Of that span, exactly.
            operation: Its name, exactly.
            errors: That span failed (true), or did not (false).
            min_duration: Of that span at least, as `250ms`.
            max_duration: Of that span at most.
            start: First instant at which that span may start.
            end: First instant after those.
            order: Newest or slowest matching span first.
            limit: Most traces on the page, 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        conditions = TraceConditions(service, operation, errors, min_duration, max_duration)
        return self._traces.page(query, conditions, self.reading.period(start, end), order=order, limit=limit, cursor=cursor)

    def trace(self, trace_id: str) -> Trace:
        """
        One trace as a tree, with self times, critical path and bottleneck.

        Raises:
            NotFound: No span of it is stored.
        """
        return self._traces.trace(trace_id)

    def services(self, *, start: int | str | None = None, end: int | str | None = None) -> list[RequestSummary]:
        """Requests, errors and latencies of every service: of its server and consumer spans, of all spans where it has none."""
        return self._services.services(self.reading.period(start, end))

    def operations(self, service: str, *, start: int | str | None = None, end: int | str | None = None) -> list[RequestSummary]:
        """The same for each operation and kind of one service."""
        return self._services.operations(service, self.reading.period(start, end))

    def service_map(self, *, start: int | str | None = None, end: int | str | None = None, traces_max: int = 1000) -> ServiceMap:
        """Who calls whom, in the newest `traces_max` traces of the range."""
        return self._services.service_map(self.reading.period(start, end), traces_max=traces_max)

    def errors(
        self, *, service: str | None = None, start: int | str | None = None, end: int | str | None = None, limit: int = 20
    ) -> list[TopError]:
        """The commonest failures, from failed spans and error logs."""
        return top_errors(self.reading, self.reading.period(start, end), service=service, limit=limit)

    def wall(self, *, service: str | None = None, start: int | str = "now-15m", end: int | str = "now") -> SignalsWall:
        """
        The golden signals of all services, or of one, beside the machine's resources; `signals` has more of them.

        Raises:
            InvalidInput: The window is empty, or longer than 31 days.
        """
        return self.signals.wall(self.reading.period(start, end), service)

    def sql(self, statement: str, *, limit: int = 1000, timeout_s: float = 10) -> ResultTable:
        """
        Run one read-only SELECT over the telemetry tables.

        Raises:
            InvalidInput: It does not parse, or reaches for something else.
        """
        return self._door.run(statement, limit=limit, timeout_s=timeout_s)

    def close(self) -> None:
        """Let go of what was opened for this desk; idempotent."""
        self.metrics.close()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
