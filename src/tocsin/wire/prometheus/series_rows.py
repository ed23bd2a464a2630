"""What the registry keeps: a row per series in flat arrays, and how many series each metric and each job has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.wire.prometheus.admission import CardinalityEntry
from tocsin.wire.prometheus.slots import capacity_for, find_slot, insert_key, insert_keys

NO_DAY = np.iinfo(np.int32).min


class SeriesRows:
    """Series by id: when seen, of which metric and job, and on which two days they were defined."""

    __slots__ = ("day", "day_before", "generation", "job", "keys", "metric")

    def __init__(self, series: int) -> None:
        capacity = capacity_for(series)
        self.keys = np.zeros(capacity, np.uint64)
        self.generation = np.zeros(capacity, np.int32)
        self.metric = np.zeros(capacity, np.int32)
        self.job = np.zeros(capacity, np.int32)
        self.day = np.full(capacity, NO_DAY, np.int32)
        self.day_before = np.full(capacity, NO_DAY, np.int32)

    @property
    def size_bytes(self) -> int:
        """Memory of the columns."""
        return sum(int(getattr(self, name).nbytes) for name in self.__slots__)

    def find(self, identity: int) -> int:
        """The row of a series; negative when there is none."""
        return int(find_slot(self.keys, np.uint64(identity)))

    def add(self, identity: int) -> int:
        """A row for a series; there must be room."""
        return int(insert_key(self.keys, np.uint64(identity)))

    def kept(self, rows: NDArray[np.bool_]) -> SeriesRows:
        """A table with these rows only, and room for as many again."""
        keys = self.keys[rows]
        table = SeriesRows(len(keys) + 1)
        slots = insert_keys(table.keys, keys)
        for name in self.__slots__:
            if name != "keys":
                getattr(table, name)[slots] = getattr(self, name)[rows]
        return table


class NameTally:
    """Names with the number of their active series."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []
        self._counts: list[int] = []
        self._refused: list[int] = []

    def count(self, name: str) -> int:
        """Series of a name; 0 when it is not known."""
        number = self.numbers.get(name)
        return 0 if number is None else self._counts[number]

    def add(self, name: str) -> int:
        """One more series of a name; the number that stands for it."""
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            self._counts.append(0)
            self._refused.append(0)
        self._counts[number] += 1
        return number

    def refuse(self, name: str) -> None:
        """A series of a known name was refused."""
        if (number := self.numbers.get(name)) is not None:
            self._refused[number] += 1

    def prune(self, column: NDArray[np.int32]) -> NDArray[np.int32]:
        """Count anew, forget names without series; the column with the new numbers."""
        counts = np.bincount(column, minlength=len(self.names))
        kept = np.flatnonzero(counts)
        renumbered = np.zeros(len(self.names), np.int32)
        renumbered[kept] = np.arange(len(kept), dtype=np.int32)
        self.names = [self.names[number] for number in kept]
        self._refused = [self._refused[number] for number in kept]
        self._counts = counts[kept].tolist()
        self.numbers = {name: number for number, name in enumerate(self.names)}
        return renumbered[column]

    def largest(self, limit: int, series_max: int) -> tuple[CardinalityEntry, ...]:
        """The names with the most series, most first."""
        order = sorted(range(len(self.names)), key=lambda number: (-self._counts[number], self.names[number]))[:limit]
        return tuple(CardinalityEntry(self.names[number], self._counts[number], series_max, self._refused[number]) for number in order)
