"""
Samples that were written a moment ago, visible before the store has them.

What a rule records goes through the journal to the engine, which takes a second or two; the next rule asks for it now. So the last minutes
of what rules write are kept here too, and laid over what the store says. A sample that both have counts once.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import (
    Census,
    Exemplar,
    HistogramPoints,
    Matcher,
    MatchOperator,
    Metadata,
    MetricCatalog,
    SeriesBatch,
    SeriesSource,
)

KEPT_S = 300.0


@dataclass(frozen=True, slots=True)
class SeriesSample:
    """One sample on its way: labels with `__name__`, milliseconds since 1970, a number or a native histogram."""

    labels: Labels
    timestamp_ms: int
    value: float | NativeHistogram


@dataclass(frozen=True, slots=True)
class RecentStatistics:
    """
    Samples that are kept until the store has them.

    Args:
        series: Gauge: series.
        samples: Gauge: samples.
        forgotten: Samples that were let go because they were old enough.
    """

    series: int
    samples: int
    forgotten: int


@dataclass(slots=True)
class _Kept:
    """One series, by time; lists, for there are few samples and they are cut at the front."""

    times: list[int] = field(default_factory=list)
    values: list[float | NativeHistogram] = field(default_factory=list)

    def put(self, at_ms: int, value: float | NativeHistogram) -> int:
        """Add a sample, in place of one at the same instant; how many there are more than before."""
        if not self.times or at_ms > self.times[-1]:
            self.times.append(at_ms)
            self.values.append(value)
            return 1
        place = bisect_left(self.times, at_ms)
        if self.times[place] == at_ms:
            self.values[place] = value
            return 0
        self.times.insert(place, at_ms)
        self.values.insert(place, value)
        return 1

    def drop_before(self, at_ms: int) -> int:
        """Forget what is older; how many samples that was."""
        place = bisect_left(self.times, at_ms)
        del self.times[:place], self.values[:place]
        return place

    def between(self, start_ms: int, end_ms: int) -> list[tuple[int, float | NativeHistogram]]:
        """Samples of a range, both ends included."""
        part = slice(bisect_left(self.times, start_ms), bisect_right(self.times, end_ms))
        return list(zip(self.times[part], self.values[part], strict=True))


Samples = list[tuple[int, float | NativeHistogram]]


class RecentSeries:
    """
    Keeps them. Safe to use from several threads.

    Args:
        kept_s: How long, counted back from the newest sample, seconds.
    """

    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self._kept_ms = round(kept_s * 1000)
        self._lock = threading.Lock()
        self._series: dict[str, dict[Labels, _Kept]] = {}
        self._newest_ms = self._swept_ms = 0
        self._samples = self._forgotten = 0

    def add(self, samples: Sequence[SeriesSample]) -> None:
        """Keep these."""
        if not samples:
            return
        with self._lock:
            for sample in samples:
                series = self._series.setdefault(sample.labels.metric, {})
                kept = series.get(sample.labels)
                if kept is None:
                    kept = series[sample.labels] = _Kept()
                self._samples += kept.put(sample.timestamp_ms, sample.value)
            self._newest_ms = samples[-1].timestamp_ms
            if abs(self._newest_ms - self._swept_ms) >= self._kept_ms // 4:
                self._sweep()

    def names(self) -> frozenset[str]:
        """Metrics of which there is something."""
        with self._lock:
            return frozenset(self._series)

    def find(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> dict[Labels, Samples]:
        """Samples of matching series in a range, both ends included."""
        name = name_of(matchers)
        with self._lock:
            if name is not None and name not in self._series:
                return {}
            groups = list(self._series.values()) if name is None else [self._series[name]]
            chosen = [
                (labels, kept)
                for series in groups
                for labels, kept in series.items()
                if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
            ]
            return {labels: found for labels, kept in chosen if (found := kept.between(start_ms, end_ms))}

    def statistics(self) -> RecentStatistics:
        """What is kept now."""
        with self._lock:
            return RecentStatistics(sum(map(len, self._series.values())), self._samples, self._forgotten)

    def _sweep(self) -> None:
        self._swept_ms = self._newest_ms
        for name, series in list(self._series.items()):
            for labels, kept in list(series.items()):
                gone = kept.drop_before(self._newest_ms - self._kept_ms)
                self._samples -= gone
                self._forgotten += gone
                if not kept.times:
                    del series[labels]
            if not series:
                del self._series[name]


class OverlaidSeries:
    """
    A source of series with what was written a moment ago. Safe to use from several threads.

    Args:
        source: What is stored.
        recent: What was written.
    """

    def __init__(self, source: SeriesSource, recent: RecentSeries) -> None:
        self._source = source
        self._recent = recent

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Series that match, with their samples; see `tocsin.model.series.SeriesSource`."""
        # First what is recent: what leaves it meanwhile is in the store long since.
        recent = self._recent.find(matchers, start_ms, end_ms)
        for batch in self._source.select(matchers, start_ms, end_ms, samples_max=samples_max):
            yield _overlaid(batch, recent) if recent else batch
        if recent:
            yield batch_of(recent)


class OverlaidCatalog(OverlaidSeries):
    """
    The same of a catalog, whose lists show a series when the store has it.

    Args:
        source: What is stored.
        catalog: Its catalog.
        recent: What was written.
    """

    def __init__(self, source: SeriesSource, catalog: MetricCatalog, recent: RecentSeries) -> None:
        super().__init__(source, recent)
        self._catalog = catalog

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[Labels]:
        """Label sets of matching series, sorted; at most `limit`, 0 for all."""
        return self._catalog.series(matcher_sets, start_ms, end_ms, limit=limit)

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Names of their labels, sorted."""
        return self._catalog.label_names(matcher_sets, start_ms, end_ms, limit=limit)

    def label_values(self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Values of one of their labels, sorted."""
        return self._catalog.label_values(name, matcher_sets, start_ms, end_ms, limit=limit)

    def metadata(self, metric: str | None, *, limit: int) -> list[Metadata]:
        """Types, help texts and units by metric."""
        return self._catalog.metadata(metric, limit=limit)

    def exemplars(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """Exemplars of matching series, oldest first."""
        return self._catalog.exemplars(matcher_sets, start_ms, end_ms)

    def cardinality(self, *, limit: int) -> Census:
        """How many series are stored, and what costs the most of them."""
        return self._catalog.cardinality(limit=limit)


def name_of(matchers: Sequence[Matcher]) -> str | None:
    """The metric that is named by an equality."""
    return next((one.value for one in matchers if one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL), None)


def batch_of(series: Mapping[Labels, Samples]) -> SeriesBatch:
    """A batch of series given one by one."""
    offsets, times, values = [0], [], []
    histograms: dict[int, HistogramPoints] = {}
    for number, samples in enumerate(series.values()):
        points = [(at, value) for at, value in samples if isinstance(value, NativeHistogram)]
        if points:
            histograms[number] = HistogramPoints(np.array([at for at, _ in points], dtype=np.int64), [point for _, point in points])
        for at, value in samples:
            if not isinstance(value, NativeHistogram):
                times.append(at)
                values.append(value)
        offsets.append(len(times))
    flat = np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
    return SeriesBatch(list(series), np.array(offsets, dtype=np.int64), *flat, histograms)


def _overlaid(batch: SeriesBatch, recent: dict[Labels, Samples]) -> SeriesBatch:
    """A batch with what is recent of its series, which is taken out of `recent`."""
    if not any(labels in recent for labels in batch.labels):
        return batch
    offsets, times, values = [0], [], []
    starts: list[NDArray[np.int64]] | None = None if batch.starts_ms is None else []
    histograms = dict(batch.histograms)
    for row, labels in enumerate(batch.labels):
        part = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
        own_times, own_values, own_starts = batch.timestamps_ms[part], batch.values[part], None
        if batch.starts_ms is not None:
            own_starts = batch.starts_ms[part]
        more = recent.pop(labels, None)
        if more is not None:
            stored = histograms.get(row)
            points = _merged_points(stored, more, own_times)
            if points is not None:
                histograms[row] = points
            own_times, own_values, own_starts = _merged(own_times, own_values, own_starts, more, stored)
        times.append(own_times)
        values.append(own_values)
        if starts is not None and own_starts is not None:
            starts.append(own_starts)
        offsets.append(offsets[-1] + len(own_times))
    flat = np.concatenate(times), np.concatenate(values)
    return SeriesBatch(
        batch.labels, np.array(offsets, dtype=np.int64), *flat, histograms, None if starts is None else np.concatenate(starts)
    )


def _merged(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    starts: NDArray[np.int64] | None,
    more: Samples,
    stored: HistogramPoints | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64] | None]:
    """A series' numbers with those that the store has not yet; what it has at the same instant stays."""
    known = set(times.tolist()) | (set() if stored is None else set(stored.timestamps_ms.tolist()))
    new = [(at, value) for at, value in more if not isinstance(value, NativeHistogram) and at not in known]
    if not new:
        return times, values, starts
    all_times = np.concatenate([times, np.array([at for at, _ in new], dtype=np.int64)])
    all_values = np.concatenate([values, np.array([value for _, value in new], dtype=np.float64)])
    order = np.argsort(all_times, kind="stable")
    if starts is not None:
        starts = np.concatenate([starts, np.zeros(len(new), dtype=np.int64)])[order]
    return all_times[order], all_values[order], starts


def _merged_points(stored: HistogramPoints | None, more: Samples, floats: NDArray[np.int64]) -> HistogramPoints | None:
    """The same of a series' histograms; None without any."""
    held = {} if stored is None else dict(zip(stored.timestamps_ms.tolist(), stored.points, strict=True))
    known = set(floats.tolist())
    new = {at: value for at, value in more if isinstance(value, NativeHistogram) and at not in held and at not in known}
    if not new:
        return stored
    together = dict(sorted({**held, **new}.items()))
    starts = None
    if stored is not None and stored.starts_ms is not None:
        since = dict(zip(stored.timestamps_ms.tolist(), stored.starts_ms.tolist(), strict=True))
        starts = np.array([since.get(at, 0) for at in together], dtype=np.int64)
    return HistogramPoints(np.array(list(together), dtype=np.int64), list(together.values()), starts)
