"""
`anchored` and `smoothed` for series that hold native histograms: what `smoothed.py` does with floats, window by window.

Source: Prometheus documentation, 'Querying basics: extended range selectors'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import SeriesBatch
from tocsin.query.promql import remarks as say
from tocsin.query.promql.grid import Grid
from tocsin.query.promql.histogram_arithmetic import add, scale, subtract
from tocsin.query.promql.histogram_interpolation import interpolated
from tocsin.query.promql.histogram_notes import Operation, Remarks
from tocsin.query.promql.histogram_rate import as_gauge, counted, flavour
from tocsin.query.promql.histogram_resets import detect_reset
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.mixed_windows import MixedKind, MixedTask, of_both
from tocsin.query.promql.samples import Point, Sample, samples_of
from tocsin.query.promql.syntax import RangeExtension

_Result = tuple[NativeHistogram | None, Remarks]


@dataclass(frozen=True, slots=True)
class _Around:
    """
    Samples in a window and beside it.

    Args:
        before: The last one at or before the start, if it is near enough.
        inside: Those in (start, end].
        after: The first one after the end, if it is near enough and looked at.
    """

    before: Sample | None
    inside: Sequence[Sample]
    after: Sample | None

    @property
    def all(self) -> list[Sample]:
        """All of them in the order of time."""
        return [one for one in (self.before, *self.inside, self.after) if one is not None]


def fill_extended_rows(task: MixedTask, batch: SeriesBatch, grid: Grid) -> None:
    """
    Correct the rows of series with histograms, which the kernels have filled from their floats alone.

    Args:
        task: What is computed; its range is anchored or smoothed.
        batch: The series.
        grid: Their rows; changed in place.
    """
    grid.histograms = np.full(grid.values.shape, None, dtype=object)
    for row in batch.histograms:
        task.context.check_time()
        samples = samples_of(batch, row)
        times = np.array([sample.at_ms for sample in samples], dtype=np.int64)
        metric = "" if grid.nameless else batch.labels[row].metric
        for t, end in enumerate(task.argument.ends_ms.tolist()):
            around = _around(task, samples, times, end)
            if all(isinstance(sample.value, float) for sample in around.all):
                continue
            value = _value(task, around, end, metric)
            grid.present[row, t] = value is not None
            if isinstance(value, NativeHistogram):
                grid.histograms[row, t] = value
            elif value is not None:
                grid.values[row, t] = value


def _around(task: MixedTask, samples: Sequence[Sample], times: Times, end_ms: int) -> _Around:
    lookback, start_ms = task.context.question.lookback_ms, end_ms - task.argument.range_ms
    begin, stop = np.searchsorted(times, (start_ms, end_ms), side="right").tolist()
    before = samples[begin - 1] if begin and times[begin - 1] > start_ms - lookback else None
    smooth = task.argument.extension is RangeExtension.SMOOTHED
    after = samples[stop] if smooth and stop < len(samples) and times[stop] <= end_ms + lookback else None
    return _Around(before, samples[begin:stop], after)


def _value(task: MixedTask, around: _Around, end_ms: int, metric: str) -> Point | None:
    annotations = task.context.annotations
    if not around.inside and not (around.before and around.after):
        return None
    if task.kind is not MixedKind.RATE:
        return of_both(task.kind, around.all, trusted=True)
    points = [sample.value for sample in around.all if isinstance(sample.value, NativeHistogram)]
    if len(points) < len(around.all):
        annotations.add(say.mixed_floats_histograms(metric), task.span)
        return None
    if task.argument.extension is RangeExtension.SMOOTHED:
        result, remarks = _smoothed(around, end_ms - task.argument.range_ms, end_ms, task.counter)
    else:
        result, remarks = _anchored(points, task.counter)
    annotations.add_remarks((*flavour(points, is_counter=task.counter), *remarks), task.span, metric=metric)
    if result is None:
        return None
    return as_gauge(scale(result, 1000 / task.argument.range_ms) if task.per_second else result)


def _anchored(points: Sequence[NativeHistogram], counter: bool) -> _Result:
    return counted(points, [i > 0 and counter and detect_reset(points[i - 1], point) for i, point in enumerate(points)])


def _smoothed(around: _Around, start_ms: int, end_ms: int, counter: bool) -> _Result:
    """
    From the value at the window's start to that at its end.

    A value between a sample before the start and the first one after it lies on the way to that one, past any reset; a sample
    at the start itself lies before it. A sample at the end makes the one after it irrelevant.
    """
    first, last = (around.inside[0], around.inside[-1]) if around.inside else (around.after, around.before)
    assert first is not None, "a window without samples has some around it"
    assert last is not None, "a window without samples has some around it"
    opening, remarks = interpolated(around.before, first, start_ms, counter=counter) if around.before else (_histogram(first), ())
    closing, found = interpolated(last, around.after, end_ms, counter=counter) if around.after else (_histogram(last), ())
    remarks += found
    if opening is None or closing is None:
        return None, remarks
    total, found = subtract(as_gauge(closing), as_gauge(opening), Operation.SUBTRACTION)
    remarks += found
    path = [sample for sample in around.all if start_ms <= sample.at_ms and (sample.at_ms <= end_ms or last.at_ms < end_ms)]
    for before, after in pairwise([_histogram(sample) for sample in path]):
        if total is not None and counter and detect_reset(before, after):
            total, found = add(total, as_gauge(before), Operation.ADDITION)
            remarks += found
    return total, tuple(dict.fromkeys(remarks))


def _histogram(sample: Sample) -> NativeHistogram:
    assert isinstance(sample.value, NativeHistogram), "windows that hold floats are not computed here"
    return sample.value
