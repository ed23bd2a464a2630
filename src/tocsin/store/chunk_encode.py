"""How chunks are made: of all the ways that the format allows, the smallest is taken. See `tocsin.store.chunks` for the bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.store.chunks import BLOCK_SIZES, EXACT_MAX, EXCEPTIONS, EXPONENT_MAX, FACTOR, POWERS, compiled, put_signed, put_varint


@compiled
def _varint_size(number: np.int64) -> int:
    rest = np.uint64((number << np.int64(1)) ^ (number >> np.int64(63)))
    size = 1
    while rest > np.uint64(0x7F):
        rest >>= np.uint64(7)
        size += 1
    return size


@compiled
def _bit_width(number: np.uint64) -> int:
    width = 0
    while number >= np.uint64(0x100):
        number >>= np.uint64(8)
        width += 8
    while number > np.uint64(0):
        number >>= np.uint64(1)
        width += 1
    return width


@compiled
def _factor(numbers: NDArray[np.int64], count: int, wraps: bool) -> np.int64:
    """The greatest number that divides all differences; where these may have wrapped around, a power of two."""
    if wraps:
        mixed = np.int64(0)
        for place in range(1, count):
            mixed |= numbers[place] - numbers[place - 1]
        lowest = mixed & -mixed
        return lowest if lowest > 1 else np.int64(1)
    divisor = np.int64(0)
    for place in range(1, count):
        rest = abs(numbers[place] - numbers[place - 1])
        if rest in (divisor, 0):
            continue
        while rest != 0:
            divisor, rest = rest, divisor % rest
        if divisor == 1:
            return np.int64(1)
    return divisor if divisor > 1 else np.int64(1)


@compiled
def _stream_size(numbers: NDArray[np.int64], first: int, count: int, block: int) -> int:
    """Bytes that the blocks take; the least and the greatest of a block may be too far apart for 63 bits, which wraps as it should."""
    size = 0
    while first < count:
        last = min(first + block, count)
        least = numbers[first]
        most = numbers[first]
        for place in range(first + 1, last):
            number = numbers[place]
            least = min(least, number)
            most = max(most, number)
        width = _bit_width(np.uint64(most - least))
        size += _varint_size(least) + 1 + ((last - first) * width + 7) // 8
        first = last
    return size


@compiled
def _put_blocks(out: NDArray[np.uint8], at: int, numbers: NDArray[np.int64], first: int, count: int, block: int) -> int:
    while first < count:
        last = min(first + block, count)
        least = numbers[first]
        most = numbers[first]
        for place in range(first + 1, last):
            least = min(least, numbers[place])
            most = max(most, numbers[place])
        width = _bit_width(np.uint64(most - least))
        at = put_signed(out, at, least)
        out[at] = np.uint8(width)
        at += 1
        if width > 0:
            held = np.uint64(0)
            bits = 0
            for place in range(first, last):
                number = np.uint64(numbers[place] - least)
                held |= number << np.uint64(bits)
                if bits + width >= 64:
                    for _ in range(8):
                        out[at] = np.uint8(held & np.uint64(0xFF))
                        held >>= np.uint64(8)
                        at += 1
                    taken = 64 - bits
                    held = number >> np.uint64(taken) if taken < 64 else np.uint64(0)
                    bits = width - taken
                else:
                    bits += width
            while bits > 0:
                out[at] = np.uint8(held & np.uint64(0xFF))
                held >>= np.uint64(8)
                at += 1
                bits -= 8
        first = last
    return at


@compiled
def _put_stream(out: NDArray[np.uint8], at: int, numbers: NDArray[np.int64], count: int, wraps: bool, scratch: NDArray[np.int64]) -> int:
    """
    Write a stream in the order and block size that take the least.

    Args:
        out: Filled from `at` on.
        at: Where.
        numbers: [count] int64.
        count: >= 1.
        wraps: Differences may not fit into 63 bits.
        scratch: [3, >= count], overwritten.
    """
    factor = _factor(numbers, count, wraps)
    previous = np.int64(0)
    for place in range(count):
        difference = np.int64(0)
        if place > 0:
            difference = numbers[place] - numbers[place - 1]
            scratch[0, place] = numbers[place] - numbers[0]
            if factor != 1:
                difference //= factor
                scratch[0, place] //= factor
        else:
            scratch[0, 0] = 0
        scratch[1, place] = difference
        scratch[2, place] = difference - previous
        previous = difference
    best = 2**62
    best_order = 0
    best_block = 2
    for order in range(3):
        for block in range(3):
            if block < 2 and BLOCK_SIZES[block] >= count:
                continue
            size = _stream_size(scratch[order], max(order, 1), count, BLOCK_SIZES[block])
            if order == 2 and count > 1:
                size += _varint_size(scratch[1, 1])
            if size < best:
                best = size
                best_order = order
                best_block = block
    out[at] = np.uint8(best_order | best_block << 2 | (FACTOR if factor != 1 else 0))
    at = put_signed(out, at + 1, numbers[0])
    if best_order == 2:
        at = put_signed(out, at, scratch[1, 1] if count > 1 else np.int64(0))
    if factor != 1:
        at = put_varint(out, at, np.uint64(factor))
    return _put_blocks(out, at, scratch[best_order], max(best_order, 1), count, BLOCK_SIZES[best_block])


@compiled
def _decimal(value: float, exponent: int) -> float:
    """The m with value = m / 10^exponent to the bit; NaN where there is none."""
    scaled = np.rint(value * POWERS[exponent])
    if not abs(scaled) <= EXACT_MAX or scaled / POWERS[exponent] != value:
        return np.nan
    if scaled == 0.0 and np.signbit(value):
        return np.nan
    return float(scaled)


@compiled
def _exponent(values: NDArray[np.float64], first: int, count: int) -> int:
    """The exponent under which most values are whole numbers; -1 where a quarter is not."""
    exponent = 0
    failed = 0
    for place in range(first, first + count):
        value = values[place]
        if not np.isnan(_decimal(value, exponent)):
            continue
        highest = EXPONENT_MAX
        while highest > exponent and abs(value) * POWERS[highest] > EXACT_MAX:
            highest -= 1
        if highest == exponent or np.isnan(_decimal(value, highest)):  # most of what fails does so here, at once
            failed += 1
            if failed * 4 > count:
                return -1
            continue
        exponent += 1
        while np.isnan(_decimal(value, exponent)):
            exponent += 1
    failed = 0
    for place in range(first, first + count):
        failed += np.isnan(_decimal(values[place], exponent))
    return exponent if failed * 4 <= count else -1


@compiled
def encode_chunk(
    out: NDArray[np.uint8],
    at: int,
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    first: int,
    count: int,
    scratch: NDArray[np.int64],
) -> int:
    """
    Write one chunk.

    Args:
        out: Filled from `at` on; there must be room for ROW_BYTES_MAX.
        at: Where.
        times: Of the samples, milliseconds, ascending.
        values: Of the samples.
        first: Index of the first sample.
        count: How many, 1 to CHUNK_SAMPLES_MAX.
        scratch: [4, CHUNK_SAMPLES_MAX] int64, overwritten.

    Returns:
        Where it ends.
    """
    form = at
    at += 1
    numbers = scratch[3]
    for place in range(count):
        numbers[place] = times[first + place] - times[first]
    at = _put_stream(out, at, numbers, count, False, scratch)
    exponent = _exponent(values, first, count)
    if exponent < 0:
        out[form] = np.uint8(0)
        bits = values.view(np.int64)
        for place in range(count):
            numbers[place] = bits[first + place]
        return _put_stream(out, at, numbers, count, True, scratch)
    exceptions = 0
    held = np.int64(0)
    for place in range(count):
        whole = _decimal(values[first + place], exponent)
        if np.isnan(whole):
            exceptions += 1
        else:
            if exceptions == place:
                for before in range(place):
                    numbers[before] = np.int64(whole)
            held = np.int64(whole)
        numbers[place] = held
    out[form] = np.uint8(1 + exponent | (EXCEPTIONS if exceptions else 0))
    at = _put_stream(out, at, numbers, count, False, scratch)
    return _put_exceptions(out, at, values, first, count, exponent, exceptions)


@compiled
def _put_exceptions(
    out: NDArray[np.uint8], at: int, values: NDArray[np.float64], first: int, count: int, exponent: int, exceptions: int
) -> int:
    if exceptions == 0:
        return at
    bits = values.view(np.uint64)
    at = put_varint(out, at, np.uint64(exceptions))
    before = 0
    for place in range(count):
        if np.isnan(_decimal(values[first + place], exponent)):
            at = put_varint(out, at, np.uint64(place - before))
            before = place
            number = bits[first + place]
            for _ in range(8):
                out[at] = np.uint8(number & np.uint64(0xFF))
                number >>= np.uint64(8)
                at += 1
    return at
