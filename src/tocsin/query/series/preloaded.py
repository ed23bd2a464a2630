"""
Series read once for all queries of one instant: a group of a hundred rules over a few metrics costs one selection, not two hundred.

    shared = SharedSeries(source, options)
    with shared.held(trees, at_ms):           # reads every metric that a selector names, as far back as one of them looks
        promql.instant(...)                   # in this thread: selectors are answered from memory

What a selector cannot be answered from (no name, a fixed instant, a metric that is too large to be held, or much larger than what is asked
of it) goes to the source. Which series match is remembered from one instant to the next, for as long as there are no others.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import HistogramPoints, Matcher, MatchOperator, SeriesBatch, SeriesSource
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.syntax import Expression
from tocsin.query.series.cutting import copy_rows, find_rows
from tocsin.query.series.derived import NAMES as DERIVED
from tocsin.query.series.reach import Reach, joined_reach, reach_of
from tocsin.query.series.recent import name_of

SAMPLES_MAX = 5_000_000  # that one thread holds, some 80 MB
LAYOUTS_MAX = 1000  # sets of series whose matches are remembered
TREES_MAX = 20_000  # queries of which is known what they look at
ASKED_SAMPLES = 20_000  # reading so many takes about as long as asking the source once more
REFUSED_ROUNDS = 40  # a metric that was too large is tried again after so many instants


@dataclass(frozen=True, slots=True)
class SharedStatistics:
    """
    What rules shared of what they read.

    Args:
        selections: Selectors that were answered from memory.
        passed_on: Selectors that were not, and asked the source.
        reads: Selections that read what is shared.
        samples: Samples that those have read.
    """

    selections: int
    passed_on: int
    reads: int
    samples: int


@dataclass(slots=True)
class _Layout:
    """Which series lie side by side: [R] labels, the rows of each metric, and those that matched before."""

    labels: list[Labels]
    rows: dict[str, NDArray[np.int64]]
    matched: dict[tuple[Matcher, ...], NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: list[Labels]) -> _Layout:
        rows: dict[str, list[int]] = defaultdict(list)
        for row, one in enumerate(labels):
            rows[one.metric].append(row)
        return cls(labels, {name: np.array(numbers, dtype=np.int64) for name, numbers in rows.items()})

    def matching(self, name: str, matchers: tuple[Matcher, ...]) -> NDArray[np.int64]:
        """Rows of a metric that satisfy all matchers."""
        found = self.matched.get(matchers)
        if found is None:
            others = [matcher for matcher in matchers if matcher.name != METRIC_NAME or matcher.operator is not MatchOperator.EQUAL]
            rows = self.rows.get(name, _NO_ROWS)
            right = [row for row in rows.tolist() if all(one.matches(self.labels[row].get(one.name)) for one in others)]
            found = self.matched[matchers] = np.array(right, dtype=np.int64)
        return found


_NO_ROWS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Held:
    """Series of some metrics with their samples in a range, as one batch."""

    names: tuple[str, ...]
    layout: _Layout
    reach: Reach
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    starts: NDArray[np.int64] | None
    histograms: Mapping[int, HistogramPoints]


class SharedSeries:
    """
    A `SeriesSource` that holds, per thread, what the queries of one instant need. Safe to use from several threads.

    Args:
        source: Where series come from.
        options: Of the queries.
        samples_max: Samples that one thread holds at most.
    """

    def __init__(self, source: SeriesSource, options: PromqlOptions, *, samples_max: int = SAMPLES_MAX) -> None:
        self._source = source
        self._lookback_ms = round(options.lookback_s * 1000)
        self._samples_max = samples_max
        self._local = threading.local()
        self._lock = threading.Lock()
        self._layouts: OrderedDict[tuple[str, ...], _Layout] = OrderedDict()
        self._reaches: OrderedDict[int, tuple[Expression, dict[str, Reach]]] = OrderedDict()
        self._refused: dict[tuple[int, str], int] = {}  # by the first of the trees, and metric
        self._selections = self._passed_on = self._reads = self._samples = 0

    @contextmanager
    def held(self, trees: Sequence[Expression], at_ms: int) -> Iterator[None]:
        """Around queries with these trees at one instant, in this thread."""
        if not trees:
            yield
            return
        who = id(trees[0])
        wanted = {name: reach for name, reach in joined_reach(map(self._reach, trees), at_ms).items() if name not in DERIVED}
        metrics = self._read(who, {name: reach for name, reach in wanted.items() if not self._is_refused((who, name))})
        self._local.metrics, self._local.asked = metrics, Counter()
        try:
            yield
        finally:
            self._learn(who, metrics, self._local.asked)
            self._local.metrics = {}

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Series that match, with their samples; see `tocsin.model.series.SeriesSource`."""
        name = name_of(matchers)
        held: _Held | None = None if name is None else getattr(self._local, "metrics", {}).get(name)
        if name is None or held is None or start_ms < held.reach.start_ms or end_ms > held.reach.end_ms:
            self._passed_on += 1
            yield from self._source.select(matchers, start_ms, end_ms, samples_max=samples_max)
            return
        self._selections += 1
        self._local.asked[name] += 1
        batch = _cut(held, held.layout.matching(name, tuple(matchers)), start_ms, end_ms)
        if batch is None:
            return
        if len(batch.values) > samples_max:
            raise LimitExceeded(f"the query reads more than {samples_max} samples: narrow it or raise promql.samples_read_max")
        yield batch

    def statistics(self) -> SharedStatistics:
        """What was shared since the start."""
        return SharedStatistics(self._selections, self._passed_on, self._reads, self._samples)

    def _reach(self, tree: Expression) -> dict[str, Reach]:
        with self._lock:
            known = self._reaches.get(id(tree))  # the entry keeps the tree, so that no other one gets its number
            if known is None:
                known = self._reaches[id(tree)] = tree, reach_of(tree, self._lookback_ms)
                while len(self._reaches) > TREES_MAX:
                    self._reaches.popitem(last=False)
            return known[1]

    def _read(self, who: int, wanted: Mapping[str, Reach]) -> dict[str, _Held]:
        """What is asked for, in as few selections as may be: metrics that look about as far back are read together."""
        together: dict[int, list[str]] = defaultdict(list)
        for name, reach in wanted.items():
            together[(reach.end_ms - reach.start_ms).bit_length() // 2].append(name)
        held: dict[str, _Held] = {}
        left = self._samples_max
        for names in together.values():
            for group in self._read_class(sorted(names), wanted, left):
                held.update(dict.fromkeys(group.names, group))
                left -= len(group.times)
        for name in wanted.keys() - held.keys():
            self._refuse((who, name))
        return held

    def _read_class(self, names: list[str], wanted: Mapping[str, Reach], samples_max: int) -> list[_Held]:
        """Some metrics in one selection; one by one when that is too much, and without those that are too large alone."""
        reach = Reach(min(wanted[name].start_ms for name in names), max(wanted[name].end_ms for name in names))
        try:
            return [self._read_names(tuple(names), reach, samples_max)]
        except LimitExceeded:
            if len(names) == 1:
                return []
        found: list[_Held] = []
        for name in names:
            group = self._read_class([name], wanted, samples_max)
            samples_max -= sum(len(one.times) for one in group)
            found += group
        return found

    def _learn(self, who: int, held: Mapping[str, _Held], asked: Counter[str]) -> None:
        """Don't read again what is much larger than what was asked of it."""
        for name, group in held.items():
            rows = group.layout.rows.get(name)
            if rows is not None and len(group.times) > ASKED_SAMPLES:
                samples = int((group.offsets[rows + 1] - group.offsets[rows]).sum())
                if samples > ASKED_SAMPLES * max(1, asked[name]):
                    self._refuse((who, name))

    def _refuse(self, key: tuple[int, str]) -> None:
        with self._lock:
            if len(self._refused) > TREES_MAX:  # of groups that are no more
                self._refused.clear()
            self._refused[key] = REFUSED_ROUNDS

    def _is_refused(self, key: tuple[int, str]) -> bool:
        with self._lock:
            left = self._refused.pop(key, 0)
            if left > 1:
                self._refused[key] = left - 1
            return left > 1

    def _read_names(self, names: tuple[str, ...], reach: Reach, samples_max: int) -> _Held:
        labels: list[Labels] = []
        lengths, times, values, starts = [], [], [], []
        histograms: dict[int, HistogramPoints] = {}
        for batch in self._source.select([_named(names)], reach.start_ms, reach.end_ms, samples_max=max(1, samples_max)):
            histograms |= {len(labels) + row: points for row, points in batch.histograms.items()}
            labels += batch.labels
            lengths.append(np.diff(batch.offsets))
            part = slice(int(batch.offsets[0]), int(batch.offsets[-1]))
            times.append(batch.timestamps_ms[part].copy())  # a batch's buffers may be used again
            values.append(batch.values[part].copy())
            starts.append(np.zeros(part.stop - part.start, dtype=np.int64) if batch.starts_ms is None else batch.starts_ms[part].copy())
        with self._lock:
            self._reads += 1
            self._samples += sum(map(len, times))
        if not labels:
            return _Held(names, self._layout(names, labels), reach, np.zeros(1, dtype=np.int64), _NO_ROWS, np.zeros(0), None, {})
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
        known = np.concatenate(starts)
        return _Held(
            names,
            self._layout(names, labels),
            reach,
            offsets,
            np.concatenate(times),
            np.concatenate(values),
            known if known.any() else None,
            histograms,
        )

    def _layout(self, names: tuple[str, ...], labels: list[Labels]) -> _Layout:
        """How these series lie; the same as last time while they are the same series."""
        with self._lock:
            known = self._layouts.get(names)
            if known is None or known.labels != labels:
                known = self._layouts[names] = _Layout.of(labels)
            self._layouts.move_to_end(names)
            while len(self._layouts) > LAYOUTS_MAX:
                self._layouts.popitem(last=False)
            return known


def _named(names: Sequence[str]) -> Matcher:
    if len(names) == 1:
        return Matcher(METRIC_NAME, MatchOperator.EQUAL, names[0])
    return Matcher(METRIC_NAME, MatchOperator.REGEX, "|".join(re.escape(name) for name in names))


def _cut(held: _Held, rows: NDArray[np.int64], start_ms: int, end_ms: int) -> SeriesBatch | None:
    """Some rows, and of them a range; None when nothing is in it."""
    if not len(rows):
        return None
    if held.starts is not None or held.histograms:
        return _cut_slowly(held, rows, start_ms, end_ms)
    if len(rows) == 1:
        row = int(rows[0])
        first, last = int(held.offsets[row]), int(held.offsets[row + 1])
        first, last = (first + held.times[first:last].searchsorted([start_ms, end_ms + 1])).tolist()
        if first == last:
            return None
        return SeriesBatch([held.layout.labels[row]], np.array([0, last - first]), held.times[first:last], held.values[first:last])
    firsts, counts = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    find_rows(held.offsets, held.times, rows, start_ms, end_ms, firsts, counts)
    if not counts.all():
        filled = counts > 0
        rows, firsts, counts = rows[filled], firsts[filled], counts[filled]
    if not len(rows):
        return None
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    times, values = np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1])
    copy_rows(firsts, offsets, held.times, held.values, times, values)
    labels = held.layout.labels
    return SeriesBatch([labels[row] for row in rows.tolist()], offsets, times, values)


def _cut_slowly(held: _Held, rows: NDArray[np.int64], start_ms: int, end_ms: int) -> SeriesBatch | None:
    """The same where there are histograms, or it is known since when counters have been counting."""
    labels: list[Labels] = []
    parts: list[slice] = []
    histograms: dict[int, HistogramPoints] = {}
    for row in rows.tolist():
        begin = int(held.offsets[row])
        first, last = np.searchsorted(held.times[begin : int(held.offsets[row + 1])], [start_ms, end_ms + 1])
        points = _points_between(held.histograms.get(row), start_ms, end_ms)
        if first == last and points is None:
            continue
        if points is not None:
            histograms[len(labels)] = points
        labels.append(held.layout.labels[row])
        parts.append(slice(begin + int(first), begin + int(last)))
    if not labels:
        return None
    offsets = np.concatenate([[0], np.cumsum([part.stop - part.start for part in parts])]).astype(np.int64)
    starts = None if held.starts is None else np.concatenate([held.starts[part] for part in parts])
    times, values = (np.concatenate([of[part] for part in parts]) for of in (held.times, held.values))
    return SeriesBatch(labels, offsets, times, values, histograms, starts)


def _points_between(points: HistogramPoints | None, start_ms: int, end_ms: int) -> HistogramPoints | None:
    if points is None:
        return None
    first, last = np.searchsorted(points.timestamps_ms, [start_ms, end_ms + 1]).tolist()
    if first == last:
        return None
    starts = None if points.starts_ms is None else points.starts_ms[first:last]
    return HistogramPoints(points.timestamps_ms[first:last], points.points[first:last], starts)
