"""
The engine's column format, for columns of numbers.

    block    varint columns | varint rows | column ...                      as many as it takes, none for an empty answer
    column   varint length, name | varint length, type | the values as they lie in memory, little-endian

Source: ClickHouse documentation, formats, Native.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import StoreError

VARINT_BYTES_MAX = 10


def number_blocks(body: memoryview, types: Sequence[type[np.generic]]) -> Iterator[tuple[NDArray[Any], ...]]:
    """
    The columns of each block, without copying; they may lie at odd addresses.

    Args:
        body: What the engine wrote in the format Native.
        types: What the columns hold, in order.

    Raises:
        StoreError: It is not that.
    """
    at = 0
    while at < len(body):
        width, at = _varint(body, at)
        rows, at = _varint(body, at)
        if width != len(types):
            raise StoreError(f"expected blocks of {len(types)} columns from the engine, found {width}; this is a fault of its version")
        columns = []
        for kind in types:
            for _ in ("name", "type"):
                length, at = _varint(body, at)
                at += length
            size = rows * np.dtype(kind).itemsize
            if at + size > len(body):
                raise StoreError(f"expected {size} bytes of a column from the engine, found {max(0, len(body) - at)}; ask again")
            columns.append(np.frombuffer(body, dtype=kind, count=rows, offset=at))
            at += size
        if rows:
            yield tuple(columns)


def _varint(body: memoryview, at: int) -> tuple[int, int]:
    number = 0
    for place in range(VARINT_BYTES_MAX):
        if at + place >= len(body):
            break
        byte = body[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise StoreError("the engine's answer ends within a number; ask again")
