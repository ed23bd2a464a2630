"""Counts out of the store: the `CountSource` of a running Tocsin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.budget import CountProgress
from tocsin.slo.counting.progress import ProgressBook, usable_from_s
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange, Sums
from tocsin.store.engine import Engine
from tocsin.store.slo_minutes import read_minutes, sum_cells


class StoredCounts:
    """
    Reads what the keeper counted. While an objective is counted anew, its older minutes say what was counted before, see
    `progress.usable_from_s`.

    Args:
        engine: Where the counts are.
        book: How far each objective is counted; the keeper's own.
    """

    def __init__(self, engine: Engine, book: ProgressBook) -> None:
        self._engine = engine
        self._book = book

    def minutes(self, objective: str, within: MinuteRange) -> MinuteCounts:
        """Every minute of a range; raises as `Engine.query` does."""
        counts = np.zeros((max(0, within.end_s - within.start_s) // MINUTE_S, 4))
        start_s = max(within.start_s, self._from_s(self._book.get(objective), within.end_s))
        if start_s < within.end_s:
            minutes, found = read_minutes(self._engine, objective, start_s, within.end_s)
            counts[(minutes - within.start_s) // MINUTE_S] = found
        return MinuteCounts(within.start_s, *(np.ascontiguousarray(counts[:, column]) for column in range(4)))

    def sums(self, objectives: Sequence[str], ranges: Sequence[MinuteRange]) -> Mapping[str, Sequence[Sums]]:
        """For each objective the sums over each range, in their order; raises as `Engine.query` does."""
        wanted = [each for each in ranges if each.start_s < each.end_s]
        answer: dict[str, Sequence[Sums]] = {key: [Sums()] * len(ranges) for key in objectives}
        if not wanted or not objectives:
            return answer
        book, end_s = self._book.all(), max(each.end_s for each in wanted)
        from_s = {key: self._from_s(book.get(key), end_s) for key in objectives}
        first_s = min(each.start_s for each in wanted)
        edges = {edge for each in wanted for edge in (each.start_s, each.end_s)}
        bounds = sorted(edges | {since for since in from_s.values() if first_s < since < end_s})
        cells = sum_cells(self._engine, list(dict.fromkeys(objectives)), bounds)
        if cells:
            usable = np.array(bounds[:-1]) >= np.array([[from_s[key]] for key in cells])
            used = np.stack(list(cells.values())) * usable[:, :, np.newaxis]
            places = {edge: place for place, edge in enumerate(bounds)}
            columns = [_added(used[:, places.get(each.start_s, 0) : places.get(each.end_s, 0)]) for each in ranges]
            answer.update(zip(cells, map(list, zip(*columns, strict=True)), strict=True))
        return answer

    def progress(self) -> Mapping[str, CountProgress]:
        """How far each objective is counted."""
        return self._book.all()

    @staticmethod
    def _from_s(progress: CountProgress | None, end_s: int) -> int:
        return end_s if progress is None else usable_from_s(progress)


def _added(cells: NDArray[np.float64]) -> list[Sums]:
    """Of each objective its stretches added up, [objectives, stretches, 5]."""
    return [
        Sums(good, total, left_good, left_out, int(minutes)) for good, total, left_good, left_out, minutes in cells.sum(axis=1).tolist()
    ]
