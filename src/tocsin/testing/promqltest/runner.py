"""
Runs a script against a PromQL engine, case by case.

An instant query whose answer is a vector or a scalar is asked once more as a range query around its instant: the step in the middle must
answer the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tocsin.errors import TocsinError
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.answer import QueryAnswer, SeriesAnswer
from tocsin.query.promql.checks import walk
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import (
    AtAnchor,
    Call,
    Duration,
    DurationLiteral,
    DurationOperator,
    Expression,
    MatrixSelector,
    Subquery,
    ValueType,
    VectorSelector,
)
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.notation import WrittenSeries
from tocsin.testing.promqltest.comparison import compare_annotations, compare_answer, compare_failure
from tocsin.testing.promqltest.custom_buckets import custom_bucket_series
from tocsin.testing.promqltest.grammar import Clear, Evaluation, Load, Topic, Unreadable, read_script

_MINUTE_MS = 60_000


class PromqlEngine(Protocol):
    """What the runner asks; `tocsin.query.promql.engine.Promql` is one."""

    def instant(self, text: str, *, time_ms: int) -> QueryAnswer:
        """The answer at an instant."""
        ...

    def range(self, text: str, *, start_ms: int, end_ms: int, step_ms: int) -> QueryAnswer:
        """The answer at every step of a range, both ends included."""
        ...


@dataclass(frozen=True, slots=True)
class CaseResult:
    """
    How one `eval` went.

    Args:
        line: Where it stands, from 1.
        query: The text; empty if it could not be read.
        difference: What was not as expected, in words; empty if it passed.
    """

    line: int
    query: str
    difference: str

    @property
    def passed(self) -> bool:
        """Whether nothing differed."""
        return not self.difference


def run_script(text: str, engine_on: Callable[[MemorySeries], PromqlEngine], *, only: str = "") -> list[CaseResult]:
    """
    Run a script.

    Args:
        text: The script.
        engine_on: Makes the engine that reads from the series given.
        only: Run only cases whose query contains this; what is loaded is loaded anyway.
    """
    series = MemorySeries()
    engine = engine_on(series)
    results: list[CaseResult] = []
    for command in read_script(text):
        match command:
            case Clear():
                series.clear()
            case Load():
                _load(series, command)
            case Unreadable() if not only:
                what = "cannot be read" if command.evaluates else "cannot be read, later cases may lack its samples"
                results.append(CaseResult(command.line, "", f"{what}: {command.reason}"))
            case Evaluation() if only in command.query:
                results.append(CaseResult(command.line, command.query, _difference(engine, command)))
    return results


def _load(series: MemorySeries, load: Load) -> None:
    loaded = [(written.labels, _by_time(written, load)) for written in load.series if not written.start_timestamps]
    for labels, samples in loaded:
        series.add(labels, samples)
    for written in load.series:
        if written.start_timestamps:
            # A start is written as the way there from its sample.
            starts = {at: at + round(way) for at, way in _by_time(written, load).items() if isinstance(way, float)}
            series.add(written.labels, {}, starts)
    if load.with_custom_buckets:
        for labels, histograms in custom_bucket_series(loaded).items():
            series.add(labels, histograms)


def _by_time(written: WrittenSeries, load: Load) -> dict[int, float | NativeHistogram]:
    return {index * load.step_ms: point for index, point in enumerate(written.points) if point is not None}


def _difference(engine: PromqlEngine, evaluation: Evaluation) -> str:
    try:
        return _compared(engine, evaluation)
    except TocsinError as error:
        return compare_failure(evaluation, error)
    except Exception as error:  # noqa: BLE001 - a bug of the engine fails its case, not the run
        return f"the engine broke: {type(error).__name__}: {error}"


def _compared(engine: PromqlEngine, evaluation: Evaluation) -> str:
    if evaluation.time_ms is None:
        grid = evaluation.grid
        assert grid is not None
        answer = engine.range(evaluation.query, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms)
    else:
        answer = engine.instant(evaluation.query, time_ms=evaluation.time_ms)
    if evaluation.about(Topic.FAIL):
        return "expected the query to fail, it answered"
    difference = compare_annotations(evaluation, answer) or compare_answer(evaluation, answer)
    return difference or _as_range(engine, evaluation, answer)


def _as_range(engine: PromqlEngine, evaluation: Evaluation, answer: QueryAnswer) -> str:
    """Ask an instant query as a range query; what differs in the middle of it."""
    time_ms = evaluation.time_ms
    vector_or_scalar = answer.type in {ValueType.VECTOR, ValueType.SCALAR}
    if time_ms is None or not vector_or_scalar or evaluation.about(Topic.ORDERED) or _depends_on_range(parse(evaluation.query)):
        return ""
    try:
        matrix = engine.range(evaluation.query, start_ms=time_ms - _MINUTE_MS, end_ms=time_ms + _MINUTE_MS, step_ms=_MINUTE_MS)
    except TocsinError as error:
        return f"as a range query: {error}"
    middle = [one for series in matrix.series if (one := _at(series, time_ms)) is not None]
    again = replace(answer, series=middle)
    if answer.type is ValueType.SCALAR:
        again = replace(answer, scalar=float(middle[0].values[0]) if middle and len(middle[0].values) else float("nan"))
    difference = compare_answer(evaluation, again)
    return f"as a range query: {difference}" if difference else ""


def _at(series: SeriesAnswer, time_ms: int) -> SeriesAnswer | None:
    chosen = series.timestamps_ms == time_ms
    chosen_histograms = series.histogram_timestamps_ms == time_ms
    if not chosen.any() and not chosen_histograms.any():
        return None
    histograms = [series.histograms[int(index)] for index in np.flatnonzero(chosen_histograms)]
    return SeriesAnswer(
        series.labels, series.timestamps_ms[chosen], series.values[chosen], series.histogram_timestamps_ms[chosen_histograms], histograms
    )


def _depends_on_range(expression: Expression) -> bool:
    """Whether a query asks for the ends or the step of the range that it is part of, so that a range query answers otherwise."""
    for found in walk(expression):
        match found:
            case Call() if found.function in {"start", "end", "step", "range"}:
                return True
            case MatrixSelector() if _computed(found.range):
                return True
            case Subquery() if _computed(found.range) or _computed(found.step) or _computed(found.offset):
                return True
        if isinstance(found, VectorSelector | Subquery) and (isinstance(found.at_ms, AtAnchor) or _computed(found.offset)):
            return True
    return False


def _computed(duration: Duration | None) -> bool:
    if duration is None or isinstance(duration, DurationLiteral):
        return False
    return duration.operator in {DurationOperator.STEP, DurationOperator.RANGE} or any(map(_computed, duration.operands))
