"""
Functions over ranges for the series that hold native histograms, alone or beside floats, window by window.

What a function makes of them differs: some take both kinds, some take either but not both, most take floats only and say so.
Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

import numpy as np

from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import STALE_NAN_BITS, SeriesBatch
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Floats, Grid
from tocsin.query.promql.histogram_arithmetic import average_of, equal, sum_of
from tocsin.query.promql.histogram_notes import Remarks
from tocsin.query.promql.histogram_rate import histogram_rate, instant_rate
from tocsin.query.promql.histogram_resets import detect_reset
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.ranges import Range
from tocsin.query.promql.selectors import is_stale
from tocsin.query.promql.syntax import Call

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
class _Window:
    """Samples of one series in one window: floats, histograms, and where it begins and ends."""

    float_times: Times
    floats: Floats
    times: Times
    histograms: Sequence[NativeHistogram]
    start_ms: int
    end_ms: int

    def points(self) -> list[tuple[int, Point]]:
        """Both kinds in the order of time."""
        both: list[tuple[int, Point]] = [(int(at), float(value)) for at, value in zip(self.float_times, self.floats, strict=True)]
        both += [(int(at), value) for at, value in zip(self.times, self.histograms, strict=True)]
        return sorted(both, key=lambda point: point[0])


def fill_mixed_rows(
    context: Context, call: Call, kind: MixedKind, counter: bool, per_second: bool, argument: Range, batch: SeriesBatch, grid: Grid
) -> None:
    """
    Correct the rows of series with histograms, which the kernels have filled from their floats alone.

    Args:
        context: Of the evaluation.
        call: The function.
        kind: What it makes of histograms.
        counter: For `rate` and its kin.
        per_second: For `rate` and its kin.
        argument: The range.
        batch: The series.
        grid: Their rows; changed in place.
    """
    grid.histograms = np.full(grid.values.shape, None, dtype=object)
    for row, points in batch.histograms.items():
        context.check_time()
        floats = _fresh_floats(batch, row)
        alive = [i for i, one in enumerate(points.points) if not is_stale(one)]
        times = points.timestamps_ms[alive]
        histograms = [points.points[i] for i in alive]
        metric = "" if grid.nameless else batch.labels[row].metric
        for t, end in enumerate(argument.ends_ms):
            window = _window(floats, times, histograms, int(end) - argument.range_ms, int(end))
            if not window.histograms:
                continue
            value = _value(context, call, kind, counter, per_second, argument, window, metric, bool(grid.present[row, t]))
            if value is _AS_FLOATS:
                continue
            grid.present[row, t] = value is not None
            if isinstance(value, NativeHistogram):
                grid.histograms[row, t] = value
            elif isinstance(value, float):
                grid.values[row, t] = value


_AS_FLOATS = object()


def _value(
    context: Context,
    call: Call,
    kind: MixedKind,
    counter: bool,
    per_second: bool,
    argument: Range,
    window: _Window,
    metric: str,
    has_floats: bool,
) -> object:
    span = argument.span
    if kind is MixedKind.FLOATS_ONLY:
        if len(window.floats) and has_floats:
            context.annotations.add(say.ignored_in_range(metric), span)
        return _AS_FLOATS
    if kind in _ONE_KIND and len(window.floats):
        if kind is not MixedKind.RATE or len(window.floats) + len(window.histograms) > 1:
            context.annotations.add(say.mixed_floats_histograms(metric), span)
        return None
    if kind is MixedKind.LAST_TWO:
        return _last_two(context, argument, window, metric, counter)
    remarks: Remarks = ()
    result: object
    if kind is MixedKind.RATE:
        result, remarks = histogram_rate(
            window.histograms,
            window.times,
            window.start_ms,
            window.end_ms,
            is_counter=counter,
            is_rate=per_second,
            trust_hints=not argument.evaluated,
        )
    elif kind is MixedKind.SUM:
        result, remarks = sum_of(window.histograms)
    elif kind is MixedKind.AVERAGE:
        result, remarks = average_of(window.histograms)
    else:
        result = _of_both(kind, window, argument)
    context.annotations.add_remarks(remarks, span, metric=metric, function=call.function)
    return result


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


def _last_two(context: Context, argument: Range, window: _Window, metric: str, counter: bool) -> Point | None:
    points = window.points()
    if len(points) < 2:
        return None
    (before_ms, before), (after_ms, after) = points[-2:]
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        result, remarks = instant_rate(before, after, before_ms, after_ms, is_rate=counter, trust_hints=not argument.evaluated)
        context.annotations.add_remarks(remarks, argument.span, metric=metric)
        return result
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        context.annotations.add(say.mixed_floats_histograms(metric), argument.span)
        return None
    difference = after if counter and after < before else after - before
    return difference / ((after_ms - before_ms) / 1000) if counter else difference


def _fresh_floats(batch: SeriesBatch, row: int) -> tuple[Times, Floats]:
    own = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
    times, values = batch.timestamps_ms[own], batch.values[own]
    fresh = np.ascontiguousarray(values).view(np.int64) != STALE_NAN_BITS
    return times[fresh], values[fresh]


def _window(floats: tuple[Times, Floats], times: Times, histograms: Sequence[NativeHistogram], start_ms: int, end_ms: int) -> _Window:
    inside = slice(*np.searchsorted(floats[0], (start_ms, end_ms), side="right"))
    held = slice(*np.searchsorted(times, (start_ms, end_ms), side="right"))
    return _Window(floats[0][inside], floats[1][inside], times[held], histograms[held], start_ms, end_ms)
