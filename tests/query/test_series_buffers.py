"""Memory of parts: used again only when nobody looks at it."""

from __future__ import annotations

import gc

import numpy as np

from tocsin.query.series.buffers import KEPT_MIN, Buffers


def address(array: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """Where an array lies."""
    return int(array.__array_interface__["data"][0])


def test_memory_comes_back_when_the_last_view_is_gone() -> None:
    """A view of a view keeps it; when all are gone the next array lies there."""
    buffers = Buffers(2 * KEPT_MIN)
    first = buffers.take(KEPT_MIN, np.int64)
    first[:] = 7
    place, view = address(first), first[5:][10:20].view(np.float64)
    del first
    gc.collect()
    second = buffers.take(KEPT_MIN, np.float64)
    assert address(second) != place
    assert (view.view(np.int64) == 7).all()
    del view
    gc.collect()
    third = buffers.take(2 * KEPT_MIN, np.float64)
    assert address(third) == place
    assert len(third) == 2 * KEPT_MIN
    assert third.flags.writeable


def test_small_and_large_arrays_are_ordinary() -> None:
    """They have memory of their own."""
    buffers = Buffers(2 * KEPT_MIN)
    for size in (0, 3, 2 * KEPT_MIN + 1):
        assert len(buffers.take(size, np.int64)) == size
