"""
Samples of one series one by one, floats and native histograms: for the few series that hold histograms, which no kernel walks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.model.series import HistogramPoints, SeriesBatch, is_stale, stale_among
from tocsin.query.promql.histogram_resets import detect_reset
from tocsin.query.promql.start_timestamps import restarted

Point = float | NativeHistogram


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of either kind: its instant, its value, and since when it has been counting, 0 if unknown."""

    at_ms: int
    value: Point
    start_ms: int = 0


def begins_anew(before: Sample, after: Sample) -> bool:
    """Whether a counter began anew between two samples, by their starts."""
    return restarted(before.start_ms, before.at_ms, after.start_ms, after.at_ms)


def ends_series(histogram: NativeHistogram) -> bool:
    """Whether it only marks the end of its series."""
    return is_stale(histogram.count)


def samples_of(batch: SeriesBatch, row: int) -> list[Sample]:
    """Both kinds of a series' samples in the order of time, stale markers left out; the series holds histograms."""
    own = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
    values = np.ascontiguousarray(batch.values[own])
    fresh = (~stale_among(values)).tolist()
    starts = np.zeros(len(values), dtype=np.int64) if batch.starts_ms is None else batch.starts_ms[own]
    floats = zip(batch.timestamps_ms[own].tolist(), values.tolist(), starts.tolist(), fresh, strict=True)
    both = [Sample(at, value, start) for at, value, start, kept in floats if kept]
    held = batch.histograms[row]
    begun = [0] * len(held.points) if held.starts_ms is None else held.starts_ms.tolist()
    histograms = zip(held.timestamps_ms.tolist(), held.points, begun, strict=True)
    both += [Sample(at, point, start) for at, point, start in histograms if not ends_series(point)]
    return sorted(both, key=lambda sample: sample.at_ms)


def with_known_resets(batch: SeriesBatch) -> SeriesBatch:
    """
    The same series with hints for histograms that have none: whether a reset lies between each and the one before it.

    Questions about counts and sums alone are answered like that, as upstream's way to answer them fast does, so that sums over what was
    reset and what was not are remarked upon alike.
    """
    if not batch.histograms:
        return batch
    return replace(batch, histograms={row: _with_hints(points) for row, points in batch.histograms.items()})


def _with_hints(held: HistogramPoints) -> HistogramPoints:
    points: list[NativeHistogram] = []
    before: NativeHistogram | None = None
    for point in held.points:
        stale = ends_series(point)
        unknown = point.reset is ResetHint.UNKNOWN and before is not None and not stale
        if unknown and before is not None:
            hint = ResetHint.RESET if detect_reset(before, point) else ResetHint.NOT_RESET
            points.append(replace(point, reset=hint))
        else:
            points.append(point)
        before = None if stale or point.reset is ResetHint.GAUGE else point
    return replace(held, points=points)
