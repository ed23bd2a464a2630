"""
Open addressing over flat arrays, for kernels: where in a table of 64-bit keys a key stands.

A key is a hash already (of bytes, or a series id), so its low bits are its home slot; 0 is an empty slot, and callers never look for it.
Nothing is removed one by one: a table is written anew without what is old, so there are no tombstones, and a lookup always ends because
a table is never full.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

CAPACITY_MIN = 1024
LOAD_MAX = 0.6  # linear probing looks at 1.75 slots on average up to here, and at many more soon after


def capacity_for(keys: int) -> int:
    """The number of slots, a power of two, that holds so many keys with room to grow."""
    capacity = CAPACITY_MIN
    while keys > capacity * LOAD_MAX * 0.75:
        capacity *= 2
    return capacity


@njit(cache=True, nogil=True)
def find_slot(table: NDArray[np.uint64], key: np.uint64) -> int:
    """
    The slot of a key; -1 - slot when it is not there, where `slot` is the empty one that it would take.

    Args:
        table: [C] uint64, C a power of two, at least one slot 0.
        key: Not 0.
    """
    mask = np.uint64(len(table) - 1)
    slot = np.int64(np.uint64(key) & mask)
    last = np.int64(mask)
    while True:
        found = table[slot]
        if found == key:
            return int(slot)
        if found == np.uint64(0):
            return int(-1 - slot)
        slot = np.int64((slot + 1) & last)


@njit(cache=True, nogil=True)
def insert_key(table: NDArray[np.uint64], key: np.uint64) -> int:
    """Put a key into a table that has room for it; the slot that it got."""
    slot = find_slot(table, key)
    if slot < 0:
        slot = -1 - slot
        table[slot] = key
    return slot


@njit(cache=True, nogil=True)
def find_slots(table: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """`find_slot` of many keys: [K] int64."""
    slots = np.empty(len(keys), np.int64)
    for index in range(len(keys)):
        slots[index] = find_slot(table, keys[index])
    return slots


@njit(cache=True, nogil=True)
def insert_keys(table: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Put keys into a table that has room for all of them; the slots that they got: [K] int64."""
    slots = np.empty(len(keys), np.int64)
    for index in range(len(keys)):
        slots[index] = insert_key(table, keys[index])
    return slots
