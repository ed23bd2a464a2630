"""Counts per minute in memory: the place of the tables that a keeper fills, in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.budget import CountProgress
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange, Sums

COLUMNS = 4  # good, total, excluded_good, excluded_total


class MemoryCounts:
    """
    A CountSource that is filled by hand; `statements` counts how often it was asked for counts.

        counts = MemoryCounts()
        counts.fill("checkout", start_s, end_s, good=100, total=100)   # per minute
        counts.add("checkout", minute_s, total=5)                      # five bad events more
        counts.known_from("checkout", start_s)                         # else: the first minute that was filled
    """

    def __init__(self) -> None:
        self.statements = 0
        self._start_s: dict[str, int] = {}
        self._rows: dict[str, NDArray[np.float64]] = {}
        self._known_from_s: dict[str, int] = {}
        self._recounted_from_s: dict[str, int] = {}

    def fill(
        self,
        objective: str,
        start_s: int,
        end_s: int,
        *,
        good: float = 0.0,
        total: float = 0.0,
        excluded_good: float = 0.0,
        excluded_total: float = 0.0,
    ) -> None:
        """Count the same in each minute of a range, instead of what was counted there before."""
        self._rows_of(objective, MinuteRange(start_s, end_s))[:] = (good, total, excluded_good, excluded_total)

    def add(
        self, objective: str, at_s: int, *, good: float = 0.0, total: float = 0.0, excluded_good: float = 0.0, excluded_total: float = 0.0
    ) -> None:
        """Count more in the minute that an instant (seconds since 1970) lies in."""
        minute_s = at_s // MINUTE_S * MINUTE_S
        rows = self._rows_of(objective, MinuteRange(minute_s, minute_s + MINUTE_S))
        rows += np.array((good, total, excluded_good, excluded_total), dtype=np.float64)

    def put(self, objective: str, counts: MinuteCounts) -> None:
        """Count what is given, instead of what was counted in those minutes before."""
        columns = (counts.good, counts.total, counts.excluded_good, counts.excluded_total)
        self._rows_of(objective, MinuteRange(counts.start_s, counts.end_s))[:] = np.stack(columns, axis=1)

    def known_from(self, objective: str, start_s: int) -> None:
        """Say since when an objective is counted."""
        self._known_from_s[objective] = start_s

    def recounted_from(self, objective: str, start_s: int | None) -> None:
        """Say that an objective is being counted anew, and back to which minute it is done; None ends it."""
        if start_s is None:
            self._recounted_from_s.pop(objective, None)
        else:
            self._recounted_from_s[objective] = start_s

    def minutes(self, objective: str, within: MinuteRange) -> MinuteCounts:
        """Every minute of a range."""
        self.statements += 1
        rows = np.zeros(((within.end_s - within.start_s) // MINUTE_S, COLUMNS))
        if objective in self._rows:
            mine, start_s = self._rows[objective], self._start_s[objective]
            first, last = max(start_s, within.start_s), min(start_s + len(mine) * MINUTE_S, within.end_s)
            if first < last:
                rows[_index(first, within.start_s) : _index(last, within.start_s)] = mine[_index(first, start_s) : _index(last, start_s)]
        good, total, excluded_good, excluded_total = (np.ascontiguousarray(rows[:, column]) for column in range(COLUMNS))
        return MinuteCounts(within.start_s, good, total, excluded_good, excluded_total)

    def sums(self, objectives: Sequence[str], ranges: Sequence[MinuteRange]) -> Mapping[str, Sequence[Sums]]:
        """For each objective the sums over each range."""
        self.statements += 1
        return {objective: [self._sum(objective, within) for within in ranges] for objective in objectives}

    def progress(self) -> Mapping[str, CountProgress]:
        """Everything is counted since it became known, and as its definition says unless `recounted_from` was told otherwise."""
        found = {}
        for objective, known_from_s in {**self._start_s, **self._known_from_s}.items():
            from_s = self._recounted_from_s.get(objective)
            found[objective] = CountProgress(
                objective, "", known_from_s if from_s is None else from_s, from_s is None, known_from_s, known_from_s
            )
        return found

    def _sum(self, objective: str, within: MinuteRange) -> Sums:
        asked = self.statements
        counts = self.minutes(objective, within)
        self.statements = asked
        columns = (counts.good, counts.total, counts.excluded_good, counts.excluded_total)
        good, total, excluded_good, excluded_total = (float(column.sum()) for column in columns)
        return Sums(good, total, excluded_good, excluded_total, int(np.count_nonzero(counts.total)))

    def _rows_of(self, objective: str, within: MinuteRange) -> NDArray[np.float64]:
        """The rows of a range to write to; the arrays grow as needed."""
        if within.start_s >= within.end_s:
            return np.zeros((0, COLUMNS))
        start_s = min(self._start_s.get(objective, within.start_s), within.start_s)
        old = self._rows.get(objective, np.zeros((0, COLUMNS)))
        old_start_s = self._start_s.get(objective, start_s)
        end_s = max(old_start_s + len(old) * MINUTE_S, within.end_s)
        if start_s < old_start_s or end_s > old_start_s + len(old) * MINUTE_S:
            grown = np.zeros((_index(end_s, start_s), COLUMNS))
            grown[_index(old_start_s, start_s) : _index(old_start_s, start_s) + len(old)] = old
            self._rows[objective], self._start_s[objective] = grown, start_s
        return self._rows[objective][_index(within.start_s, start_s) : _index(within.end_s, start_s)]


def _index(at_s: int, start_s: int) -> int:
    return (at_s - start_s) // MINUTE_S
