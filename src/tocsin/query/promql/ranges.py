"""
What functions over ranges are given: samples in flat buffers with the ends of their windows, from series (`x[5m]`) or from an expression
that is evaluated again and again (`rate(x[5m])[1h:1m]`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.series import HistogramPoints, SeriesBatch
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.durations import positive_duration_ms
from tocsin.query.promql.grid import Grid, Mask, Steps
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.selectors import evaluation_times, has_one_name
from tocsin.query.promql.syntax import Expression, MatrixSelector, RangeExtension, Span, Subquery


@dataclass(frozen=True, slots=True)
class RangeBatch:
    """
    Some of a range's series.

    Args:
        series: With their samples.
        nameless: Labels that were dropped from them but may still be there.
        pending: [S] rows whose name is dropped at the end of the query; None: none.
    """

    series: SeriesBatch
    nameless: tuple[str, ...] = ()
    pending: Mask | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """
    An argument such as `x[5m]`.

    Args:
        ends_ms: [T] ends of the windows, ascending.
        range_ms: Length of the windows, > 0.
        batches: The series; can be walked once.
        one_name: All have the same name.
        extension: `anchored` or `smoothed`.
        span: Where it stands.
        evaluated: A subquery: samples may be left out or come twice, so that what histograms say of resets before them means nothing.
    """

    ends_ms: Times
    range_ms: int
    batches: Iterator[RangeBatch]
    one_name: bool
    extension: RangeExtension
    span: Span
    evaluated: bool = False


def range_of(context: Context, argument: Expression, steps: Steps) -> Range:
    """
    The range that an argument stands for.

    Args:
        context: Of the evaluation.
        argument: A matrix selector or a subquery, perhaps in parentheses.
        steps: Of the function around it.

    Raises:
        InvalidInput: Its length is not greater than zero.
    """
    node = unwrapped(argument)
    if isinstance(node, MatrixSelector):
        return _selected(context, node, steps)
    assert isinstance(node, Subquery), f"{type(node).__name__} is no range"
    return _evaluated(context, node, steps)


def _selected(context: Context, node: MatrixSelector, steps: Steps) -> Range:
    range_ms = positive_duration_ms(node.range, context.question)
    ends = evaluation_times(context, node.selector, steps)
    extension = node.selector.extension
    before = 0 if extension is RangeExtension.NONE else context.question.lookback_ms
    after = context.question.lookback_ms if extension is RangeExtension.SMOOTHED else 0

    def batches() -> Iterator[RangeBatch]:
        if len(ends):
            for batch in context.select(node.selector.matchers, int(ends[0]) - range_ms - before + 1, int(ends[-1]) + after):
                yield RangeBatch(batch)

    return Range(ends, range_ms, batches(), has_one_name(node.selector.matchers), extension, node.span)


def _evaluated(context: Context, node: Subquery, steps: Steps) -> Range:
    asked = context.question
    range_ms = positive_duration_ms(node.range, asked)
    step_ms = round(context.options.default_step_s * 1000) if node.step is None else positive_duration_ms(node.step, asked)
    ends = evaluation_times(context, node, steps)

    def batches() -> Iterator[RangeBatch]:
        inner = _steps_within(ends, range_ms, step_ms)
        if inner.count > 0:
            context.check_room(inner.count)  # before as much as the list of the steps is made
            grid = context.vector_for(node.expression, inner, counts_alone=False)
            batch = RangeBatch(flattened(grid, inner), grid.nameless, grid.pending)
            context.check_time()
            yield batch
            context.check_time()

    return Range(ends, range_ms, batches(), one_name=False, extension=RangeExtension.NONE, span=node.span, evaluated=True)


def _steps_within(ends: Times, range_ms: int, step_ms: int) -> Steps:
    """Multiples of the step since 1970 that lie in one of the windows or between them."""
    if not len(ends):
        return Steps(0, step_ms, 0)
    first = ((int(ends[0]) - range_ms) // step_ms + 1) * step_ms
    last = int(ends[-1]) // step_ms * step_ms
    return Steps(first, step_ms, (last - first) // step_ms + 1)


def flattened(grid: Grid, steps: Steps) -> SeriesBatch:
    """
    A grid as series with samples.

    Args:
        grid: A vector at every step.
        steps: The instants of its columns.
    """
    mask = grid.float_mask
    times = steps.times_ms
    offsets = np.zeros(grid.height + 1, dtype=np.int64)
    np.cumsum(mask.sum(axis=1), out=offsets[1:])
    histograms = {}
    if grid.histograms is not None:
        held = grid.histogram_mask
        for row in np.flatnonzero(held.any(axis=1)):
            histograms[int(row)] = HistogramPoints(times[held[row]], list(grid.histograms[row][held[row]]))
    return SeriesBatch(grid.raw, offsets, np.broadcast_to(times, mask.shape)[mask], grid.values[mask], histograms)


def require_plain(argument: Range, function: str) -> None:
    """
    Refuse `anchored` and `smoothed` where a function knows nothing of them.

    Raises:
        InvalidInput: It is one of them.
    """
    if argument.extension is RangeExtension.ANCHORED:
        raise InvalidInput(f"anchored modifier can only be used with: changes, delta, increase, rate, resets - not with {function}")
    if argument.extension is RangeExtension.SMOOTHED:
        raise InvalidInput(f"smoothed modifier can only be used with: delta, increase, rate - not with {function}")
