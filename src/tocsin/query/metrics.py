"""Metrics: PromQL over what is stored, and what else a Prometheus client asks about series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Protocol

from tocsin.clock import Clock
from tocsin.model.labels import Labels
from tocsin.model.series import Exemplar, Matcher, MetricCatalog, SeriesSource, stale_among
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql, PromqlStatistics
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import VectorSelector
from tocsin.query.series.derived import DerivedSeries
from tocsin.query.series.joined import JoinedSeries
from tocsin.query.series.overlaid import OverlaidCatalog
from tocsin.query.series.recent import RecentSeries
from tocsin.query.series.store import StoredSeries
from tocsin.store.engine import Engine


class Catalog(SeriesSource, MetricCatalog, Protocol):
    """A source of series that also lists them."""


class Metrics:
    """
    Answers questions about metrics. Safe to use from several threads.

    Args:
        catalog: Where series come from, and what is asked about them.
        clock: For timeouts.
        options: How PromQL is evaluated, and how much one query may cost.
        on_close: Called by `close`, for whoever made the catalog.
    """

    def __init__(
        self, catalog: Catalog, clock: Clock, options: PromqlOptions | None = None, *, on_close: Callable[[], None] | None = None
    ) -> None:
        self.options = options or PromqlOptions()
        self.catalog = catalog
        self._on_close = on_close
        self._promql = Promql(self.catalog, self.options, clock=clock)

    @classmethod
    def of_engine(
        cls, engine: Engine, clock: Clock, options: PromqlOptions | None = None, *, recent: RecentSeries | None = None
    ) -> Metrics:
        """
        Over what an engine's tables hold: series that were sent, and those that are derived from spans and logs.

        Args:
            engine: Holds the tables.
            clock: For timeouts, and where derived series end.
            options: How PromQL is evaluated.
            recent: What rules wrote a moment ago; laid over the tables.
        """
        options = options or PromqlOptions()
        stored = StoredSeries(engine, timeout_s=options.timeout_s)
        joined = JoinedSeries(stored, DerivedSeries(engine, clock))
        catalog = joined if recent is None else OverlaidCatalog(joined, joined, recent)
        return cls(catalog, clock, options, on_close=stored.close)

    def statistics(self) -> PromqlStatistics:
        """What was asked since the start."""
        return self._promql.statistics()

    def close(self) -> None:
        """Let the threads go; idempotent."""
        self._promql.close()
        if self._on_close is not None:
            self._on_close()

    def instant(self, query: str, *, time_ms: int, timeout_s: float | None = None, lookback_s: float | None = None) -> QueryAnswer:
        """
        What a PromQL query says at one instant (milliseconds since 1970).

        Raises:
            ParseError: It does not read.
            InvalidInput: What is stored can't be put together as it says; LimitExceeded, when it would take too much memory.
            Timeout: It took longer than `timeout_s`, at most `promql.timeout_s`.
        """
        return self._promql.instant(query, time_ms=time_ms, timeout_s=timeout_s, lookback_s=lookback_s)

    def range(
        self,
        query: str,
        *,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        timeout_s: float | None = None,
        lookback_s: float | None = None,
    ) -> QueryAnswer:
        """What it says at every step from `start_ms` to `end_ms` inclusive; raises as `instant` does."""
        return self._promql.range(query, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, timeout_s=timeout_s, lookback_s=lookback_s)

    def exemplars(self, query: str, start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """
        The exemplars of all series that a query selects, in a range of time.

        Raises:
            ParseError: The query does not read.
        """
        selectors = [selector.matchers for selector in selectors_of(parse(query))]
        return self.catalog.exemplars(selectors, start_ms, end_ms) if selectors else []

    def newest(self, matchers: Sequence[Matcher], time_ms: int) -> dict[Labels, tuple[float, int]]:
        """The newest number, and its instant, of each series that matches and has not ended by `time_ms`."""
        found = {}
        start_ms = time_ms - round(self.options.lookback_s * 1000) + 1
        for batch in self.catalog.select(matchers, start_ms, time_ms, samples_max=self.options.samples_read_max):
            stale = stale_among(batch.values)
            for index, labels in enumerate(batch.labels):
                last = int(batch.offsets[index + 1]) - 1
                if last >= batch.offsets[index] and not stale[last]:
                    found[labels] = float(batch.values[last]), int(batch.timestamps_ms[last])
        return found


def selectors_of(node: object) -> Iterator[VectorSelector]:
    """Every selector of a tree."""
    if isinstance(node, VectorSelector):
        yield node
    elif is_dataclass(node):
        for field in fields(node):
            yield from selectors_of(getattr(node, field.name))
    elif isinstance(node, tuple):
        for part in node:
            yield from selectors_of(part)
