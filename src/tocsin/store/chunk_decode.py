"""
How chunks are read back. See `tocsin.store.chunks` for the bytes.

Bytes that are no chunk give a fault, never a read outside of them: every length is checked before it is used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.store.chunks import BLOCK_SIZES, EXCEPTIONS, EXPONENT_MAX, FACTOR, POWERS, compiled, take_signed, take_varint

WIDTH_MAX = 64


@compiled
def _unpack(words: NDArray[np.uint64], at: int, width: int, out: NDArray[np.int64], first: int, last: int) -> None:
    """Read numbers of `width` bits, 1 to 64, from the byte `at` on into out[first:last]."""
    mask = ~np.uint64(0) >> np.uint64(64 - width)
    bit = np.uint64(at) * np.uint64(8)
    wide = np.uint64(width)
    for place in range(first, last):
        word = bit >> np.uint64(6)
        shift = bit & np.uint64(63)
        # The next word's part moves left by 64 - shift in two moves: by 64 at once is not defined.
        raw = (words[word] >> shift) | ((words[word + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - shift))
        out[place] = np.int64(raw & mask)
        bit += wide


@compiled
def _add_up(
    out: NDArray[np.int64], first: int, last: int, order: int, least: np.int64, factor: np.int64, number: np.int64, step: np.int64
) -> tuple[np.int64, np.int64]:
    """Turn what a block holds into numbers, in place; the number and the step that the next block goes on from."""
    if order == 0:
        for place in range(first, last):
            out[place] = number + (out[place] + least) * factor
    elif order == 1:
        for place in range(first, last):
            number += (out[place] + least) * factor
            out[place] = number
    else:
        for place in range(first, last):
            step += out[place] + least
            number += step * factor
            out[place] = number
    return number, step


@compiled
def _take_blocks(
    words: NDArray[np.uint64],
    data: NDArray[np.uint8],
    at: int,
    end: int,
    count: int,
    kind: int,
    factor: np.int64,
    step: np.int64,
    out: NDArray[np.int64],
) -> int:
    order = kind & 3
    block = BLOCK_SIZES[kind >> 2 & 3]
    number = out[0]
    place = 1
    if order == 2 and count > 1:
        number += step * factor
        out[1] = number
        place = 2
    while place < count:
        last = min(place + block, count)
        least, at = take_signed(data, at, end)
        if at < 0 or at >= end:
            return -1
        width = int(np.int64(data[at]))
        at += 1
        size = ((last - place) * width + 7) // 8
        if width > WIDTH_MAX or at + size > end:
            return -1
        if width == 0:
            out[place:last] = 0
        else:
            _unpack(words, at, width, out, place, last)
        number, step = _add_up(out, place, last, order, least, factor, number, step)
        at += size
        place = last
    return at


@compiled
def _take_stream(words: NDArray[np.uint64], data: NDArray[np.uint8], at: int, end: int, count: int, out: NDArray[np.int64]) -> int:
    """Read a stream into out[:count]; where it ends, or -1."""
    if at < 0 or at >= end:
        return -1
    kind = int(np.int64(data[at]))
    if kind & 3 == 3 or kind >> 2 & 3 == 3 or kind >> 5:
        return -1
    number, at = take_signed(data, at + 1, end)
    step = np.int64(0)
    if kind & 3 == 2:
        step, at = take_signed(data, at, end)
    factor = np.int64(1)
    if kind & FACTOR:
        taken, at = take_varint(data, at, end)
        factor = np.int64(taken)
    if at < 0:
        return -1
    out[0] = number
    return _take_blocks(words, data, at, end, count, kind, factor, step, out)


@compiled
def decode_times(
    words: NDArray[np.uint64], data: NDArray[np.uint8], begin: int, end: int, count: int, start_ms: int, times: NDArray[np.int64]
) -> int:
    """
    Read the times of a chunk.

    Args:
        words: The buffer that holds the chunk as 64-bit words, with one word to spare behind the chunk.
        data: The same buffer as bytes.
        begin: Where the chunk begins, bytes.
        end: Where it ends.
        count: How many samples it has, 1 to CHUNK_SAMPLES_MAX.
        start_ms: Time of its first sample.
        times: [>= count] int64, filled.

    Returns:
        Where the values begin; -1 for what is not a chunk.
    """
    at = _take_stream(words, data, begin + 1, end, count, times)
    if at >= 0:
        for place in range(count):
            times[place] += start_ms
    return at


@compiled
def decode_values(
    words: NDArray[np.uint64], data: NDArray[np.uint8], begin: int, at: int, end: int, count: int, values: NDArray[np.float64]
) -> bool:
    """
    Read the values of a chunk; arguments as in `decode_times`, `at` what it returned, `values` [>= count] filled.

    Returns:
        Whether it is a chunk.
    """
    bits = values.view(np.int64)
    at = _take_stream(words, data, at, end, count, bits)
    if at < 0:
        return False
    form = int(np.int64(data[begin]))
    exponent = (form & 0x7F) - 1
    if exponent > EXPONENT_MAX:
        return False
    if exponent == 0:
        for place in range(count):
            values[place] = float(bits[place])
    elif exponent > 0:
        power = POWERS[exponent]
        for place in range(count):
            values[place] = float(bits[place]) / power
    if form & EXCEPTIONS:
        number, at = take_varint(data, at, end)
        place = 0
        for _ in range(min(int(np.int64(number)), count)):
            distance, at = take_varint(data, at, end)
            if at < 0 or at + 8 > end or distance >= np.uint64(count):
                return False
            place += int(np.int64(distance))
            if place >= count:
                return False
            raw = np.uint64(0)
            for byte in range(8):
                raw |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
            bits[place] = np.int64(raw)
            at += 8
    return at == end
