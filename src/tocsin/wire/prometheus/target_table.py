"""
What became of everything that one target exposes, by a hash of its raw bytes: flat arrays, so that a known series costs no Python object.

    key (64 bits of the raw text) -> slot -> entry -> series id, fate, the days it was defined for, when it was last seen

Two texts may mean one series (labels in another order): they share an entry, so a series is taken once.
Metadata lines have entries too, so that a known one is not parsed again.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.scraped import Fate, Resolution
from tocsin.wire.prometheus.slots import LOAD_MAX, capacity_for, find_slot, find_slots, insert_keys

METADATA_LINE = 4
"""The fate of a line of metadata that was found valid, beside those of `Fate`."""
NO_DAY = np.int32(np.iinfo(np.int32).min)
NEVER = np.int32(-2)
DAY_MS = 86_400_000
RETRY_GENERATIONS = 20
"""A refused series is asked about again every so many answers: at 15 s, every five minutes."""
SPARE_ENTRIES = 1000
KEYS_PER_ENTRY_MAX = 4

ENTRY = np.dtype(
    [
        ("series_id", np.uint64),
        ("exemplar", np.uint64),  # a hash of its last exemplar
        ("last_ms", np.int64),  # the time of its last sample
        ("day", np.int32),  # the days that its definition was noted for, the last two
        ("day_before", np.int32),
        ("seen", np.int32),  # the generation that had it last
        ("fate", np.uint8),
    ]
)


def days_of(timestamps_ms: NDArray[np.int64]) -> NDArray[np.int32]:
    """Days since 1970-01-01 UTC; those that no instant of ours has are cut off at the ends."""
    return np.clip(timestamps_ms // DAY_MS, NO_DAY + 1, np.iinfo(np.int32).max).astype(np.int32)


class TargetTable:
    """
    Entries of one target. Not for several threads at once.

    Args:
        entries: How many to make room for at first.
    """

    def __init__(self, entries: int = 0) -> None:
        capacity = capacity_for(entries)
        self.keys = np.zeros(capacity, np.uint64)
        self.numbers = np.full(capacity, -1, np.int32)
        self.size = self.used = 0
        self.generation = 0
        self.metrics: list[str] = []
        self._ids: dict[int, int] = {}
        self._room = np.zeros(capacity, ENTRY)

    @property
    def entries(self) -> NDArray[np.void]:
        """ENTRY [E], in the order in which they came."""
        return self._room[: self.size]

    def find(self, key: int) -> int:
        """The entry of a key; -1 for an unknown one."""
        slot = int(find_slot(self.keys, np.uint64(key)))
        return int(self.numbers[slot]) if slot >= 0 else -1

    def is_noted(self, number: int, day: int) -> bool:
        """Whether an entry was asked about on a day."""
        return day in {self._room[number]["day"], self._room[number]["day_before"]}

    def remember(self, key: int, resolution: Resolution, day: int) -> int:
        """Write down what became of a series on a day (days since 1970-01-01 UTC); its entry."""
        number = self.find(key)
        known = self._ids.get(resolution.series_id) if resolution.fate is Fate.KEPT else None
        if number < 0:
            number = self._point(key, self._new() if known is None else known)
        elif known is not None and known != number:  # it was refused when another text of the same series was taken
            number = self.numbers[find_slot(self.keys, np.uint64(key))] = known
        record = self._room[number]
        if not self.is_noted(number, day):
            record["day_before"], record["day"] = record["day"], day
        record["fate"] = resolution.fate.value
        if resolution.fate is Fate.KEPT:
            record["series_id"] = resolution.series_id
            self.metrics[number] = resolution.metric
            self._ids[resolution.series_id] = number
        return number

    def remember_line(self, key: int) -> int:
        """Write down that a line of metadata is valid; its entry."""
        number = self.find(key)
        if number < 0:
            number = self._point(key, self._new())
            self._room[number]["fate"] = METADATA_LINE
        return number

    def numbers_by_key(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """[K] entries of keys that are all known."""
        return self.numbers[find_slots(self.keys, keys)]

    def begin(self) -> None:
        """Before an answer is read: refused series get another chance now and then."""
        if self.generation % RETRY_GENERATIONS == 0:
            self.forget_days(np.flatnonzero(self.entries["fate"] == Fate.REFUSED.value))

    def forget_days(self, numbers: NDArray[np.int64] | list[int]) -> None:
        """Ask about these entries again when they are seen."""
        self._room["day"][numbers] = self._room["day_before"][numbers] = NO_DAY

    def numbers_of(self, series_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Entries of series, in no particular order; series that it does not know are left out."""
        entries = self.entries
        return np.flatnonzero((entries["fate"] == Fate.KEPT.value) & np.isin(entries["series_id"], series_ids))

    def evict(self) -> None:
        """Forget what the last answer did not have, once that is more than half of all."""
        seen = self.entries["seen"] == self.generation
        kept = int(seen.sum())
        if max(self.size, self.used) <= 2 * kept + SPARE_ENTRIES:
            return
        rows = np.flatnonzero(seen)
        renumbered = np.full(self.size, -1, np.int32)
        renumbered[rows] = np.arange(kept, dtype=np.int32)
        taken = np.flatnonzero(self.keys)
        taken = taken[renumbered[self.numbers[taken]] >= 0]
        if len(taken) > KEYS_PER_ENTRY_MAX * kept + SPARE_ENTRIES:
            # A target that writes labels in ever new orders: meet all of them anew now and then rather than remember every order.
            taken = taken[:0]
        keys, numbers = self.keys[taken], renumbered[self.numbers[taken]]
        self._room = _grown(self._room[rows], capacity_for(kept))
        self.size = kept
        self.metrics = [self.metrics[row] for row in rows]
        ids = self.entries["series_id"]
        self._ids = {int(ids[number]): number for number in np.flatnonzero(self.entries["fate"] == Fate.KEPT.value).tolist()}
        self._rehash(keys, numbers)

    @property
    def size_bytes(self) -> int:
        """Memory of the arrays."""
        return self.keys.nbytes + self.numbers.nbytes + self._room.nbytes

    def _new(self) -> int:
        if self.size == len(self._room):
            self._room = _grown(self._room, 2 * self.size)
        record = self._room[self.size]
        record["day"] = record["day_before"] = NO_DAY
        record["seen"] = NEVER
        self.metrics.append("")
        self.size += 1
        return self.size - 1

    def _point(self, key: int, number: int) -> int:
        if self.used + 1 > len(self.keys) * LOAD_MAX:
            taken = np.flatnonzero(self.keys)
            self._rehash(self.keys[taken], self.numbers[taken])
        slot = insert_keys(self.keys, np.array([key], np.uint64))[0]
        self.numbers[slot] = number
        self.used += 1
        return number

    def _rehash(self, keys: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
        capacity = capacity_for(2 * len(keys))
        self.keys = np.zeros(capacity, np.uint64)
        self.numbers = np.full(capacity, -1, np.int32)
        self.numbers[insert_keys(self.keys, keys)] = numbers
        self.used = len(keys)


def _grown(entries: NDArray[np.void], capacity: int) -> NDArray[np.void]:
    grown = np.zeros(max(capacity, len(entries)), ENTRY)
    grown[: len(entries)] = entries
    return grown


@njit(cache=True, nogil=True)
def settle(
    numbers: NDArray[np.int32],
    timestamps_ms: NDArray[np.int64],
    explicit: NDArray[np.bool_],
    generation: int,
    entries: NDArray[np.void],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """
    Mark what an answer has as seen.

    Args:
        numbers: [N] entries of its lines, all known by now.
        timestamps_ms: [N] times of their samples.
        explicit: [N] where the target gave the time.
        generation: The one that this answer ends.
        entries: ENTRY, of the table.

    Returns:
        [N] which samples are taken; counts of: samples, those not dropped, series added, duplicates, refused.
    """
    taken = np.zeros(len(numbers), np.bool_)
    counts = np.zeros(5, np.int64)
    for row in range(len(numbers)):
        record = entries[numbers[row]]
        again = record["seen"] == generation
        before = record["seen"] == generation - 1
        record["seen"] = generation
        if record["fate"] == METADATA_LINE:
            continue
        counts[0] += 1
        counts[1] += record["fate"] != 2
        counts[4] += record["fate"] == 3
        if record["fate"] != 1:
            continue
        if again and (not explicit[row] or record["last_ms"] == timestamps_ms[row]):
            counts[3] += 1
            continue
        counts[2] += not again and not before
        taken[row] = True
        record["last_ms"] = timestamps_ms[row]
    return taken, counts


@njit(cache=True, nogil=True)
def recognise_keys(
    row_keys: NDArray[np.uint64],
    days: NDArray[np.int32],
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int32],
    entries: NDArray[np.void],
) -> NDArray[np.int32]:
    """
    The entries of samples; -1 for what is unknown, or has to be asked about again.

    Args:
        row_keys: [N] their keys.
        days: [N] their days since 1970-01-01 UTC.
        keys: Of the table.
        numbers: Of the table.
        entries: ENTRY, of the table.
    """
    found = np.empty(len(row_keys), np.int32)
    for row in range(len(row_keys)):
        slot = find_slot(keys, row_keys[row])
        found[row] = numbers[slot] if slot >= 0 else -1
        if found[row] >= 0:
            record = entries[found[row]]
            if record["fate"] in (1, 3) and record["day"] != days[row] and record["day_before"] != days[row]:
                found[row] = -1
    return found
