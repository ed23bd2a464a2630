"""
PromQL: from a text to an answer.

The parser makes a tree, the evaluator a grid of series by steps, and here it becomes series with points, in the order that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from tocsin.clock import Clock
from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import SeriesSource, stale_among
from tocsin.query.promql.answer import QueryAnswer, SeriesAnswer
from tocsin.query.promql.checks import value_type
from tocsin.query.promql.context import Context, Question, unwrapped
from tocsin.query.promql.evaluator import evaluate
from tocsin.query.promql.features import check_features
from tocsin.query.promql.grid import Grid, Steps, merged, without
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.ranges import RangeBatch, range_of
from tocsin.query.promql.samples import ends_series
from tocsin.query.promql.shared_room import Reservation, SharedRoom
from tocsin.query.promql.syntax import Expression, ValueType

THREADS = 2
TIME_MAX_MS = 2**62  # an offset or a range beyond it still fits into 64 bits
_NO_INSTANTS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PromqlStatistics:
    """
    What was asked.

    Args:
        queries: Queries that were evaluated.
        queries_failed: Queries that raised an error.
        samples_read: Samples that queries have read.
        samples_held: Gauge: samples that running queries may hold in memory now.
    """

    queries: int
    queries_failed: int
    samples_read: int
    samples_held: int = 0


class Promql:
    """
    Answers PromQL queries. Safe to use from several threads.

    Args:
        source: Where series come from.
        options: Limits and switches.
        clock: For timeouts.
    """

    def __init__(self, source: SeriesSource, options: PromqlOptions, *, clock: Clock) -> None:
        self._source = source
        self._options = options
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="promql")
        self._room = SharedRoom(options.samples_held_max)
        self._counting = Lock()
        self._queries = self._failed = self._samples = 0

    def statistics(self) -> PromqlStatistics:
        """What was asked since the start."""
        with self._counting:
            return PromqlStatistics(self._queries, self._failed, self._samples, self._room.taken)

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown()

    def instant(
        self,
        text: str,
        *,
        time_ms: int,
        timeout_s: float | None = None,
        lookback_s: float | None = None,
        tree: Expression | None = None,
    ) -> QueryAnswer:
        """
        The value of a query at one instant.

        Args:
            text: The query.
            time_ms: The instant, milliseconds since 1970.
            timeout_s: How long it may take; at most the option's.
            lookback_s: After how long a series without samples has no value; None: the option's.
            tree: What the text says, for whoever has parsed it already.

        Raises:
            ParseError: The text is no PromQL.
            InvalidInput: It cannot be evaluated over these series.
            LimitExceeded: It needs too many samples.
            Timeout: It takes too long.
        """
        return self._answer(text, Steps(time_ms, 0, 1), time_ms, timeout_s, lookback_s, tree)

    def range(
        self,
        text: str,
        *,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        timeout_s: float | None = None,
        lookback_s: float | None = None,
        tree: Expression | None = None,
    ) -> QueryAnswer:
        """
        The values of a query from `start_ms` to at most `end_ms`, every `step_ms`; raises as `instant` does.

        Args:
            text: The query.
            start_ms: The first instant, milliseconds since 1970.
            end_ms: The last, not before the first.
            step_ms: From one to the next, > 0.
            timeout_s: How long it may take; at most the option's.
            lookback_s: After how long a series without samples has no value; None: the option's.
            tree: What the text says, for whoever has parsed it already.
        """
        if step_ms <= 0:
            raise InvalidInput(
                f"zero or negative query resolution step widths are not accepted, found {step_ms} ms: try a positive integer"
            )
        if end_ms < start_ms:
            raise InvalidInput(f"end timestamp must not be before start time, found {end_ms} ms before {start_ms} ms")
        if refusal := self._options.refusal_of_steps(start_ms, end_ms, step_ms):
            raise LimitExceeded(refusal)
        count = (end_ms - start_ms) // step_ms + 1
        return self._answer(text, Steps(start_ms, step_ms, count), end_ms, timeout_s, lookback_s, tree)

    def _answer(
        self, text: str, steps: Steps, end_ms: int, timeout_s: float | None, lookback_s: float | None, tree: Expression | None
    ) -> QueryAnswer:
        for instant_ms in (steps.start_ms, end_ms):
            if not -TIME_MAX_MS <= instant_ms <= TIME_MAX_MS:
                raise InvalidInput(f"expected an instant within {TIME_MAX_MS} ms of 1970, found {instant_ms} ms")
        timeout = self._options.timeout_s if timeout_s is None else min(timeout_s, self._options.timeout_s)
        lookback_ms = round((lookback_s or self._options.lookback_s) * 1000)
        deadline_s = self._clock.monotonic_s() + timeout
        question = Question(text, steps, end_ms, lookback_ms, deadline_s, timeout, instant=steps.step_ms == 0)
        reservation = Reservation(self._room)
        context = Context(self._source, self._options, self._clock, question, evaluate, self._pool, reservation)
        answer = None
        try:
            tree = parse(text) if tree is None else tree
            check_features(tree, self._options)
            answer = _evaluated(context, tree)
        finally:
            reservation.end()
            self._count(context, failed=answer is None)
        return replace(answer, annotations=context.annotations.answer(), samples=context.samples_read)

    def _count(self, context: Context, *, failed: bool) -> None:
        with self._counting:
            self._queries += 1
            self._failed += failed
            self._samples += context.samples_read


def _evaluated(context: Context, tree: Expression) -> QueryAnswer:
    steps, instant = context.question.steps, context.question.instant
    kind = value_type(tree)
    if not instant and kind not in {ValueType.SCALAR, ValueType.VECTOR}:
        word = "range vector" if kind is ValueType.MATRIX else kind.value
        raise InvalidInput(f'invalid expression type "{word}" for range query, must be Scalar or instant Vector')
    if kind is ValueType.MATRIX:
        return QueryAnswer(kind, _range_answers(context, tree), time_ms=steps.start_ms)
    value = context.value(tree, steps)
    if isinstance(value, str):
        return QueryAnswer(kind, text=value, time_ms=steps.start_ms)
    if isinstance(value, Grid):
        value = _finished(context, value)
        series = list(_vector(value, steps.start_ms) if instant else _matrix(value, steps))
        return QueryAnswer(kind if instant else ValueType.MATRIX, series, time_ms=steps.start_ms)
    if instant:
        return QueryAnswer(kind, scalar=float(value[0]), time_ms=steps.start_ms)
    one = Grid([Labels()], value.reshape(1, -1), np.ones((1, steps.count), dtype=np.bool_))
    return QueryAnswer(ValueType.MATRIX, list(_matrix(one, steps)), time_ms=steps.start_ms)


def _finished(context: Context, grid: Grid) -> Grid:
    """Without the names that were to be dropped at the end, and without two rows alike."""
    if grid.pending is None or not grid.pending.any():
        return merged(grid) if not grid.one_name else grid
    labels = [without(one, context.metadata_labels) if gone else one for one, gone in zip(grid.labels, grid.pending, strict=True)]
    return merged(Grid(labels, grid.values, grid.present, grid.histograms))


def _vector(grid: Grid, time_ms: int) -> Iterator[SeriesAnswer]:
    at = np.array([time_ms], dtype=np.int64)
    for row in np.flatnonzero(grid.present[:, 0]):
        histogram = None if grid.histograms is None else grid.histograms[row, 0]
        if histogram is None:
            yield SeriesAnswer(grid.labels[row], at, np.array(grid.values[row]), _NO_INSTANTS)
        else:
            yield SeriesAnswer(grid.labels[row], at[:0], np.zeros(0), at, (histogram,))


def _matrix(grid: Grid, steps: Steps) -> Iterator[SeriesAnswer]:
    times = steps.times_ms
    labels = grid.labels
    floats = grid.float_mask
    held = grid.histogram_mask if grid.histograms is not None else None
    alive = [row for row, any_there in enumerate(np.asarray(grid.present.any(axis=1)).tolist()) if any_there]
    whole = np.asarray(floats.all(axis=1)).tolist()
    for row in sorted(alive, key=lambda row: labels[row].pairs):
        mask = floats[row]
        if whole[row]:
            yield SeriesAnswer(labels[row], times, grid.values[row], _NO_INSTANTS)
        elif held is None or grid.histograms is None or not held[row].any():
            yield SeriesAnswer(labels[row], times[mask], grid.values[row][mask], _NO_INSTANTS)
        else:
            histograms = list(grid.histograms[row][held[row]])
            yield SeriesAnswer(labels[row], times[mask], grid.values[row][mask], times[held[row]], histograms)


def _range_answers(context: Context, tree: Expression) -> list[SeriesAnswer]:
    """Samples of a range as they are, for an instant query that asks for one."""
    argument = range_of(context, unwrapped(tree), context.question.steps)
    end = int(argument.ends_ms[0])
    answers = [one for batch in argument.batches for one in _batch_answers(context, batch, end - argument.range_ms, end)]
    return sorted(answers, key=lambda answer: answer.labels.pairs)


def _batch_answers(context: Context, batch: RangeBatch, start_ms: int, end_ms: int) -> Iterator[SeriesAnswer]:
    series = batch.series
    for row, raw in enumerate(series.labels):
        own = slice(int(series.offsets[row]), int(series.offsets[row + 1]))
        times, values = series.timestamps_ms[own], np.ascontiguousarray(series.values[own])
        kept = (times > start_ms) & (times <= end_ms) & ~stale_among(values)
        points = series.histograms.get(row)
        held = []
        if points is not None:
            instants = zip(points.timestamps_ms, points.points, strict=True)
            held = [(at, one) for at, one in instants if start_ms < at <= end_ms and not ends_series(one)]
        if not kept.any() and not held:
            continue
        gone = batch.pending is not None and batch.pending[row]
        labels = without(raw, context.metadata_labels if gone else batch.nameless)
        at_ms = np.array([at for at, _ in held], dtype=np.int64)
        yield SeriesAnswer(labels, times[kept], values[kept], at_ms, [one for _, one in held])
