"""
Functions over ranges for the series that hold native histograms, alone or beside floats, window by window.

What a function makes of them differs: some take both kinds, some take either but not both, most take floats only and say so.
Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

import numpy as np

from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import STALE_NAN_BITS, SeriesBatch
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import Floats, Grid
from tocsin.query.promql.histogram_arithmetic import average_of, equal, sum_of
from tocsin.query.promql.histogram_notes import Remarks
from tocsin.query.promql.histogram_rate import histogram_rate, instant_rate
from tocsin.query.promql.histogram_resets import detect_reset, reset_flags
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.ranges import Range
from tocsin.query.promql.selectors import is_stale
from tocsin.query.promql.syntax import Call, Span

Point = float | NativeHistogram


class MixedKind(Enum):
    """What a function makes of native histograms in its window."""

    FLOATS_ONLY = auto()
    RATE = auto()
    LAST_TWO = auto()
    CHANGES = auto()
    RESETS = auto()
    SUM = auto()
    AVERAGE = auto()
    COUNT = auto()
    PRESENT = auto()
    FIRST = auto()
    LAST = auto()
    TIME_OF_FIRST = auto()
    TIME_OF_LAST = auto()


_ONE_KIND = frozenset({MixedKind.RATE, MixedKind.SUM, MixedKind.AVERAGE})


@dataclass(frozen=True, slots=True)
class MixedTask:
    """
    What is computed over windows that may hold histograms.

    Args:
        context: Of the evaluation.
        call: The function.
        kind: What it makes of histograms.
        counter: For `rate` and its kin: a fall is a reset.
        per_second: For `rate` and its kin: by the window's length.
        argument: The range.
    """

    context: Context
    call: Call
    kind: MixedKind
    counter: bool
    per_second: bool
    argument: Range

    @property
    def span(self) -> Span:
        """Where remarks point: at the function's first argument."""
        return unwrapped(self.call.arguments[0]).span if self.call.arguments else self.argument.span


@dataclass(frozen=True, slots=True)
class _Window:
    """Samples of one series in one window: floats, histograms (with whether a reset lies before each, if known), and its edges."""

    float_times: Times
    floats: Floats
    times: Times
    histograms: Sequence[NativeHistogram]
    resets: Sequence[bool] | None
    start_ms: int
    end_ms: int

    def points(self) -> list[tuple[int, Point]]:
        """Both kinds in the order of time."""
        both: list[tuple[int, Point]] = [(int(at), float(value)) for at, value in zip(self.float_times, self.floats, strict=True)]
        both += [(int(at), value) for at, value in zip(self.times, self.histograms, strict=True)]
        return sorted(both, key=lambda point: point[0])


def fill_mixed_rows(task: MixedTask, batch: SeriesBatch, grid: Grid) -> None:
    """
    Correct the rows of series with histograms, which the kernels have filled from their floats alone.

    Args:
        task: What is computed.
        batch: The series.
        grid: Their rows; changed in place.
    """
    grid.histograms = np.full(grid.values.shape, None, dtype=object)
    for row in batch.histograms:
        task.context.check_time()
        metric = "" if grid.nameless else batch.labels[row].metric
        for t, window in _windows(task, batch, row):
            value = _value(task, window, metric, bool(grid.present[row, t]))
            if value is _AS_FLOATS:
                continue
            grid.present[row, t] = value is not None
            if isinstance(value, NativeHistogram):
                grid.histograms[row, t] = value
            elif isinstance(value, float):
                grid.values[row, t] = value


def _windows(task: MixedTask, batch: SeriesBatch, row: int) -> Iterator[tuple[int, _Window]]:
    """The windows of a series in which there is a histogram, by step."""
    points, ends, range_ms = batch.histograms[row], task.argument.ends_ms, task.argument.range_ms
    alive = [i for i, one in enumerate(points.points) if not is_stale(one)]
    times, histograms = points.timestamps_ms[alive], [points.points[i] for i in alive]
    resets = None
    if task.kind is MixedKind.RATE and task.counter:
        resets = reset_flags(histograms, trust_hints=not task.argument.evaluated)
    float_times, floats = _fresh_floats(batch, row)
    edges = zip(
        *(np.searchsorted(own, at, side="right").tolist() for own in (times, float_times) for at in (ends - range_ms, ends)), strict=True
    )
    for t, (low, high, float_low, float_high) in enumerate(edges):
        if low == high:
            continue
        inside, held = slice(float_low, float_high), slice(low, high)
        end = int(ends[t])
        known = None if resets is None else resets[held]
        yield t, _Window(float_times[inside], floats[inside], times[held], histograms[held], known, end - range_ms, end)


_AS_FLOATS = object()


def _value(task: MixedTask, window: _Window, metric: str, has_floats: bool) -> object:
    annotations, kind = task.context.annotations, task.kind
    if kind is MixedKind.FLOATS_ONLY:
        if len(window.floats) and has_floats:
            annotations.add(say.ignored_in_range(metric), task.span)
        return _AS_FLOATS
    if kind in _ONE_KIND and len(window.floats):
        annotations.add(say.mixed_floats_histograms(metric), task.span)
        return None
    if kind is MixedKind.LAST_TWO:
        return _last_two(task, window, metric)
    if kind not in _ONE_KIND:
        return _of_both(kind, window, task.argument)
    result, remarks = _of_histograms(task, window)
    annotations.add_remarks(remarks, task.span, metric=metric, function=task.call.function)
    return result


def _of_histograms(task: MixedTask, window: _Window) -> tuple[NativeHistogram | None, Remarks]:
    if task.kind is MixedKind.SUM:
        return sum_of(window.histograms)
    if task.kind is MixedKind.AVERAGE:
        return average_of(window.histograms)
    return histogram_rate(
        window.histograms,
        window.times,
        window.start_ms,
        window.end_ms,
        is_counter=task.counter,
        is_rate=task.per_second,
        trust_hints=not task.argument.evaluated,
        resets=window.resets,
    )


def _of_both(kind: MixedKind, window: _Window, argument: Range) -> Point:
    points = window.points()
    match kind:
        case MixedKind.COUNT:
            return float(len(points))
        case MixedKind.FIRST:
            return points[0][1]
        case MixedKind.LAST:
            return points[-1][1]
        case MixedKind.TIME_OF_FIRST:
            return points[0][0] / 1000
        case MixedKind.TIME_OF_LAST:
            return points[-1][0] / 1000
        case MixedKind.CHANGES:
            return float(sum(_changed(before[1], after[1]) for before, after in pairwise(points)))
        case MixedKind.RESETS:
            trusted = not argument.evaluated
            return float(sum(_was_reset(before[1], after[1], trusted=trusted) for before, after in pairwise(points)))
        case _:
            return 1.0


def _changed(before: Point, after: Point) -> bool:
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        return not equal(before, after)
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        return True
    return before != after and not (np.isnan(before) and np.isnan(after))


def _was_reset(before: Point, after: Point, *, trusted: bool) -> bool:
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        return detect_reset(before, after, trust_hint=trusted)
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        return True
    return after < before


def _last_two(task: MixedTask, window: _Window, metric: str) -> Point | None:
    points = window.points()
    if len(points) < 2:
        return None
    (before_ms, before), (after_ms, after) = points[-2:]
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        trusted = not task.argument.evaluated
        result, remarks = instant_rate(before, after, before_ms, after_ms, is_rate=task.counter, trust_hints=trusted)
        task.context.annotations.add_remarks(remarks, task.span, metric=metric)
        return result
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        task.context.annotations.add(say.mixed_floats_histograms(metric), task.span)
        return None
    difference = after if task.counter and after < before else after - before
    return difference / ((after_ms - before_ms) / 1000) if task.counter else difference


def _fresh_floats(batch: SeriesBatch, row: int) -> tuple[Times, Floats]:
    own = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
    times, values = batch.timestamps_ms[own], batch.values[own]
    fresh = np.ascontiguousarray(values).view(np.int64) != STALE_NAN_BITS
    return times[fresh], values[fresh]
