"""
Chunks: the samples of one series in a few hundred bytes, exact to the bit. What settles is kept in this form.

    chunk       form (1) | times: stream | values: stream | exceptions, if form & 0x80
    form        low seven bits: 0 for values as the 64 bits of their IEEE 754 form, 1 + e for whole numbers m with value = m / 10^e
    stream      kind (1) | varint of the first number | varint of the first difference, if order 2 | varint of the factor, if kind & 0x10 |
                blocks
    kind        order (bits 0-1): 0 numbers less the first, 1 differences, 2 differences of differences;
                block size (bits 2-3): 0 for 32, 1 for 128, 2 for one block of all
    block       varint of the least | width w in bits (1) | (number - least) in w bits each, from the lowest bit on, padded to a byte
    exceptions  varint of how many | (varint of the distance from the one before, value (8, little-endian)) each

Signed numbers are zigzag varints. Times are milliseconds counted from the chunk's start. Numbers of a stream are divided by the factor
(memory in pages of 4096 bytes, times in whole seconds); all arithmetic is modulo 2^64. Exceptions are values that are not m / 10^e: stale
markers among whole numbers, -0, NaN. How many samples a chunk has stands beside it in the table.

Why not bytes that the column's own compression makes small: node_exporter's counters take less as bits, and reading decompresses less.
A chunk that is not one gives a fault, never a read outside of it: every length is checked in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

CHUNK_WINDOW_MS = 7_200_000
CHUNK_SAMPLES_MAX = 8192
ROW_BYTES_MAX = 96 + 26 * CHUNK_SAMPLES_MAX  # of the largest row: three streams' worth of numbers, exceptions and heads
EXPONENT_MAX = 15
EXACT_MAX = 2.0**50  # nearer to 2^53 the product of a value and a power of ten may round to a neighbour of the right whole number
EXCEPTIONS = 0x80  # in a chunk's form
FACTOR = 0x10  # in a stream's kind
POWERS = np.array([10.0**exponent for exponent in range(EXPONENT_MAX + 1)])  # exact
BLOCK_SIZES = np.array([32, 128, CHUNK_SAMPLES_MAX], dtype=np.int64)


def compiled(function: F) -> F:
    """The function as machine code, compiled on first use and kept on disk, free of the interpreter's lock."""
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))


@compiled
def put_varint(out: NDArray[np.uint8], at: int, number: np.uint64) -> int:
    """Write a number, seven bits a byte, the lowest first; where it ends."""
    rest = np.uint64(number)
    while rest > np.uint64(0x7F):
        out[at] = np.uint8((rest & np.uint64(0x7F)) | np.uint64(0x80))
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@compiled
def put_signed(out: NDArray[np.uint8], at: int, number: np.int64) -> int:
    """Write a signed number as zigzag varint; where it ends."""
    return put_varint(out, at, np.uint64((number << np.int64(1)) ^ (number >> np.int64(63))))


@compiled
def take_varint(data: NDArray[np.uint8], at: int, end: int) -> tuple[np.uint64, int]:
    """Read a number: it and where it ends, -1 where it does not end before `end`."""
    number = np.uint64(0)
    shift = np.uint64(0)
    while at >= 0 and at < end and shift < np.uint64(70):
        byte = np.uint64(data[at])
        number |= (byte & np.uint64(0x7F)) << shift
        at += 1
        if byte < np.uint64(0x80):
            return number, at
        shift += np.uint64(7)
    return np.uint64(0), -1


@compiled
def take_signed(data: NDArray[np.uint8], at: int, end: int) -> tuple[np.int64, int]:
    """Read a zigzag varint: it and where it ends, -1 where it does not end before `end`."""
    number, at = take_varint(data, at, end)
    return np.int64(number >> np.uint64(1)) ^ -np.int64(number & np.uint64(1)), at
