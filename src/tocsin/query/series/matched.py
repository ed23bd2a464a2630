"""Which series match, found by the engine once and remembered for as long as there are no others."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher
from tocsin.query.series.labels import LabelMemory
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import Span, days_of, id_matches, series_ids
from tocsin.store.sql import ParameterNames

SELECTIONS_MAX = 4096
IDS_MAX = 1_000_000  # of all selections together, some 30 bytes each


@dataclass(frozen=True, slots=True)
class Matched:
    """
    The series that match.

    Args:
        ids: [I] uint64, ascending.
        slots: [I] int64: the series of each id.
        labels: Of each series, no two alike.
        delta: [S] bool: series of increments.
        special: [I] bool: ids of series that have several, or that hold increments.
    """

    ids: NDArray[np.uint64]
    slots: NDArray[np.int64]
    labels: list[Labels]
    delta: NDArray[np.bool_]
    special: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What matched in a version of `series`."""

    version: frozenset[str] | None
    matched: Matched


class MatchMemory:
    """
    Finds the series of matchers. Safe to use from several threads.

    Args:
        engine: Where the tables are.
        labels: The labels behind ids.
        settings: For statements.
        series_max: More series than that are refused before their labels are in memory.
    """

    def __init__(self, engine: Engine, labels: LabelMemory, settings: Mapping[str, SettingValue], *, series_max: int) -> None:
        self._engine = engine
        self._labels = labels
        self._settings = settings
        self._series_max = series_max
        self._lock = threading.Lock()
        self._remembered: OrderedDict[tuple[object, ...], _Remembered] = OrderedDict()  # the last used come last
        self._ids = 0

    def matched(self, matchers: Sequence[Matcher], span: Span, version: frozenset[str] | None) -> Matched:
        """
        The series that match on a day that overlaps the range.

        Args:
            matchers: What labels must be like.
            span: The range of time.
            version: Of `series`, read before this call; None where it is not known, so that the engine is asked.

        Raises:
            LimitExceeded: There are too many.
            InvalidInput: A regular expression does not compile.
        """
        key = (*matchers, *days_of(span), span.end_ms < span.start_ms)
        with self._lock:
            remembered = self._remembered.get(key)
            if remembered is not None:
                self._remembered.move_to_end(key)
        if remembered is not None and version is not None and remembered.version == version:
            return remembered.matched
        ids = self._ask(matchers, span)
        if remembered is not None and np.array_equal(remembered.matched.ids, ids):
            matched = remembered.matched
        else:
            matched = self._described(ids, matchers, span)
        self._keep(key, _Remembered(version, matched))
        return matched

    def _ask(self, matchers: Sequence[Matcher], span: Span) -> NDArray[np.uint64]:
        statement = series_ids(matchers, span, limit=self._series_max + 1)
        try:
            body = self._engine.fetch(statement, output_format="RowBinary", settings=self._settings)
        except InvalidInput as error:
            raise InvalidInput(f"expected matchers with regular expressions of RE2: {error}") from error
        ids = np.unique(np.frombuffer(body, dtype=np.uint64))
        if len(ids) > self._series_max:
            raise LimitExceeded(f"expected at most {self._series_max} series in one selection, found more; match fewer")
        return ids

    def _described(self, ids: NDArray[np.uint64], matchers: Sequence[Matcher], span: Span) -> Matched:
        known = self._labels.of(ids, id_matches([matchers], span, ParameterNames("m")), span, self._settings)
        found = [one for one in known if one is not None]
        numbers: dict[Labels, int] = {}
        slots = np.array([numbers.setdefault(one.labels, len(numbers)) for one in found], dtype=np.int64)
        delta = np.zeros(len(numbers), dtype=np.bool_)
        delta[slots[np.array([one.delta for one in found], dtype=np.bool_)]] = True
        special = delta[slots] | (np.bincount(slots, minlength=1)[slots] > 1)
        there = np.array([one is not None for one in known], dtype=np.bool_)
        return Matched(ids[there], slots, list(numbers), delta, special)

    def _keep(self, key: tuple[object, ...], one: _Remembered) -> None:
        with self._lock:
            before = self._remembered.pop(key, None)
            self._ids += len(one.matched.ids) - (len(before.matched.ids) if before is not None else 0)
            self._remembered[key] = one
            while self._ids > IDS_MAX or len(self._remembered) > SELECTIONS_MAX:
                self._ids -= len(self._remembered.popitem(last=False)[1].matched.ids)
