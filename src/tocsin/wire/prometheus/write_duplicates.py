"""
Samples of one request with the same series and time: the last one counts.

The store tells requests apart by when they were received. Within one request all have the same instant, so only the door knows their order.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.hashing import finish, mix

_FREE = np.int32(-1)


@njit(cache=True, nogil=True)
def keep_last(ids: NDArray[np.uint64], times: NDArray[np.int64], values: NDArray[np.uint64], seed: np.uint64) -> int:
    """
    Leave out samples that a later one replaces, in place. Of those it replaces, a sample takes the place of the first.

    Args:
        ids: [N], of the series.
        times: [N], milliseconds.
        values: [N], bits of float64.
        seed: Of the hash, so that no sender can make samples collide.

    Returns:
        How many stay, at the front.
    """
    size = 16
    while size < 2 * len(ids):
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, _FREE, np.int32)
    kept = 0
    for index in range(len(ids)):
        slot = finish(mix(np.uint64(seed ^ ids[index]), np.uint64(times[index]))) & mask
        place = table[slot]
        while place != _FREE and (ids[place] != ids[index] or times[place] != times[index]):
            slot = (slot + np.uint64(1)) & mask
            place = table[slot]
        if place == _FREE:
            place = table[slot] = np.int32(kept)
            ids[kept] = ids[index]
            times[kept] = times[index]
            kept += 1
        values[place] = values[index]
    return kept
