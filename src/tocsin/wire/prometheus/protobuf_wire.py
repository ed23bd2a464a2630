"""
Protobuf's wire format, for kernels: varints, lengths and skipping, each within bounds that the caller gives.

Every reader takes (data, position, end) with 0 <= position <= end <= len(data), and returns the position behind what it read, or -1 when
the bytes end too early or can't be. Nothing here reads outside of the bounds, whatever the bytes are.

Source: Protocol Buffers, Encoding.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

VARINT = 0
FIXED64 = 1
LENGTH = 2
FIXED32 = 5
VARINT_BYTES_MAX = 10
TOO_MANY_FIELDS = -2

_LOW_BITS = np.uint64(0x7F)


@njit(cache=True, nogil=True)
def read_varint(data: NDArray[np.uint8], position: int, end: int) -> tuple[np.uint64, int]:
    """A varint of at most ten bytes."""
    value = np.uint64(0)
    shift = np.uint64(0)
    last = min(end, position + VARINT_BYTES_MAX)
    while position < last:
        byte = np.uint64(data[np.uint64(position)])
        position += 1
        value = np.uint64(value | (byte & _LOW_BITS) << shift)
        if byte <= _LOW_BITS:
            return value, position
        shift = np.uint64(shift + np.uint64(7))
    return value, -1


@njit(cache=True, nogil=True)
def read_length(data: NDArray[np.uint8], position: int, end: int) -> tuple[int, int]:
    """First byte of a field whose length stands at `position`, and the one behind its last; -1, -1 if the bytes end too early."""
    length, start = read_varint(data, position, end)
    if start < 0 or length > np.uint64(end - start):
        return -1, -1
    return start, int(start + np.int64(length))


@njit(cache=True, nogil=True)
def skip_value(data: NDArray[np.uint8], position: int, end: int, wire_type: int) -> int:
    """Behind the value of a field that nobody asks for; groups, which no message here has, count as damage."""
    if wire_type == VARINT:
        return read_varint(data, position, end)[1]
    if wire_type == LENGTH:
        return read_length(data, position, end)[1]
    size = 8 if wire_type == FIXED64 else 4
    if wire_type not in (FIXED64, FIXED32) or end - position < size:
        return -1
    return position + size


@njit(cache=True, nogil=True)
def read_tag(data: NDArray[np.uint8], position: int, end: int) -> tuple[int, int, int]:
    """Field number, wire type, and the position behind; the number is at least 1."""
    tag, behind = read_varint(data, position, end)
    number = np.int64(tag >> np.uint64(3))
    if behind < 0 or number < 1 or number > 0x1FFFFFFF:
        return 0, 0, -1
    return int(number), int(np.int64(tag & np.uint64(7))), behind


@njit(cache=True, nogil=True)
def find_fields(data: NDArray[np.uint8], first: int, second: int, fields_max: int) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """
    Where the length-delimited fields of two numbers stand in a message.

    Returns:
        -1, the position of what can't be, or TOO_MANY_FIELDS when there are more than `fields_max` of a kind; then first byte and byte
        behind ([F, 2]) of the fields with number `first`, and of those with number `second`.
    """
    counts = np.zeros(2, np.int64)
    spans = (np.empty((0, 2), np.int64), np.empty((0, 2), np.int64))
    for turn in range(2):  # count, then write down: a request has thousands, and nobody says how many
        if turn == 1:
            spans = (np.empty((counts[0], 2), np.int64), np.empty((counts[1], 2), np.int64))
            counts[:] = 0
        position = 0
        while position < len(data):
            number, wire_type, behind = read_tag(data, position, len(data))
            if behind < 0:
                return position, spans[0], spans[1]
            which = 0 if number == first else 1 if number == second else -1
            if which < 0:
                after = skip_value(data, behind, len(data), wire_type)
                if after < 0:
                    return position, spans[0], spans[1]
            else:
                start, after = read_length(data, behind, len(data))
                if wire_type != LENGTH or start < 0:
                    return position, spans[0], spans[1]
                if counts[which] == fields_max:
                    return TOO_MANY_FIELDS, spans[0], spans[1]
                if turn == 1:
                    span = spans[0] if which == 0 else spans[1]
                    span[counts[which], 0] = start
                    span[counts[which], 1] = after
                counts[which] += 1
            position = after
    return -1, spans[0], spans[1]
