"""
Where PromQL gets its series from: the store's tables.

A selection asks the engine which series match (ids; labels only of those not seen before) and how much they hold, so that a question too
large is refused before it costs memory; then, batch by batch, their samples. Batches are ranges of ids, so that memory stays bounded
whatever a selector matches. A series counts as being in a range of time when it has a sample on one of its days (UTC).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tocsin.model.labels import Labels
from tocsin.model.series import HistogramPoints, Matcher, SeriesBatch
from tocsin.query.series.assembly import Wanted, beginning
from tocsin.query.series.batch import PART_SAMPLES, THREADS, BatchReader, Fetched, Part
from tocsin.query.series.buffers import Buffers
from tocsin.query.series.catalog import StoredCatalog
from tocsin.query.series.histograms import histograms_of
from tocsin.query.series.known import KnownTables
from tocsin.query.series.selection import Selection, Selector, too_many
from tocsin.store.engine import Engine
from tocsin.store.read_metrics import Span, histogram_points

SELECTIONS = 8  # that are worked on at the same time


class StoredSeries(StoredCatalog):
    """
    Series in the store, for PromQL: a `SeriesSource` and a `MetricCatalog`.

    Args:
        engine: Where the tables are.
        timeout_s: Seconds that one statement may take.
        batch_samples: About as many samples are fetched at a time, most of them compressed; batches that are handed out are smaller.
        labels_max: Series whose labels are kept in memory; one selection may not match more.
    """

    def __init__(self, engine: Engine, *, timeout_s: float = 120.0, batch_samples: int = 8_000_000, labels_max: int = 500_000) -> None:
        super().__init__(engine, timeout_s=timeout_s, labels_max=labels_max)
        self._batch_samples = batch_samples
        # Two pools, for no task may wait for another of its own pool: what runs ahead waits for what is shared, which waits for nothing.
        self._ahead = ThreadPoolExecutor(max_workers=SELECTIONS, thread_name_prefix="selection")
        self._executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="series")
        known = KnownTables(engine, self._settings)
        self._selector = Selector(engine, self._labels, known, self._settings, series_max=labels_max)
        self._reader = BatchReader(engine, self._executor, known, self._settings)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Matching series with their samples, see `SeriesSource.select`; each batch is made while the one before is worked on."""
        batches = self._batches(matchers, Span(start_ms, end_ms).within_reach(), samples_max)
        made = next(batches, None)  # here: nobody works on anything yet
        while made is not None:
            batch, more = made
            later = self._ahead.submit(next, batches, None) if more else None
            yield batch
            made = later.result() if later is not None else None

    def _batches(self, matchers: Sequence[Matcher], span: Span, samples_max: int) -> Iterator[tuple[SeriesBatch, bool]]:
        """Batches, and whether there may be another one."""
        selection = self._selector.select(matchers, span, samples_max=samples_max, batch_samples=self._batch_samples)
        if selection is None:
            return
        batches = list(selection.batches(self._batch_samples))
        read = 0
        buffers = Buffers(PART_SAMPLES)
        later = None
        for number, (wanted, labels) in enumerate(batches):
            fetched, histograms = self._fetch(wanted, selection) if later is None else later.result()
            last = number + 1 == len(batches)
            if not last:
                later = self._executor.submit(self._fetch, batches[number + 1][0], selection)  # while this one is laid out
            for part in self._reader.parts(wanted, fetched, buffers):
                read += len(part.samples.times)
                if read > samples_max:
                    raise too_many(samples_max, read)
                batch = _batch(labels, part, histograms)
                if batch is not None:
                    yield batch, not (last and part.last == wanted.series)

    def close(self) -> None:
        """End its threads; idempotent."""
        self._ahead.shutdown()
        self._executor.shutdown()

    def _fetch(self, wanted: Wanted, selection: Selection) -> tuple[Fetched, dict[int, HistogramPoints]]:
        fetched = self._reader.fetch(wanted, rows_too=selection.rows)
        if not selection.histograms:
            return fetched, {}
        statement = histogram_points(wanted.chosen, beginning(wanted))
        body = self._engine.fetch(statement, output_format="RowBinary", settings=self._settings)
        return fetched, histograms_of(body, wanted.ids, wanted.slots, wanted.delta, wanted.span.start_ms)


def _batch(labels: Sequence[Labels], part: Part, histograms: dict[int, HistogramPoints]) -> SeriesBatch | None:
    """The series of a part that have anything in the range; None when none has."""
    samples = part.samples
    held = np.diff(samples.offsets) > 0
    points = {number - part.first: one for number, one in histograms.items() if part.first <= number < part.last}
    held[list(points)] = True
    filled = np.flatnonzero(held)
    if not len(filled):
        return None
    numbers = filled.tolist()
    return SeriesBatch(
        labels=[labels[part.first + number] for number in numbers],
        offsets=np.append(samples.offsets[filled], samples.offsets[-1]),
        timestamps_ms=samples.times,
        values=samples.values,
        histograms={place: points[number] for place, number in enumerate(numbers) if number in points} if points else {},
    )
