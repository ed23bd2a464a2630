"""
Series read once for many queries: a dozen small queries over the same few metrics cost one selection rather than one for each selector.

    held = HeldSeries.read(catalog, names_in(queries), start_ms, end_ms, samples_max=1_000_000)

A selector is answered from memory when it names one of these metrics and stays within the range; any other goes to the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import HistogramPoints, Matcher, MatchOperator, SeriesBatch, SeriesSource
from tocsin.query.metrics import selectors_of
from tocsin.query.promql.parser import parse
from tocsin.query.series.derived import NAMES as DERIVED


@dataclass(frozen=True, slots=True)
class _Series:
    """One series: its samples, and its histograms if it has any."""

    labels: Labels
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: HistogramPoints | None


def names_in(queries: Iterable[str]) -> frozenset[str]:
    """The metrics that the queries' selectors name; those that are derived from spans and logs aside, which no single selection reads."""
    selectors = [selector for query in queries for selector in selectors_of(parse(query))]
    named = {name for selector in selectors if (name := _name(selector.matchers)) is not None}
    return frozenset(named - set(DERIVED))


class HeldSeries:
    """
    A `SeriesSource` that holds the series of some metrics. Safe to use from several threads.

    Args:
        source: Answers what is not held.
        held: Series by metric; a metric without any is held as empty.
        start_ms: First instant of what is held, milliseconds since 1970.
        end_ms: Last instant.
    """

    def __init__(self, source: SeriesSource, held: Mapping[str, Sequence[_Series]], start_ms: int, end_ms: int) -> None:
        self._source = source
        self._held = held
        self._start_ms = start_ms
        self._end_ms = end_ms

    @classmethod
    def read(cls, source: SeriesSource, names: frozenset[str], start_ms: int, end_ms: int, *, samples_max: int) -> HeldSeries:
        """Read these metrics; holds nothing when they have more than `samples_max` samples."""
        if not names:
            return cls(source, {}, start_ms, end_ms)
        wanted = Matcher(METRIC_NAME, MatchOperator.REGEX, "|".join(re.escape(name) for name in sorted(names)))
        held: dict[str, list[_Series]] = {name: [] for name in names}
        try:
            for batch in source.select([wanted], start_ms, end_ms, samples_max=samples_max):
                for one in _split(batch):
                    held[one.labels.get(METRIC_NAME)].append(one)
        except LimitExceeded:
            return cls(source, {}, start_ms, end_ms)
        return cls(source, held, start_ms, end_ms)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Series that match, with their samples; see `tocsin.model.series.SeriesSource`."""
        name = _name(matchers)
        if name is None or name not in self._held or start_ms < self._start_ms or end_ms > self._end_ms:
            yield from self._source.select(matchers, start_ms, end_ms, samples_max=samples_max)
            return
        chosen = [one for one in self._held[name] if all(matcher.matches(one.labels.get(matcher.name)) for matcher in matchers)]
        if any(one.histograms is not None for one in chosen):
            yield from self._source.select(matchers, start_ms, end_ms, samples_max=samples_max)
            return
        batch = _joined(chosen, start_ms, end_ms)
        if batch is not None:
            yield batch


def _name(matchers: Sequence[Matcher]) -> str | None:
    """The metric that is named by an equality."""
    return next((one.value for one in matchers if one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL), None)


def _split(batch: SeriesBatch) -> Iterator[_Series]:
    """The series of a batch, their samples copied: a batch's buffers may be used again."""
    for index, labels in enumerate(batch.labels):
        first, last = int(batch.offsets[index]), int(batch.offsets[index + 1])
        yield _Series(labels, batch.timestamps_ms[first:last].copy(), batch.values[first:last].copy(), batch.histograms.get(index))


def _joined(series: Sequence[_Series], start_ms: int, end_ms: int) -> SeriesBatch | None:
    labels: list[Labels] = []
    times, values = [], []
    for one in series:
        first, last = np.searchsorted(one.timestamps_ms, [start_ms, end_ms + 1])
        if last > first:
            labels.append(one.labels)
            times.append(one.timestamps_ms[first:last])
            values.append(one.values[first:last])
    if not labels:
        return None
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in times])]).astype(np.int64)
    return SeriesBatch(labels, offsets, np.concatenate(times), np.concatenate(values))
