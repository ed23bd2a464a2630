"""
What selectors see: the newest sample of every series at every step (`x`, `x offset 5m`, `x @ end()`).

Batches are taken one after the other and reduced to their rows of the grid at once, so that samples of one batch only are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.model.labels import METRIC_NAME
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import HistogramPoints, Matcher, MatchOperator, SeriesBatch
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context
from tocsin.query.promql.durations import duration_ms
from tocsin.query.promql.grid import Floats, Grid, Mask, Steps, ready_floats, ready_times, stacked
from tocsin.query.promql.histogram_interpolation import smoothed_histogram
from tocsin.query.promql.kernels import Times, instant_rows
from tocsin.query.promql.samples import ends_series, samples_of
from tocsin.query.promql.smoothed import smoothed_rows
from tocsin.query.promql.syntax import AtAnchor, RangeExtension, Subquery, VectorSelector

NO_TIMES = np.zeros((0, 0), dtype=np.int64)


def evaluation_times(context: Context, node: VectorSelector | Subquery, steps: Steps) -> Times:
    """[T] the instants that a selector or a subquery looks at: moved by `offset`, fixed by `@`; ascending."""
    times = steps.times_ms
    if isinstance(node.at_ms, AtAnchor):
        asked = context.question
        times = np.full_like(times, asked.steps.start_ms if node.at_ms is AtAnchor.START else asked.end_ms)
    elif node.at_ms is not None:
        times = np.full_like(times, node.at_ms)
    return times - (duration_ms(node.offset, context.question) if node.offset is not None else 0)


def has_one_name(matchers: Sequence[Matcher]) -> bool:
    """Whether all series that satisfy the matchers have the same name."""
    return any(one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL for one in matchers)


def select_instant(context: Context, node: VectorSelector, steps: Steps) -> Grid:
    """The selector's vector at every step."""
    return _select(context, node, steps, keep_times=False)[0]


def select_timestamps(context: Context, node: VectorSelector, steps: Steps) -> Grid:
    """The instants of the samples that the selector sees, seconds since 1970, as the values of a vector of floats."""
    grid, times_ms = select_with_times(context, node, steps)
    return grid.with_cells(times_ms / 1000, grid.present)


def select_with_times(context: Context, node: VectorSelector, steps: Steps) -> tuple[Grid, Times]:
    """The selector's vector and [S, T] the instants of its samples, milliseconds."""
    return _select(context, node, steps, keep_times=True)


def _select(context: Context, node: VectorSelector, steps: Steps, *, keep_times: bool) -> tuple[Grid, Times]:
    pieces = list(select_pieces(context, node, steps, keep_times=keep_times))
    whole = stacked([grid for grid, _ in pieces], steps.count)
    whole.one_name = has_one_name(node.matchers)
    times = [piece_times for _, piece_times in pieces]
    return whole, np.concatenate(times) if keep_times and times else np.zeros(whole.values.shape, dtype=np.int64)


def select_pieces(context: Context, node: VectorSelector, steps: Steps, *, keep_times: bool) -> Iterator[tuple[Grid, Times]]:
    """
    The selector's vector batch by batch, each with the instants of its samples.

    Args:
        context: Of the evaluation.
        node: The selector.
        steps: At which instants.
        keep_times: Whether the instants are wanted; without rows otherwise.
    """
    ends = evaluation_times(context, node, steps)
    lookback = context.question.lookback_ms
    smoothed = node.extension is RangeExtension.SMOOTHED
    last = int(ends[-1]) + (lookback if smoothed else 0)
    for batch in context.select(node.matchers, int(ends[0]) - lookback + 1, last):
        grid, times = _reduce(context, batch, ends, node, keep_times=keep_times)
        alive = grid.present.any(axis=1)
        if not alive.all():
            index = np.flatnonzero(alive)
            grid, times = grid.rows(index), times[index] if keep_times else times
        grid.one_name = has_one_name(node.matchers)
        context.hold(grid.values.size)
        yield grid, times


def _reduce(context: Context, batch: SeriesBatch, ends: Times, node: VectorSelector, *, keep_times: bool) -> tuple[Grid, Times]:
    lookback, smoothed = context.question.lookback_ms, node.extension is RangeExtension.SMOOTHED
    series = len(batch.labels)
    shape = (series, len(ends))
    context.check_room(series * len(ends))
    values = np.zeros(shape)
    present = np.zeros(shape, dtype=np.bool_)
    times = np.zeros(shape, dtype=np.int64) if keep_times or batch.histograms else NO_TIMES
    flat = flat_buffers(batch)
    if smoothed:
        smoothed_rows(*flat, ends, lookback, values, present, 0, series)
    else:
        work = _Work(flat, ends, lookback, values, present, times)
        context.in_halves(work.run, series, int(batch.timestamps_ms.size) + values.size)
    histograms = None
    if batch.histograms and smoothed:
        histograms = np.full(shape, None, dtype=object)
        _smooth_histograms(context, batch, ends, node, present, histograms)
    elif batch.histograms:
        histograms = np.full(shape, None, dtype=object)
        newest = _last_sample_times(batch)
        for row, points in batch.histograms.items():
            _lay_histograms(points, ends, lookback, histograms[row], present[row], times[row], newest[row])
    return Grid(batch.labels, values, present, histograms), times


@dataclass(frozen=True, slots=True)
class _Work:
    flat: tuple[Times, Times, Floats]
    ends: Times
    lookback: int
    values: Floats
    present: Mask
    times: Times

    def run(self, first: int, last: int) -> None:
        instant_rows(*self.flat, self.ends, self.lookback, self.values, self.present, self.times, first, last)


def flat_buffers(batch: SeriesBatch) -> tuple[Times, Times, Floats]:
    """Offsets, timestamps and values as kernels take them: contiguous and writable (a copy where a source gave neither)."""
    return (
        ready_times(batch.offsets),
        ready_times(batch.timestamps_ms),
        ready_floats(batch.values),
    )


def _smooth_histograms(
    context: Context, batch: SeriesBatch, ends: Times, node: VectorSelector, present: Mask, histograms: np.ndarray
) -> None:
    """Correct the rows of series with histograms, which the kernel has filled from their floats alone."""
    for row in batch.histograms:
        samples = samples_of(batch, row)
        times = np.array([sample.at_ms for sample in samples], dtype=np.int64)
        metric = batch.labels[row].metric
        for t, end in enumerate(ends.tolist()):
            seen, remarks, mixed = smoothed_histogram(samples, times, end, context.question.lookback_ms)
            context.annotations.add_remarks(remarks, node.span, metric=metric)
            if mixed:
                context.annotations.add(say.mixed_floats_histograms(metric), node.span)
            if seen is None:
                present[row, t] = False
            elif isinstance(seen.value, NativeHistogram):
                histograms[row, t], present[row, t] = seen.value, True


def _last_sample_times(batch: SeriesBatch) -> dict[int, tuple[Times, Floats]]:
    return {
        row: (batch.timestamps_ms[batch.offsets[row] : batch.offsets[row + 1]], batch.values[batch.offsets[row] : batch.offsets[row + 1]])
        for row in batch.histograms
    }


def _lay_histograms(
    points: HistogramPoints, ends: Times, lookback: int, out: np.ndarray, present: Mask, times: Times, floats: tuple[Times, Floats]
) -> None:
    """Put histograms where they are newer than the floats of the same series (a stale marker of either kind counts as a sample)."""
    at = np.searchsorted(points.timestamps_ms, ends, side="right") - 1
    float_at = np.searchsorted(floats[0], ends, side="right") - 1
    for t, index in enumerate(at):
        if index < 0 or points.timestamps_ms[index] <= ends[t] - lookback:
            continue
        if float_at[t] >= 0 and floats[0][float_at[t]] > points.timestamps_ms[index]:
            continue
        stale = ends_series(points.points[index])
        present[t] = not stale
        out[t] = None if stale else points.points[index]
        times[t] = points.timestamps_ms[index]


def select_starts(context: Context, node: VectorSelector, steps: Steps) -> Grid:
    """Since when the samples that the selector sees have been counting, seconds since 1970, as values; 0 where that is unknown."""
    ends = evaluation_times(context, node, steps)
    grids: list[Grid] = []
    for batch in context.select(node.matchers, int(ends[0]) - context.question.lookback_ms + 1, int(ends[-1])):
        grid, times = _reduce(context, batch, ends, node, keep_times=True)
        starts = np.zeros(grid.values.shape)
        for row in range(len(batch.labels)):
            own = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
            if batch.starts_ms is not None:
                _put_starts(batch.timestamps_ms[own], batch.starts_ms[own], times[row], starts[row], grid.float_mask[row])
            held = batch.histograms.get(row)
            if held is not None and held.starts_ms is not None:
                _put_starts(held.timestamps_ms, held.starts_ms, times[row], starts[row], grid.histogram_mask[row])
        piece = grid.with_cells(starts, grid.present).without_empty_rows()
        piece.one_name = has_one_name(node.matchers)
        context.hold(piece.values.size)
        grids.append(piece)
    return stacked(grids, steps.count)


def _put_starts(own_ms: Times, starts_ms: Times, times: Times, out: Floats, wanted: Mask) -> None:
    out[wanted] = starts_ms[np.searchsorted(own_ms, times[wanted])] / 1000
