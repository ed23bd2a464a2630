"""
Rows of the table `chunks` as the engine takes and gives them in the format RowBinary, made and read by compiled kernels.

    row   series id (8) | start (8) | stop (8) | count (4) | received (8) | varint length | data      all little-endian
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import StoreError
from tocsin.store.chunk_decode import decode_times, decode_values
from tocsin.store.chunk_encode import encode_chunk
from tocsin.store.chunks import CHUNK_SAMPLES_MAX, CHUNK_WINDOW_MS, ROW_BYTES_MAX, compiled, put_varint, take_varint

HEAD_BYTES = 36
COLUMNS = {
    "series_id": "UInt64",
    "start": "DateTime64(3, 'UTC')",
    "stop": "DateTime64(3, 'UTC')",
    "count": "UInt32",
    "received": "DateTime64(6, 'UTC')",
    "data": "String",
}


@dataclass(frozen=True, slots=True)
class ChunkRows:
    """
    Chunks that were read.

    Args:
        words: All rows as they came, as 64-bit words, with room behind them.
        heads: [C, 7] int64: where the series id is, where the data begin and end (bytes), count, start, stop (milliseconds), received
            (microseconds).
    """

    words: NDArray[np.uint64]
    heads: NDArray[np.int64]


ID_AT, BEGIN, END, COUNT, START, STOP, RECEIVED = range(7)


@compiled
def _put_number(out: NDArray[np.uint8], at: int, number: np.uint64, size: int) -> int:
    for _ in range(size):
        out[at] = np.uint8(number & np.uint64(0xFF))
        number >>= np.uint64(8)
        at += 1
    return at


@compiled
def _take_number(data: NDArray[np.uint8], at: int, size: int) -> np.uint64:
    number = np.uint64(0)
    for place in range(size):
        number |= np.uint64(data[at + place]) << np.uint64(8 * place)
    return number


@compiled
def encode_rows(
    out: NDArray[np.uint8],
    ids: NDArray[np.uint64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    received: NDArray[np.int64],
    first: int,
) -> tuple[int, int, int]:
    """
    Make chunks of samples.

    Args:
        out: Filled.
        ids: [N], ascending.
        times: [N], ascending within a series, none twice.
        values: [N].
        received: [N], microseconds since 1970.
        first: The first sample to take.

    Returns:
        How many samples were taken, up to which sample, how many bytes were written: all that have room in `out`.
    """
    scratch = np.empty((4, CHUNK_SAMPLES_MAX), dtype=np.int64)
    data = np.empty(ROW_BYTES_MAX, dtype=np.uint8)
    at = 0
    chunks = 0
    while first < len(ids) and at + ROW_BYTES_MAX + HEAD_BYTES + 10 <= len(out):
        window = times[first] // CHUNK_WINDOW_MS
        newest = received[first]
        last = first + 1
        while last < len(ids) and ids[last] == ids[first] and last - first < CHUNK_SAMPLES_MAX and times[last] // CHUNK_WINDOW_MS == window:
            newest = max(newest, received[last])
            last += 1
        size = encode_chunk(data, 0, times, values, first, last - first, scratch)
        at = _put_number(out, at, ids[first], 8)
        at = _put_number(out, at, np.uint64(times[first]), 8)
        at = _put_number(out, at, np.uint64(times[last - 1]), 8)
        at = _put_number(out, at, np.uint64(last - first), 4)
        at = _put_number(out, at, np.uint64(newest), 8)
        at = put_varint(out, at, np.uint64(size))
        out[at : at + size] = data[:size]
        at += size
        first = last
        chunks += 1
    return chunks, first, at


def read_rows(body: memoryview) -> ChunkRows:
    """
    Find the chunks in what the engine wrote.

    Raises:
        StoreError: It is not what was asked for.
    """
    words = np.empty(len(body) // 8 + 2, dtype=np.uint64)
    words[-2:] = 0
    data = words.view(np.uint8)
    data[: len(body)] = np.frombuffer(body, dtype=np.uint8)
    rows = _count_rows(data, len(body))
    if rows < 0:
        raise StoreError("the engine's answer ends within a chunk; ask again")
    heads = np.empty((rows, 7), dtype=np.int64)
    _list_rows(data, heads)
    return ChunkRows(words, heads)


@compiled
def _count_rows(data: NDArray[np.uint8], size: int) -> int:
    at = 0
    rows = 0
    while at < size:
        length, at = take_varint(data, at + HEAD_BYTES, size)
        if at < 0 or length > np.uint64(size - at):
            return -1
        at += int(np.int64(length))
        rows += 1
    return rows


@compiled
def _list_rows(data: NDArray[np.uint8], heads: NDArray[np.int64]) -> None:
    at = 0
    for row in range(len(heads)):
        heads[row, ID_AT] = at
        heads[row, START] = np.int64(_take_number(data, at + 8, 8))
        heads[row, STOP] = np.int64(_take_number(data, at + 16, 8))
        heads[row, COUNT] = np.int64(_take_number(data, at + 24, 4))
        heads[row, RECEIVED] = np.int64(_take_number(data, at + 28, 8))
        length, at = take_varint(data, at + HEAD_BYTES, len(data))
        heads[row, BEGIN] = at
        at += int(np.int64(length))
        heads[row, END] = at


@compiled
def chunk_ids(words: NDArray[np.uint64], heads: NDArray[np.int64], ids: NDArray[np.uint64]) -> None:
    """Fill the series id of each chunk, [C]."""
    data = words.view(np.uint8)
    for row in range(len(heads)):
        ids[row] = _take_number(data, heads[row, ID_AT], 8)


@compiled
def count_within(
    words: NDArray[np.uint64], heads: NDArray[np.int64], start_ms: int, end_ms: int, counts: NDArray[np.int64], first: int, last: int
) -> int:
    """
    Count the samples of chunks that lie in a range of time.

    Args:
        words: See `ChunkRows`.
        heads: See `ChunkRows`.
        start_ms: The first instant of the range.
        end_ms: The last instant of the range.
        counts: [C], filled.
        first: The first chunk to look at.
        last: Behind the last one.

    Returns:
        The first chunk that is not one; -1 when all are.
    """
    data = words.view(np.uint8)
    times = np.empty(CHUNK_SAMPLES_MAX, dtype=np.int64)
    for row in range(first, last):
        count = heads[row, COUNT]
        if count < 1 or count > CHUNK_SAMPLES_MAX:
            return row
        counts[row] = count
        if heads[row, START] < start_ms or heads[row, STOP] > end_ms:
            if decode_times(words, data, heads[row, BEGIN], heads[row, END], count, heads[row, START], times) < 0:
                return row
            within = 0
            for place in range(count):
                within += start_ms <= times[place] and times[place] <= end_ms
            counts[row] = within
    return -1


@compiled
def decode_rows(
    words: NDArray[np.uint64],
    heads: NDArray[np.int64],
    start_ms: int,
    end_ms: int,
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    first: int,
    last: int,
) -> int:
    """
    Decode the samples of chunks that lie in a range of time.

    Args:
        words: See `ChunkRows`.
        heads: See `ChunkRows`.
        start_ms: The first instant of the range.
        end_ms: The last instant of the range.
        counts: [C], of `count_within`.
        places: [C], where each chunk's samples go.
        times: [N], filled.
        values: [N], filled.
        first: The first chunk to decode.
        last: Behind the last one.

    Returns:
        The first chunk that is not one; -1 when all are.
    """
    data = words.view(np.uint8)
    all_times = np.empty(CHUNK_SAMPLES_MAX, dtype=np.int64)
    all_values = np.empty(CHUNK_SAMPLES_MAX, dtype=np.float64)
    for row in range(first, last):
        count = heads[row, COUNT]
        if counts[row] == 0:
            continue
        begin = heads[row, BEGIN]
        end = heads[row, END]
        to = places[row]
        if counts[row] == count:
            at = decode_times(words, data, begin, end, count, heads[row, START], times[to : to + count])
            if at < 0 or not decode_values(words, data, begin, at, end, count, values[to : to + count]):
                return row
            continue
        at = decode_times(words, data, begin, end, count, heads[row, START], all_times)
        if at < 0 or not decode_values(words, data, begin, at, end, count, all_values):
            return row
        for place in range(count):
            if start_ms <= all_times[place] and all_times[place] <= end_ms:
                times[to] = all_times[place]
                values[to] = all_values[place]
                to += 1
    return -1
