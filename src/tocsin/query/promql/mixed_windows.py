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
from tocsin.model.series import SeriesBatch
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import Floats, Grid
from tocsin.query.promql.histogram_arithmetic import average_of, equal, sum_of
from tocsin.query.promql.histogram_notes import Remarks
from tocsin.query.promql.histogram_rate import histogram_rate, instant_rate
from tocsin.query.promql.histogram_resets import detect_reset, reset_flags
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.ranges import Range
from tocsin.query.promql.samples import Point, Sample, begins_anew, samples_of
from tocsin.query.promql.start_timestamps import begins_within, overlapping
from tocsin.query.promql.syntax import Call, Span


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

    floats: Floats
    times: Times
    histograms: Sequence[NativeHistogram]
    resets: Sequence[bool] | None
    start_ms: int
    end_ms: int
    points: Sequence[Sample]

    @property
    def began_ms(self) -> int | None:
        """When the first histogram began to count, if that is known and lies inside of the window."""
        start = self.points[0].start_ms
        return start if begins_within(start, int(self.times[0]), self.start_ms) else None


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
    samples, range_ms = samples_of(batch, row), task.argument.range_ms
    ends = task.argument.ends_ms
    points = [sample for sample in samples if isinstance(sample.value, NativeHistogram)]
    histograms = [sample.value for sample in points if isinstance(sample.value, NativeHistogram)]
    resets = None
    if task.kind is MixedKind.RATE and task.counter:
        found = reset_flags(histograms, trust_hints=not task.argument.evaluated)
        resets = [reset or (i > 0 and begins_anew(points[i - 1], points[i])) for i, reset in enumerate(found)]
    times = np.array([sample.at_ms for sample in points], dtype=np.int64)
    all_times = np.array([sample.at_ms for sample in samples], dtype=np.int64)
    edges = zip(
        *(np.searchsorted(own, at, side="right").tolist() for own in (times, all_times) for at in (ends - range_ms, ends)), strict=True
    )
    for t, (low, high, first, last) in enumerate(edges):
        if low == high:
            continue
        inside, held = samples[first:last], slice(low, high)
        floats = np.array([sample.value for sample in inside if isinstance(sample.value, float)], dtype=np.float64)
        known = None if resets is None else resets[held]
        yield t, _Window(floats, times[held], histograms[held], known, int(ends[t]) - range_ms, int(ends[t]), inside)


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
        return of_both(kind, window.points, trusted=not task.argument.evaluated)
    if kind is MixedKind.RATE and task.counter and any(_overlap(before, after) for before, after in pairwise(window.points)):
        annotations.add(say.overlapping_start(metric), task.span)
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
        began_ms=window.began_ms if task.counter else None,
    )


def _overlap(before: Sample, after: Sample) -> bool:
    return overlapping(before.start_ms, before.at_ms, after.start_ms)


def of_both(kind: MixedKind, points: Sequence[Sample], *, trusted: bool) -> Point:
    """
    What a function makes of floats and histograms alike.

    Args:
        kind: The function, none that takes one kind only.
        points: In the order of time, at least one.
        trusted: Whether what histograms say of resets before them holds.
    """
    match kind:
        case MixedKind.COUNT:
            return float(len(points))
        case MixedKind.FIRST:
            return points[0].value
        case MixedKind.LAST:
            return points[-1].value
        case MixedKind.TIME_OF_FIRST:
            return points[0].at_ms / 1000
        case MixedKind.TIME_OF_LAST:
            return points[-1].at_ms / 1000
        case MixedKind.CHANGES:
            return float(sum(_changed(before.value, after.value) for before, after in pairwise(points)))
        case MixedKind.RESETS:
            return float(sum(_was_reset(before, after, trusted=trusted) for before, after in pairwise(points)))
        case _:
            return 1.0


def _changed(before: Point, after: Point) -> bool:
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        return not equal(before, after)
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        return True
    return before != after and not (np.isnan(before) and np.isnan(after))


def _was_reset(before: Sample, after: Sample, *, trusted: bool) -> bool:
    first, second = before.value, after.value
    if begins_anew(before, after):
        return True
    if isinstance(first, NativeHistogram) and isinstance(second, NativeHistogram):
        return detect_reset(first, second, trust_hint=trusted)
    if isinstance(first, NativeHistogram) or isinstance(second, NativeHistogram):
        return True
    return second < first


def _last_two(task: MixedTask, window: _Window, metric: str) -> Point | None:
    if len(window.points) < 2:
        return None
    previous, last = window.points[-2:]
    before, after = previous.value, last.value
    anew = begins_anew(previous, last)
    if isinstance(before, NativeHistogram) and isinstance(after, NativeHistogram):
        result, remarks = instant_rate(
            before,
            after,
            previous.at_ms,
            last.at_ms,
            is_rate=task.counter,
            trust_hints=not task.argument.evaluated,
            restarted=anew,
        )
        task.context.annotations.add_remarks(remarks, task.span, metric=metric)
        return result
    if isinstance(before, NativeHistogram) or isinstance(after, NativeHistogram):
        task.context.annotations.add(say.mixed_floats_histograms(metric), task.span)
        return None
    difference = after if task.counter and (anew or after < before) else after - before
    return difference / ((last.at_ms - previous.at_ms) / 1000) if task.counter else difference
