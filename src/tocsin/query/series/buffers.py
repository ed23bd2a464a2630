"""
Memory for the samples of one selection.

Its parts are made one after the other and are soon gone. The system gives fresh memory in pages of zeros, which costs as much as decoding
what is written there; so a part takes the memory of one that nobody looks at any more.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT_MIN = 1 << 16  # less than that comes from where the process has memory already


class Buffers:
    """
    Gives out arrays, and takes them back when no array or view of them is left.

    Args:
        length: Elements of 8 bytes that an array has at most; longer ones are not kept.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._free: list[NDArray[np.int64]] = []

    def take(self, size: int, kind: type[np.generic]) -> NDArray[Any]:
        """An array of `size` elements of a type of 8 bytes, holding anything."""
        if not KEPT_MIN <= size <= self._length:
            return np.empty(size, dtype=kind)
        memory = self._free.pop() if self._free else np.empty(self._length, dtype=np.int64)
        # NumPy does not look through a memoryview for who owns the memory: every view holds on to this very array.
        array = np.frombuffer(memory.data, dtype=kind)
        weakref.finalize(array, self._free.append, memory).atexit = False
        return array[:size]
