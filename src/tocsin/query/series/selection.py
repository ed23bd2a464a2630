"""
What a selection reads: which series match, how much they hold, and which of them are read together.

Series that share their labels with another (OTLP tells more apart than Prometheus' labels do) and series of increments are read apart
from the rest, by lists of ids: the first must come whole in one batch, the second begin at midnight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher
from tocsin.query.series.assembly import Wanted
from tocsin.query.series.known import Holdings, KnownTables
from tocsin.query.series.labels import LISTED_MAX, LabelMemory
from tocsin.query.series.matched import Matched, MatchMemory
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import (
    ROW_TABLES,
    Chosen,
    Span,
    chunk_counts,
    histogram_counts,
    histograms_within,
    id_matches,
    row_counts,
    table_rows,
    windows_of,
)
from tocsin.store.sql import ParameterNames, Sql

SMALL_ROWS_MAX = 4_000_000  # tables of rows up to this size are not counted before they are read
UNCOUNTED_BATCHES = 4  # more batches than that are cut by what series hold, not by what they should
WINDOW_SAMPLES = 720  # of one series in the window of a chunk, as a rule at most
WINDOW_ROWS = 7200  # the same of rows, which take more memory: a sample a second
SPECIAL_LISTED_MAX = 20_000  # ids that a statement lists for series which can't be read by range


@dataclass(frozen=True, slots=True)
class Selection:
    """
    What to read.

    Args:
        matched: Which series.
        everything: How the engine is told so.
        span: The range of time.
        sizes: [I] float64: how many samples each id holds, about.
        rows: Whether there may be any rows, fresh or being folded.
        histograms: Whether there are any histograms in the range.
    """

    matched: Matched
    everything: Chosen
    span: Span
    sizes: NDArray[np.float64]
    rows: bool
    histograms: bool

    def batches(self, samples_max: int) -> Iterator[tuple[Wanted, list[Labels]]]:
        """What to read one after the other, with the labels of each series: about `samples_max` samples each."""
        matched = self.matched
        plain = np.flatnonzero(~matched.special)
        for part in _parts(plain, self.sizes, samples_max, len(plain)):
            yield self._wanted(part, listed_max=LISTED_MAX)
        special = np.flatnonzero(matched.special)
        special = special[np.argsort(matched.slots[special], kind="stable")]  # ids of one series stay together
        for part in _parts(special, self.sizes, samples_max, SPECIAL_LISTED_MAX, matched.slots):
            part.sort()
            yield self._wanted(part, listed_max=len(part))

    def _wanted(self, part: NDArray[np.int64], *, listed_max: int) -> tuple[Wanted, list[Labels]]:
        ids = self.matched.ids[part]
        if len(part) == len(self.matched.ids):
            chosen = self.everything
        elif len(part) <= listed_max:
            chosen = Chosen(ids=ids.tolist())
        else:
            chosen = Chosen(matching=self.everything.matching, lowest=int(ids[0]), highest=int(ids[-1]))
        numbers, slots = np.unique(self.matched.slots[part], return_inverse=True)
        wanted = Wanted(chosen, ids, slots.astype(np.int64), len(numbers), self.span, self.matched.delta[numbers])
        return wanted, [self.matched.labels[number] for number in numbers.tolist()]


@dataclass(frozen=True, slots=True)
class Overview:
    """
    What the tables hold.

    Args:
        rows: Samples in each table of rows, whatever they are.
        series: Rows of `series`, at least one per series.
        histograms: Native histograms in the range.
    """

    rows: dict[str, int]
    series: int
    histograms: int


class Selector:
    """
    Finds what matches.

    Args:
        engine: Where the tables are.
        labels: The labels behind ids.
        known: What is known of the tables.
        settings: For statements.
        series_max: More series than that are refused before their labels are in memory.
    """

    def __init__(
        self, engine: Engine, labels: LabelMemory, known: KnownTables, settings: Mapping[str, SettingValue], *, series_max: int
    ) -> None:
        self._engine = engine
        self._known = known
        self._settings = settings
        self._memory = MatchMemory(engine, labels, settings, series_max=series_max)

    def select(self, matchers: Sequence[Matcher], span: Span, *, samples_max: int, batch_samples: int) -> Selection | None:
        """
        What to read; None when nothing matches.

        Raises:
            LimitExceeded: More than `samples_max` samples, or too many series.
            InvalidInput: A regular expression that does not compile.
        """
        holdings = self._known.holdings()  # first: what is new since belongs to the next version
        matched = self._memory.matched(matchers, span, holdings.version)
        if not len(matched.ids):
            return None
        bound = len(matched.ids) * len(windows_of(span)) * (WINDOW_ROWS + WINDOW_SAMPLES) + holdings.histograms
        if len(matched.ids) <= LISTED_MAX and bound <= min(samples_max, batch_samples):
            sizes = np.full(len(matched.ids), bound / len(matched.ids))
            return Selection(matched, Chosen(ids=matched.ids.tolist()), span, sizes, True, bool(holdings.histograms))
        return self._large(matchers, matched, span, holdings, samples_max, batch_samples)

    def _large(
        self, matchers: Sequence[Matcher], matched: Matched, span: Span, holdings: Holdings, samples_max: int, batch_samples: int
    ) -> Selection:
        """A selection that may not fit into one batch: what the tables hold says how to read it, and whether it is too much."""
        overview = self._overview(span, holdings)
        if len(matched.ids) <= LISTED_MAX:
            everything = Chosen(ids=matched.ids.tolist())
        elif len(matched.ids) * 2 >= overview.series:
            everything = Chosen()
        else:
            everything = Chosen(matching=id_matches([matchers], span, ParameterNames("m")))
        some = bool(sum(overview.rows.values()))
        selection = Selection(matched, everything, span, np.zeros(len(matched.ids)), some, bool(overview.histograms))
        self._estimate(selection, overview, samples_max, batch_samples)
        return selection

    def _overview(self, span: Span, holdings: Holdings) -> Overview:
        """Rows first and in their order: where both are empty, all that was there before is in chunks by the time those are read."""
        rows = {table: self._number(table_rows(table)) for table in ROW_TABLES}
        histograms = holdings.histograms and self._number(histograms_within(span))
        return Overview(rows, self._number(table_rows("series")), histograms)

    def _number(self, statement: Sql) -> int:
        return int.from_bytes(self._fetch(statement)[:8], "little")

    def _estimate(self, selection: Selection, overview: Overview, samples_max: int, batch_samples: int) -> None:
        """Samples are counted only where series as they mostly are might be too much: it takes as long as reading those of an hour."""
        windows = len(selection.matched.ids) * len(windows_of(selection.span))
        rows = sum(overview.rows.values())
        if rows > SMALL_ROWS_MAX:
            rows = min(rows, windows * WINDOW_ROWS)
        bound = rows + overview.histograms + windows * WINDOW_SAMPLES
        if bound <= min(samples_max, UNCOUNTED_BATCHES * batch_samples):
            selection.sizes[:] = bound / len(selection.sizes)
        else:
            self._count(selection, overview.rows, samples_max)

    def _count(self, selection: Selection, rows: dict[str, int], samples_max: int) -> None:
        """Count samples by series; tables of rows only where they are large, or might be what is too much."""
        span, everything = selection.span, selection.everything
        found = _add(selection, self._fetch(chunk_counts(everything, span)))
        if selection.histograms:
            found += _add(selection, self._fetch(histogram_counts(everything, span)))
        small = sum(count for count in rows.values() if count <= SMALL_ROWS_MAX)
        fits = found + small <= samples_max
        for table, count in rows.items():
            if count > SMALL_ROWS_MAX or not fits:
                found += _add(selection, self._fetch(row_counts(table, everything, span)))
        if fits:
            selection.sizes[:] += small / len(selection.sizes)
        if found > samples_max:
            raise too_many(samples_max, found)

    def _fetch(self, statement: Sql) -> memoryview:
        return self._engine.fetch(statement, output_format="RowBinary", settings=self._settings)


def too_many(samples_max: int, found: int) -> LimitExceeded:
    """What to say of a selection that is too large."""
    return LimitExceeded(
        f"expected at most {samples_max} samples in one selection, found about {found}; "
        "match fewer series, ask for a shorter range, or raise promql.samples_read_max"
    )


def _add(selection: Selection, body: memoryview) -> int:
    """Raise sizes by what the engine counted, pairs of id and count; how many samples that is."""
    ids = selection.matched.ids
    pairs = np.frombuffer(body, dtype=np.uint64).reshape(-1, 2)
    places = np.searchsorted(ids, pairs[:, 0])
    places[places == len(ids)] = 0
    right = ids[places] == pairs[:, 0]
    selection.sizes[places[right]] += pairs[right, 1]
    return int(pairs[right, 1].sum())


def _parts(
    places: NDArray[np.int64], sizes: NDArray[np.float64], samples_max: int, ids_max: int, slots: NDArray[np.int64] | None = None
) -> Iterator[NDArray[np.int64]]:
    """Cut places of ids into parts of about `samples_max` samples and at most `ids_max` ids, not between ids of one series."""
    sums = np.cumsum(sizes[places])
    first = 0
    while first < len(places):
        before = sums[first - 1] if first else 0.0
        last = max(first + 1, min(int(np.searchsorted(sums, before + samples_max * (1 + 1e-9), side="right")), first + ids_max))
        while slots is not None and last < len(places) and slots[places[last]] == slots[places[last - 1]]:
            last += 1
        yield places[first:last]
        first = last
