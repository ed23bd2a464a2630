"""
What was written a moment ago, laid over what is stored: one source. A sample that both have counts once; what is stored stands.

See `tocsin.query.series.recent` for why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import (
    Census,
    Exemplar,
    HistogramPoints,
    Matcher,
    Metadata,
    MetricCatalog,
    SeriesBatch,
    SeriesSource,
)
from tocsin.query.series.recent import RecentSeries, Samples


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
