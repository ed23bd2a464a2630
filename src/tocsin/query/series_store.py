"""
Where PromQL gets its series from: the store's tables.

A selection asks the engine three things: which series match (ids; labels only of those not seen before), how much they hold (so that a
question too large is refused before it costs memory), then batch by batch their samples. Batches are ranges of ids, so that memory stays
bounded whatever a selector matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, SeriesBatch
from tocsin.query.series_batch import THREADS, BatchReader, Wanted
from tocsin.query.series_labels import LISTED_MAX, LabelMemory
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import ROW_TABLES, Chosen, Span, chunk_counts, id_in_matching, row_counts, series_ids, table_rows
from tocsin.store.sql import ParameterNames, Sql

SMALL_ROWS_MAX = 4_000_000  # tables of rows up to this size are not counted before they are read
SPECIAL_LISTED_MAX = 20_000  # ids that a statement lists for series which can't be read by range


@dataclass(frozen=True, slots=True)
class _Selection:
    """
    What matched.

    Args:
        ids: [I] uint64, ascending.
        slots: [I] int64: the series of each id.
        labels: Of each series, no two alike.
        delta: [S] bool.
        special: [I] bool: ids of series that have several, or that hold increments.
        matching: The condition on `series_id` that all satisfy.
        span: The range of time.
    """

    ids: NDArray[np.uint64]
    slots: NDArray[np.int64]
    labels: list[Labels]
    delta: NDArray[np.bool_]
    special: NDArray[np.bool_]
    matching: Sql
    span: Span


class StoredSeries:
    """
    Series in the store, for PromQL.

    Args:
        engine: Where the tables are.
        timeout_s: Seconds that one statement may take.
        batch_samples: About as many samples are in memory per batch; a batch has at least one series.
        labels_max: Series whose labels are kept in memory.
    """

    def __init__(self, engine: Engine, *, timeout_s: float = 120.0, batch_samples: int = 8_000_000, labels_max: int = 500_000) -> None:
        self._engine = engine
        self._settings: dict[str, SettingValue] = {"max_execution_time": timeout_s}
        self._batch_samples = batch_samples
        self._labels = LabelMemory(engine, series_max=labels_max)
        self._executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="series")
        self._reader = BatchReader(engine, self._executor)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Matching series with their samples, see `SeriesSource.select`."""
        span = Span(start_ms, end_ms).within_reach()
        selection = self._matching(matchers, span)
        if selection is None:
            return
        sizes = self._sizes(selection, samples_max)
        _check(int(sizes.sum()), samples_max)
        for wanted, labels in _batches(selection, sizes, self._batch_samples):
            samples = self._reader.read(wanted, self._settings)
            filled = np.flatnonzero(np.diff(samples.offsets))
            if len(filled):
                offsets = np.append(samples.offsets[filled], samples.offsets[-1])
                yield SeriesBatch([labels[slot] for slot in filled.tolist()], offsets, samples.times, samples.values)

    def close(self) -> None:
        """End its threads; idempotent."""
        self._executor.shutdown()

    def _matching(self, matchers: Sequence[Matcher], span: Span) -> _Selection | None:
        try:
            body = self._fetch(series_ids(matchers, span))
        except InvalidInput as error:
            raise InvalidInput(f"expected matchers with regular expressions of RE2: {error}") from error
        ids = np.unique(np.frombuffer(body, dtype=np.uint64))
        matching = id_in_matching(matchers, span, ParameterNames("m"))
        known = self._labels.of(ids, matching, span, self._settings)
        there = np.array([one is not None for one in known], dtype=np.bool_)
        ids = ids[there]
        found = [one for one in known if one is not None]
        if not found:
            return None
        numbers: dict[Labels, int] = {}
        slots = np.array([numbers.setdefault(one.labels, len(numbers)) for one in found], dtype=np.int64)
        delta = np.zeros(len(numbers), dtype=np.bool_)
        delta[slots[[one.delta for one in found]]] = True
        special = delta[slots] | (np.bincount(slots)[slots] > 1)
        return _Selection(ids, slots, list(numbers), delta, special, matching, span)

    def _sizes(self, selection: _Selection, samples_max: int) -> NDArray[np.float64]:
        """[I] How many samples each id holds, about; never more than `samples_max` in all without having counted."""
        small: list[tuple[str, int]] = []
        large: list[tuple[str, int]] = []
        for table, count in self._engine.query(table_rows(ROW_TABLES), settings=self._settings).rows:
            (large if count > SMALL_ROWS_MAX else small).append((table, count))
        sizes = np.zeros(len(selection.ids))
        everything = Chosen(matching=selection.matching)
        _add_counts(sizes, selection, self._fetch(chunk_counts(everything, selection.span)))
        self._count([table for table, _ in large], selection, sizes)
        unknown = sum(count for _, count in small)
        if sizes.sum() + unknown <= samples_max:
            sizes += unknown / len(sizes)
        else:
            self._count([table for table, _ in small], selection, sizes)
        return sizes

    def _fetch(self, statement: Sql) -> memoryview:
        return self._engine.fetch(statement, output_format="RowBinary", settings=self._settings)

    def _count(self, tables: Sequence[str], selection: _Selection, sizes: NDArray[np.float64]) -> None:
        """Raise the sizes by what tables of rows hold."""
        everything = Chosen(matching=selection.matching)
        for table in tables:
            _add_counts(sizes, selection, self._fetch(row_counts(table, everything, selection.span)))


def _add_counts(sizes: NDArray[np.float64], selection: _Selection, body: memoryview) -> None:
    """Raise sizes by what the engine counted: pairs of id and count."""
    pairs = np.frombuffer(body, dtype=np.uint64).reshape(-1, 2)
    places = np.searchsorted(selection.ids, pairs[:, 0])
    places[places == len(selection.ids)] = 0
    right = selection.ids[places] == pairs[:, 0]
    sizes[places[right]] += pairs[right, 1]


def _check(samples: int, samples_max: int) -> None:
    if samples > samples_max:
        raise LimitExceeded(
            f"expected at most {samples_max} samples in one selection, found about {samples}; "
            "match fewer series, ask for a shorter range, or raise promql.samples_max"
        )


def _batches(selection: _Selection, sizes: NDArray[np.float64], samples_max: int) -> Iterator[tuple[Wanted, list[Labels]]]:
    """What to read one after the other: ranges of ids, then the series that have several ids or need to be added up."""
    plain = np.flatnonzero(~selection.special)
    for part in _parts(plain, sizes, samples_max, len(plain)):
        ids = selection.ids[part]
        if len(ids) <= LISTED_MAX:
            chosen = Chosen(ids=ids.tolist())
        else:
            chosen = Chosen(matching=selection.matching, lowest=int(ids[0]), highest=int(ids[-1]))
        yield _wanted(selection, part, chosen)
    special = np.flatnonzero(selection.special)
    special = special[np.argsort(selection.slots[special], kind="stable")]  # ids of one series stay together
    for part in _parts(special, sizes, samples_max, SPECIAL_LISTED_MAX, selection.slots):
        part.sort()
        yield _wanted(selection, part, Chosen(ids=selection.ids[part].tolist()))


def _parts(
    places: NDArray[np.int64], sizes: NDArray[np.float64], samples_max: int, ids_max: int, slots: NDArray[np.int64] | None = None
) -> Iterator[NDArray[np.int64]]:
    """Cut places of ids into parts of about `samples_max` samples and at most `ids_max` ids, not between ids of one series."""
    sums = np.cumsum(sizes[places])
    first = 0
    while first < len(places):
        before = sums[first - 1] if first else 0.0
        last = max(first + 1, min(int(np.searchsorted(sums, before + samples_max, side="right")), first + ids_max))
        while slots is not None and last < len(places) and slots[places[last]] == slots[places[last - 1]]:
            last += 1
        yield places[first:last]
        first = last


def _wanted(selection: _Selection, part: NDArray[np.int64], chosen: Chosen) -> tuple[Wanted, list[Labels]]:
    numbers, slots = np.unique(selection.slots[part], return_inverse=True)
    wanted = Wanted(
        chosen=chosen,
        ids=selection.ids[part],
        slots=slots.astype(np.int64),
        series=len(numbers),
        span=selection.span,
        delta=selection.delta[numbers],
    )
    return wanted, [selection.labels[number] for number in numbers.tolist()]
