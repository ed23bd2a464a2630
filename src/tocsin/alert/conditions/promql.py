"""
PromQL as a condition: each element of the instant vector is one alert.

Rules that are evaluated together ask for the same series again and again; `prepared` reads them once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from tocsin.alert.definition import Condition, Element, Promql, Vector
from tocsin.clock import Clock
from tocsin.errors import InvalidInput
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.series import SeriesSource
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql as Engine
from tocsin.query.promql.engine import PromqlStatistics
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.overlaid import OverlaidSeries
from tocsin.query.series.preloaded import SharedSeries
from tocsin.query.series.recent import RecentSeries

NANOSECONDS_PER_MS = 1_000_000


class PromqlEvaluator:
    """
    Answers PromQL conditions. Safe to use from several threads.

    Args:
        source: Where series come from.
        clock: For timeouts.
        options: Limits and switches of PromQL.
        recent: What rules wrote a moment ago; laid over the source. None where it lies over it already.
        share: Whether rules of one evaluation share what they read; a source in memory needs no sharing.
    """

    def __init__(
        self,
        source: SeriesSource,
        clock: Clock,
        options: PromqlOptions | None = None,
        *,
        recent: RecentSeries | None = None,
        share: bool = True,
    ) -> None:
        self.options = options or PromqlOptions()
        self.shared = SharedSeries(source, self.options) if share else None
        below: SeriesSource = self.shared or source
        self._engine = Engine(OverlaidSeries(below, recent) if recent is not None else below, self.options, clock=clock)

    def at(self, condition: Condition, at: Instant) -> Vector:
        """What a query's vector holds at one instant, see `Evaluator.at`. A native histogram has the value 0, as in Prometheus."""
        answer = self.answer(condition, at)
        if answer.type is ValueType.SCALAR:
            return (Element(Labels(), answer.scalar),)
        if answer.type is not ValueType.VECTOR:
            raise InvalidInput(f"rule result is not a vector or scalar, found {answer.type.value}")
        return [Element(series.labels, float(series.values[0]) if len(series.values) else 0.0) for series in answer.series]

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """What it holds at each of many instants, evenly spaced, see `Evaluator.over`; asked for in as few range queries as may be."""
        if len(times) < 2:
            return [self.at(condition, at) for at in times]
        step = times[1] - times[0]
        if step % NANOSECONDS_PER_MS or step <= 0:
            return [self.at(condition, at) for at in times]
        found: list[Vector] = []
        for first in range(0, len(times), self.options.points_max):
            found += self._range(_promql(condition), times[first : first + self.options.points_max])
        return found

    def answer(self, condition: Condition, at: Instant) -> QueryAnswer:
        """PromQL's own answer at one instant."""
        query = _promql(condition)
        return self._engine.instant(query.text, time_ms=at // NANOSECONDS_PER_MS, tree=query.expression)

    @contextmanager
    def prepared(self, conditions: Sequence[Condition], at: Instant) -> Iterator[None]:
        """Around the evaluation, in this thread, of these conditions at one instant."""
        at_ms = at // NANOSECONDS_PER_MS
        shared = self.shared
        with nullcontext() if shared is None else shared.held([_promql(condition).expression for condition in conditions], at_ms):
            yield

    def statistics(self) -> PromqlStatistics:
        """What rules asked since the start."""
        return self._engine.statistics()

    def close(self) -> None:
        """Let the threads go."""
        self._engine.close()

    def _range(self, query: Promql, times: Sequence[Instant]) -> list[Vector]:
        start_ms = times[0] // NANOSECONDS_PER_MS
        step_ms = (times[1] - times[0]) // NANOSECONDS_PER_MS if len(times) > 1 else 1
        end_ms = start_ms + step_ms * (len(times) - 1)
        answer = self._engine.range(query.text, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, tree=query.expression)
        vectors: list[list[Element]] = [[] for _ in times]
        for series in answer.series:
            steps = (series.timestamps_ms - start_ms) // step_ms
            for step, value in zip(steps.tolist(), series.values.tolist(), strict=True):
                vectors[step].append(Element(series.labels, value))
            for step in ((np.asarray(series.histogram_timestamps_ms) - start_ms) // step_ms).tolist():
                vectors[step].append(Element(series.labels, 0.0))
        return list(vectors)


def _promql(condition: Condition) -> Promql:
    assert isinstance(condition, Promql), f"expected PromQL, found {type(condition).__name__}"
    return condition
