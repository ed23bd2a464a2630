"""
Series that a replay holds in memory: what recording rules made of the past, or a past that was simulated. Flat arrays, in order of time.

Where rules record a metric that the store also has, written by the rules that were in force then, a replay sees its own and nothing else:
`ShadowedSeries` hides the stored ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import STALE_NAN, HistogramPoints, Matcher, SeriesBatch, SeriesSource
from tocsin.query.promql.answer import SeriesAnswer
from tocsin.query.series.recent import name_of

BATCH_SERIES = 1000
_NO_TIMES = np.zeros(0, dtype=np.int64)
STALE_HISTOGRAM = NativeHistogram(0, count=STALE_NAN, sum=STALE_NAN)
_NO_VALUES = np.zeros(0, dtype=np.float64)


@dataclass(slots=True)
class _Held:
    """One series: its numbers, and its histograms beside them."""

    times: NDArray[np.int64] = field(default_factory=lambda: _NO_TIMES)
    values: NDArray[np.float64] = field(default_factory=lambda: _NO_VALUES)
    histogram_times: list[int] = field(default_factory=list)
    histograms: list[NativeHistogram] = field(default_factory=list)


class HeldSeries:
    """A SeriesSource in memory; not safe against changes while it is read."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[Labels, _Held]] = {}

    def add(self, labels: Labels, times_ms: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """
        Put numbers at the end of a series.

        Args:
            labels: With `__name__`.
            times_ms: [N] milliseconds since 1970, ascending, all after what the series has.
            values: [N].
        """
        held = self._held(labels)
        held.times = np.concatenate([held.times, times_ms])
        held.values = np.concatenate([held.values, values])

    def add_answer(self, labels: Labels, answer: SeriesAnswer) -> None:
        """Put a series of a range query's answer at the end of a series, numbers and histograms."""
        if len(answer.timestamps_ms):
            self.add(labels, answer.timestamps_ms, np.array(answer.values))
        if len(answer.histogram_timestamps_ms):
            held = self._held(labels)
            held.histogram_times += answer.histogram_timestamps_ms.tolist()
            held.histograms += answer.histograms

    def add_evaluated(
        self, series: Mapping[Labels, SeriesAnswer], steps_ms: NDArray[np.int64], lasting: frozenset[Labels]
    ) -> frozenset[Labels]:
        """
        Put what a rule made at a run of evaluations at the end of its series, with a marker wherever one of them made a series no longer.

        Args:
            series: What it made, by labels with `__name__`.
            steps_ms: [E] instants of the evaluations, milliseconds since 1970, ascending, at least one.
            lasting: Series that the evaluation before them made.

        Returns:
            Series that the last evaluation made.
        """
        for labels in lasting - series.keys():
            self.add_answer(labels, _ended(labels, int(steps_ms[0]), histogram=bool(self._held(labels).histograms)))
        still = set()
        for labels, answer in series.items():
            made = np.union1d(answer.timestamps_ms, answer.histogram_timestamps_ms)
            there = np.isin(steps_ms, made)
            before = np.concatenate([[labels in lasting], there[:-1]])
            self.add_answer(labels, _with_markers(answer, steps_ms[before & ~there]))
            if there[-1]:
                still.add(labels)
        return frozenset(still)

    def forget_before(self, at_ms: int) -> None:
        """Let go what is older, and series with nothing newer."""
        for series in self._by_name.values():
            for labels, held in list(series.items()):
                first = int(np.searchsorted(held.times, at_ms))
                held.times, held.values = held.times[first:].copy(), held.values[first:].copy()
                place = bisect_left(held.histogram_times, at_ms)
                del held.histogram_times[:place], held.histograms[:place]
                if not len(held.times) and not held.histograms:
                    del series[labels]

    @property
    def samples(self) -> int:
        """How many are held."""
        return sum(len(held.times) + len(held.histograms) for series in self._by_name.values() for held in series.values())

    def series(self) -> Iterator[tuple[Labels, NDArray[np.int64], NDArray[np.float64]]]:
        """Every series with its numbers."""
        for series in self._by_name.values():
            for labels, held in series.items():
                yield labels, held.times, held.values

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """
        Series that match, with their samples; see `tocsin.model.series.SeriesSource`.

        Raises:
            LimitExceeded: More than `samples_max` samples.
        """
        name = name_of(matchers)
        groups = [self._by_name.get(name, {})] if name is not None else [*self._by_name.values()]
        chosen = [
            (labels, held)
            for series in groups
            for labels, held in series.items()
            if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
        ]
        left = samples_max
        for first in range(0, len(chosen), BATCH_SERIES):
            batch = _batch(chosen[first : first + BATCH_SERIES], start_ms, end_ms)
            left -= len(batch.values) + sum(len(points.points) for points in batch.histograms.values())
            if left < 0:
                raise LimitExceeded(f"the query reads more than {samples_max} samples: narrow it or raise promql.samples_read_max")
            if batch.labels:
                yield batch

    def _held(self, labels: Labels) -> _Held:
        return self._by_name.setdefault(labels.metric, {}).setdefault(labels, _Held())


class ShadowedSeries:
    """
    A source of series in which some metrics are those of a replay.

    Args:
        stored: Everything else.
        held: What the replay made.
        names: Metrics of which nothing stored is seen.
    """

    def __init__(self, stored: SeriesSource, held: HeldSeries, names: frozenset[str]) -> None:
        self._stored = stored
        self._held = held
        self._names = names

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Series that match, with their samples; see `tocsin.model.series.SeriesSource`."""
        yield from self._held.select(matchers, start_ms, end_ms, samples_max=samples_max)
        if name_of(matchers) in self._names:
            return
        for batch in self._stored.select(matchers, start_ms, end_ms, samples_max=samples_max):
            kept = [row for row, labels in enumerate(batch.labels) if labels.get(METRIC_NAME) not in self._names]
            if len(kept) == len(batch.labels):
                yield batch
            elif kept:
                yield _rows(batch, kept)


def _ended(labels: Labels, at_ms: int, *, histogram: bool) -> SeriesAnswer:
    at = np.array([at_ms], dtype=np.int64)
    if histogram:
        return SeriesAnswer(labels, _NO_TIMES, _NO_VALUES, at, [STALE_HISTOGRAM])
    return SeriesAnswer(labels, at, np.array([STALE_NAN]))


def _with_markers(answer: SeriesAnswer, ends_ms: NDArray[np.int64]) -> SeriesAnswer:
    """A series with markers where it ended; those behind a histogram are histograms."""
    if not len(ends_ms):
        return answer
    if not len(answer.histogram_timestamps_ms):
        times = np.concatenate([answer.timestamps_ms, ends_ms])
        values = np.concatenate([answer.values, np.full(len(ends_ms), STALE_NAN)])
        order = np.argsort(times, kind="stable")
        return SeriesAnswer(answer.labels, times[order], values[order], answer.histogram_timestamps_ms, answer.histograms)
    points = dict(zip(answer.histogram_timestamps_ms.tolist(), answer.histograms, strict=True)) | dict.fromkeys(
        ends_ms.tolist(), STALE_HISTOGRAM
    )
    at = sorted(points)
    return SeriesAnswer(answer.labels, answer.timestamps_ms, answer.values, np.array(at, dtype=np.int64), [points[one] for one in at])


def _rows(batch: SeriesBatch, rows: Sequence[int]) -> SeriesBatch:
    """Some series of a batch."""
    parts = [slice(int(batch.offsets[row]), int(batch.offsets[row + 1])) for row in rows]
    offsets = np.cumsum([0, *(part.stop - part.start for part in parts)], dtype=np.int64)
    return SeriesBatch(
        labels=[batch.labels[row] for row in rows],
        offsets=offsets,
        timestamps_ms=np.concatenate([batch.timestamps_ms[part] for part in parts]),
        values=np.concatenate([batch.values[part] for part in parts]),
        histograms={place: batch.histograms[row] for place, row in enumerate(rows) if row in batch.histograms},
        starts_ms=None if batch.starts_ms is None else np.concatenate([batch.starts_ms[part] for part in parts]),
    )


def _batch(chosen: Sequence[tuple[Labels, _Held]], start_ms: int, end_ms: int) -> SeriesBatch:
    labels: list[Labels] = []
    offsets = [0]
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    histograms: dict[int, HistogramPoints] = {}
    for name, held in chosen:
        first, last = np.searchsorted(held.times, [start_ms, end_ms + 1]).tolist()
        place, end = bisect_left(held.histogram_times, start_ms), bisect_left(held.histogram_times, end_ms + 1)
        if first == last and place == end:
            continue
        if place < end:
            at = np.array(held.histogram_times[place:end], dtype=np.int64)
            histograms[len(labels)] = HistogramPoints(at, held.histograms[place:end])
        labels.append(name)
        times.append(held.times[first:last])
        values.append(held.values[first:last])
        offsets.append(offsets[-1] + last - first)
    flat = np.concatenate([_NO_TIMES, *times]), np.concatenate([_NO_VALUES, *values])
    return SeriesBatch(labels, np.array(offsets, dtype=np.int64), *flat, histograms)
