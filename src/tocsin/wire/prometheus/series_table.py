"""
What one door knows of the series that come to it: raw hash -> series id, days that are defined, or why it is refused.

The raw hash is `hash_bytes` of the labels as they came, so a series that is known costs no parsing. A table is a cache: it may forget
anything at any time, and then the series takes the slow way once more. Refused series are remembered too, for a while, so that a flood of
them is as cheap as a flood of known ones.

Costs 29 bytes a slot, 50 to 130 bytes per series.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.series_rows import NO_DAY
from tocsin.wire.prometheus.slots import LOAD_MAX, capacity_for, find_slot, find_slots, insert_keys

KNOWN = 0
UNKNOWN = 255  # parse it, ask the registry
STALE = 254  # known and defined, but not seen in this generation: tell the registry
UNDEFINED = 253  # known, but its labels must travel with the samples of these days
REFUSED_MAX = 200  # 1 to here: refused, the number says why (whoever calls `refuse` chose it)

COLUMNS = ("keys", "ids", "day", "day_before", "mark", "status")


@dataclass(frozen=True, slots=True)
class Resolution:
    """
    What a table knows of some series.

    Args:
        series_ids: [S] uint64; 0 where the verdict is UNKNOWN or a refusal.
        verdicts: [S] uint8: KNOWN, STALE, UNDEFINED, UNKNOWN, or the number of a refusal.
    """

    series_ids: NDArray[np.uint64]
    verdicts: NDArray[np.uint8]


class SeriesTable:
    """
    A table; one per door, or per scraped target. Safe to use from several threads.

    Args:
        entries_max: Series that are remembered, refused ones included; beyond it, refused ones are forgotten first, then all.
    """

    def __init__(self, *, entries_max: int) -> None:
        self._entries_max = entries_max
        self._lock = threading.Lock()
        self._entries: int = 0
        self._clear(0)

    def __len__(self) -> int:
        return self._entries

    @property
    def size_bytes(self) -> int:
        """Memory of the columns."""
        return sum(int(getattr(self, name).nbytes) for name in COLUMNS)

    def look_up(
        self, hashes: NDArray[np.uint64], first_days: NDArray[np.int32], last_days: NDArray[np.int32], *, generation: int, now_s: float
    ) -> Resolution:
        """
        What is known of series.

        Args:
            hashes: [S] raw hashes, none 0.
            first_days: [S] day of the earliest sample of each, days since 1970-01-01 UTC; NO_DAY where no day is asked for.
            last_days: [S] day of the latest.
            generation: The registry's.
            now_s: The clock's monotonic seconds, against which refusals run out.
        """
        series_ids = np.zeros(len(hashes), np.uint64)
        verdicts = np.empty(len(hashes), np.uint8)
        with self._lock:
            columns = (self.keys, self.ids, self.day, self.day_before, self.mark, self.status)
            look_up_series(columns, hashes, first_days, last_days, np.int32(generation), np.int32(now_s), series_ids, verdicts)
        return Resolution(series_ids, verdicts)

    def admit(self, hashes: NDArray[np.uint64], series_ids: NDArray[np.uint64], *, generation: int, now_s: float) -> None:
        """These series are admitted under these ids ([S] each), and were seen in this generation; no day of them is defined."""
        with self._lock:
            slots = self._slots(hashes, generation, now_s)
            self.ids[slots] = series_ids
            self.mark[slots] = generation
            self.status[slots] = KNOWN

    def refuse(self, hashes: NDArray[np.uint64], reasons: NDArray[np.uint8], *, until_s: float, generation: int, now_s: float) -> None:
        """These series are refused until the clock's monotonic `until_s`; reasons: [S], 1 to REFUSED_MAX."""
        with self._lock:
            slots = self._slots(hashes, generation, now_s)
            self.ids[slots] = 0
            self.day[slots] = self.day_before[slots] = NO_DAY
            self.mark[slots] = np.int32(until_s)
            self.status[slots] = reasons

    def touch(self, hashes: NDArray[np.uint64], *, generation: int) -> None:
        """The registry was told that these are seen in this generation."""
        with self._lock:
            slots = find_slots(self.keys, hashes)
            slots = slots[slots >= 0]
            self.mark[slots[self.status[slots] == KNOWN]] = generation

    def forget(self, hashes: NDArray[np.uint64]) -> None:
        """The registry knows these no longer: ask it anew when they come again."""
        with self._lock:
            slots = find_slots(self.keys, hashes)
            slots = slots[slots >= 0]
            self.status[slots] = UNKNOWN
            self.day[slots] = self.day_before[slots] = NO_DAY

    def define(self, hashes: NDArray[np.uint64], days: NDArray[np.int32]) -> None:
        """The labels of these series are durable for these days ([S] each, in any order, a series may come several times)."""
        with self._lock:
            define_days(self.keys, self.day, self.day_before, hashes, days)

    def undefine(self, series_ids: NDArray[np.uint64]) -> None:
        """The labels of these series must travel again."""
        with self._lock:
            rows = np.flatnonzero(np.isin(self.ids, series_ids) & (self.keys != 0))
            self.day[rows] = self.day_before[rows] = NO_DAY

    def _slots(self, hashes: NDArray[np.uint64], generation: int, now_s: float) -> NDArray[np.int64]:
        if self._entries + len(hashes) > len(self.keys) * LOAD_MAX:
            self._renew(generation, now_s, len(hashes))
        slots: NDArray[np.int64] = insert_keys(self.keys, hashes)
        self._entries = int(np.count_nonzero(self.keys)) if len(hashes) > 64 else self._entries + len(hashes)
        return slots

    def _renew(self, generation: int, now_s: float, coming: int) -> None:
        """A table without what is old, and with room for `coming` more."""
        refused = (self.status > 0) & (self.status <= REFUSED_MAX)
        alive = np.where(refused, self.mark > now_s, (self.mark >= generation - 1) & (self.status == KNOWN)) & (self.keys != 0)
        if alive.sum() + coming > self._entries_max:
            alive &= ~refused
        if alive.sum() + coming > self._entries_max:
            alive[:] = False
        kept = [getattr(self, name)[alive] for name in COLUMNS]
        self._clear(len(kept[0]) + coming)
        slots = insert_keys(self.keys, kept[0])
        for name, column in zip(COLUMNS[1:], kept[1:], strict=True):
            getattr(self, name)[slots] = column
        self._entries = len(slots)

    def _clear(self, entries: int) -> None:
        capacity = capacity_for(entries)
        self.keys = np.zeros(capacity, np.uint64)
        self.ids = np.zeros(capacity, np.uint64)
        self.day = np.full(capacity, NO_DAY, np.int32)
        self.day_before = np.full(capacity, NO_DAY, np.int32)
        self.mark = np.zeros(capacity, np.int32)
        self.status = np.full(capacity, UNKNOWN, np.uint8)
        self._entries = 0


@njit(cache=True, nogil=True)
def look_up_series(columns, hashes, first_days, last_days, generation, now_s, series_ids, verdicts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """`SeriesTable.look_up` over its columns, for kernels that hold its lock; fills series_ids and verdicts."""
    keys, ids, days, days_before, marks, statuses = columns
    for index in range(len(hashes)):
        slot = find_slot(keys, hashes[index])
        if slot < 0 or statuses[slot] == UNKNOWN:
            verdicts[index] = UNKNOWN
        elif statuses[slot] != KNOWN:
            verdicts[index] = statuses[slot] if marks[slot] > now_s else UNKNOWN
        else:
            series_ids[index] = ids[slot]
            first_known = first_days[index] == days[slot] or first_days[index] == days_before[slot]
            last_known = last_days[index] == days[slot] or last_days[index] == days_before[slot]
            # Two days are remembered, so a span of three or more holds one that is not.
            all_known = first_known and last_known and last_days[index] - first_days[index] <= 1
            if not all_known and first_days[index] != NO_DAY:
                verdicts[index] = UNDEFINED
            elif marks[slot] != generation:
                verdicts[index] = STALE
            else:
                verdicts[index] = KNOWN


@njit(cache=True, nogil=True)
def define_days(keys, days, days_before, hashes, new_days):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """`SeriesTable.define` over its columns."""
    for index in range(len(hashes)):
        slot = find_slot(keys, hashes[index])
        if slot >= 0 and days[slot] != new_days[index] and days_before[slot] != new_days[index]:
            days_before[slot] = days[slot]
            days[slot] = new_days[index]
