"""
Series in memory: the store's place in tests and replays.

What it hands out is what a store hands out: samples in order of time, a later one at the same instant in place of an earlier one, hints
about counter resets where the histogram before is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.model.series import HistogramPoints, Matcher, SeriesBatch, is_stale
from tocsin.query.promql.histogram_resets import detect_reset

BATCH_SERIES = 1000


@dataclass
class _Held:
    """The samples of one series by time, both kinds, and since when they have been counting."""

    floats: dict[int, float] = field(default_factory=dict)
    histograms: dict[int, NativeHistogram] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)

    def starts_at(self, times: Sequence[int]) -> NDArray[np.int64] | None:
        """Starts of the samples at these instants; None if the series has none."""
        return np.array([self.starts.get(at, 0) for at in times], dtype=np.int64) if self.starts else None


class MemorySeries:
    """A SeriesSource that holds what is put in; not safe against changes while it is read."""

    def __init__(self) -> None:
        self._held: dict[Labels, _Held] = {}

    def add(self, labels: Labels, samples: Mapping[int, float | NativeHistogram], starts: Mapping[int, int] | None = None) -> None:
        """
        Add samples of a series.

        Args:
            labels: With `__name__`.
            samples: By time, milliseconds since 1970. The stale NaN ends whichever kind came before it.
            starts: Since when samples have been counting, by their time; milliseconds since 1970.
        """
        held = self._held.setdefault(labels, _Held())
        held.starts.update(starts or {})
        for timestamp_ms, sample in sorted(samples.items()):
            held.floats.pop(timestamp_ms, None)
            held.histograms.pop(timestamp_ms, None)
            if isinstance(sample, NativeHistogram):
                held.histograms[timestamp_ms] = sample
            elif is_stale(sample) and _ends_histograms(held, timestamp_ms):
                held.histograms[timestamp_ms] = NativeHistogram(0, count=sample, sum=sample)
            else:
                held.floats[timestamp_ms] = sample

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """
        Series that satisfy all matchers and have samples in the range, both ends included.

        Raises:
            LimitExceeded: More than `samples_max` samples.
        """
        chosen = [(labels, held) for labels, held in self._held.items() if all(one.matches(labels.get(one.name)) for one in matchers)]
        left = samples_max
        for first in range(0, len(chosen), BATCH_SERIES):
            batch = _batch(chosen[first : first + BATCH_SERIES], start_ms, end_ms)
            left -= len(batch.values) + sum(len(points.points) for points in batch.histograms.values())
            if left < 0:
                raise LimitExceeded(f"the query reads more than {samples_max} samples: narrow it or raise promql.samples_read_max")
            if batch.labels:
                yield batch


def _ends_histograms(held: _Held, timestamp_ms: int) -> bool:
    last_float = max((at for at in held.floats if at < timestamp_ms), default=-math.inf)
    last_histogram = max((at for at in held.histograms if at < timestamp_ms), default=-math.inf)
    return last_histogram > last_float


def _batch(chosen: Sequence[tuple[Labels, _Held]], start_ms: int, end_ms: int) -> SeriesBatch:
    labels: list[Labels] = []
    offsets = [0]
    timestamps: list[int] = []
    values: list[float] = []
    starts: list[int] = []
    histograms: dict[int, HistogramPoints] = {}
    for series, held in chosen:
        times = sorted(at for at in held.floats if start_ms <= at <= end_ms)
        points = [(at, point) for at, point in _with_hints(held) if start_ms <= at <= end_ms]
        if not times and not points:
            continue
        if points:
            instants = np.array([at for at, _ in points], dtype=np.int64)
            histograms[len(labels)] = HistogramPoints(instants, [point for _, point in points], held.starts_at(instants.tolist()))
        labels.append(series)
        timestamps += times
        starts += [held.starts.get(at, 0) for at in times]
        values += [held.floats[at] for at in times]
        offsets.append(len(timestamps))
    flat = np.array(timestamps, dtype=np.int64), np.array(values, dtype=np.float64)
    known = np.array(starts, dtype=np.int64) if any(starts) else None
    return SeriesBatch(labels, np.array(offsets, dtype=np.int64), *flat, histograms, known)


def _with_hints(held: _Held) -> list[tuple[int, NativeHistogram]]:
    """
    The histograms with what a store knows about resets: nothing of the first one of a chunk, 'not reset' of those that follow.

    A chunk ends where a reset is found, where the buckets are laid out anew, and where samples of the other kind lie between.
    """
    known: list[tuple[int, NativeHistogram]] = []
    previous: NativeHistogram | None = None
    floats = sorted(held.floats)
    seen = 0
    for at, point in sorted(held.histograms.items()):
        while seen < len(floats) and floats[seen] < at:
            seen, previous = seen + 1, None
        hint = _hint(previous, point)
        known.append((at, replace(point, reset=hint)))
        previous = point
    return known


def _hint(previous: NativeHistogram | None, point: NativeHistogram) -> ResetHint:
    if point.reset is ResetHint.GAUGE or is_stale(point.count):
        return point.reset
    if previous is None or previous.reset is ResetHint.GAUGE or is_stale(previous.count) or point.reset is ResetHint.RESET:
        return ResetHint.UNKNOWN
    same_layout = (previous.schema, previous.zero_threshold, previous.custom_values) == (
        point.schema,
        point.zero_threshold,
        point.custom_values,
    )
    return ResetHint.NOT_RESET if same_layout and not detect_reset(previous, point) else ResetHint.UNKNOWN
