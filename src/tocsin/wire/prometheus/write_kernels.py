"""
Kernels that walk the time series of a remote write request: a hash of the labels of each, its samples into flat arrays.

    1.0  TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3;
                      repeated Histogram histograms = 4; }
    2.0  TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3;
                      repeated Exemplar exemplars = 4; Metadata metadata = 5; int64 created_timestamp = 6; }
    both Sample     { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }

A sample whose time is out of bounds is counted and left out. Start times are not kept. Histograms and exemplars are few: only where they
stand is noted. Whatever the bytes are, nothing is read or written out of bounds.

Source: Prometheus Remote-Write 1.0 and 2.0 specifications.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.hashing import finish, hash_bytes, mix, word_at
from tocsin.wire.prometheus.protobuf_wire import LENGTH, VARINT, read_length, read_tag, read_varint, skip_value
from tocsin.wire.prometheus.series_rows import NO_DAY

DAY_MS = 86_400_000
HISTOGRAM = 0  # kinds of items
EXEMPLAR = 1
TOO_EARLY = 0  # columns of the tally of samples that are left out
TOO_LATE = 1
SAMPLES_TAG = 0x12
DAMAGED = -1
TOO_MANY_SAMPLES = -2
TOO_MANY_ITEMS = -3
NO_HASH = np.uint64(0)  # of a series whose references can't be
_V2_SEED = np.uint64(0xA24BAED4963EE407)


@njit(cache=True, nogil=True)
def hash_symbols(data: NDArray[np.uint8], spans: NDArray[np.int64], seed: np.uint64) -> NDArray[np.uint64]:
    """The hash of every symbol of a 2.0 request, once: series refer to them by number, and the numbers differ from request to request."""
    hashes = np.empty(len(spans), np.uint64)
    for index in range(len(spans)):
        hashes[index] = hash_bytes(data, spans[index, 0], spans[index, 1], seed)
    return hashes


@njit(cache=True, nogil=True)
def read_sample(data: NDArray[np.uint8], position: int, end: int) -> tuple[np.uint64, np.int64, int]:
    """The bits of the value, the time in milliseconds, and `end`; -1 in its place if it is damaged."""
    bits = np.uint64(0)
    time = np.uint64(0)
    while position < end:
        tag = data[np.uint64(position)]
        if tag == 0x09:
            if end - position < 9:
                return bits, np.int64(0), -1
            bits = word_at(data, position + 1)
            position += 9
        elif tag == 0x10:
            time, position = read_varint(data, position + 1, end)
        else:
            number, wire_type, position = read_tag(data, position, end)
            # 0x09 and 0x10 came above: these numbers with another type are damage.
            if position < 0 or number <= 2:
                return bits, np.int64(0), -1
            position = skip_value(data, position, end, wire_type)
        if position < 0:
            return bits, np.int64(0), -1
    return bits, np.int64(time), position


@njit(cache=True, nogil=True)
def read_references(
    data: NDArray[np.uint8], position: int, end: int, wire_type: int, symbols: NDArray[np.uint64], state: np.uint64
) -> tuple[np.uint64, int, int]:
    """
    Label references, packed or one alone, into the hash of a series.

    Returns:
        The state of the hash, how many references there were (-1: one points at no symbol), and the position behind; -1 if damaged.
    """
    stop = end
    if wire_type == LENGTH:
        position, stop = read_length(data, position, end)
        if position < 0:
            return state, 0, -1
    elif wire_type != VARINT:
        return state, 0, -1
    count = 0
    while position < stop:
        reference, position = read_varint(data, position, stop)
        if position < 0:
            return state, 0, -1
        if reference >= np.uint64(len(symbols)):
            return state, -1, stop if wire_type == LENGTH else position
        state = mix(state, symbols[np.int64(reference)])
        count += 1
        if wire_type == VARINT:
            break
    return state, count, position


class WriteRequest(NamedTuple):
    """
    What kernels read.

    Args:
        data: [N] uint8, the inflated request.
        spans: [S, 2] where each time series stands.
        version: 1 or 2.
        symbols: [Y] hashes of the symbols; empty for 1.0.
        seed: Of the hashes.
        earliest: The first time that is taken, milliseconds since 1970-01-01 UTC.
        latest: The last one.
    """

    data: NDArray[np.uint8]
    spans: NDArray[np.int64]
    version: int
    symbols: NDArray[np.uint64]
    seed: np.uint64
    earliest: int
    latest: int


class WalkedSeries(NamedTuple):
    """
    What kernels find.

    Args:
        hashes: [S] of the labels; NO_HASH where a reference points at no symbol, or one is missing.
        labels: [S] labels, however many; whoever parses them looks here first.
        counts: [S] samples that are taken.
        days: [2, S] day of the earliest and of the latest of them; NO_DAY where there is none.
        times: [T] milliseconds since 1970-01-01 UTC: those of the first series, of the second, ...
        values: [T] bits of float64.
        items: [I, 4] series, kind, first byte, byte behind.
        left_out: [S, 2] samples TOO_EARLY and TOO_LATE.
        examples: [2] a time of each of these kinds.
        used: [3] how many of `times` and of `items` are used, and the position of the field that was looked at last.
    """

    hashes: NDArray[np.uint64]
    labels: NDArray[np.int64]
    counts: NDArray[np.int64]
    days: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.uint64]
    items: NDArray[np.int64]
    left_out: NDArray[np.int64]
    examples: NDArray[np.int64]
    used: NDArray[np.int64]


def room_for(request: WriteRequest, *, samples_max: int, items_max: int) -> WalkedSeries:
    """
    Arrays for what a request may hold, at most `samples_max` samples, and `items_max` histograms and exemplars.

    A sample takes two bytes at least. Memory that is not written to costs nothing, so room for the worst case is cheaper than counting.
    """
    series = len(request.spans)
    samples = min(samples_max, len(request.data) // 2)
    return WalkedSeries(
        hashes=np.empty(series, np.uint64),
        labels=np.zeros(series, np.int64),
        counts=np.zeros(series, np.int64),
        days=np.full((2, series), NO_DAY, np.int32),
        times=np.empty(samples, np.int64),
        values=np.empty(samples, np.uint64),
        items=np.empty((min(items_max, len(request.data) // 2), 4), np.int64),
        left_out=np.zeros((series, 2), np.int64),
        examples=np.zeros(2, np.int64),
        used=np.zeros(3, np.int64),
    )


@njit(cache=True, nogil=True)
def walk_series(request: WriteRequest, found: WalkedSeries) -> int:
    """
    Walk all time series of a request.

    Returns:
        0; DAMAGED, and `used[2]` says where; TOO_MANY_SAMPLES or TOO_MANY_ITEMS: more than there is room for.
    """
    for index in range(len(request.spans)):
        before = found.used[0]
        outcome = _walk_one(request, found, index)
        if outcome < 0:
            return int(outcome)
        after = found.used[0]
        found.counts[index] = after - before
        if after > before:
            earliest = latest = found.times[before]
            for place in range(before + 1, after):
                earliest = min(earliest, found.times[place])
                latest = max(latest, found.times[place])
            found.days[0, index] = np.int32(earliest // DAY_MS)
            found.days[1, index] = np.int32(latest // DAY_MS)
    return 0


@njit(cache=True, nogil=True, inline="always")
def _walk_one(request: WriteRequest, found: WalkedSeries, index: int) -> int:
    """One time series; inlined, because a call would count references to a dozen arrays."""
    data = request.data
    position, end = request.spans[index, 0], request.spans[index, 1]
    run = end_of_run = position  # labels stand together as a rule: one hash over all of them
    state = request.seed if request.version == 1 else np.uint64(request.seed ^ _V2_SEED)
    references = labels = 0
    while position >= 0 and position < end:
        found.used[2] = position
        number, wire_type, behind = read_tag(data, position, end)
        if behind < 0:
            position = DAMAGED
        elif number == 2:  # nobody writes the tag of a small field in more than one byte
            position = _take_samples(request, found, index, position, end) if data[np.uint64(position)] == SAMPLES_TAG else DAMAGED
        elif number == 1 and request.version == 2:
            state, count, position = read_references(data, behind, end, wire_type, request.symbols, state)
            references = -1 if count < 0 or references < 0 else references + count
        elif number in (1, 3, 4) and wire_type != LENGTH:
            position = DAMAGED
        elif number == 1:
            if position != end_of_run:
                state = mix(state, hash_bytes(data, run, end_of_run, state))
                run = position
            position = end_of_run = read_length(data, behind, end)[1]
            labels += 1
        elif number in (3, 4):
            position = _take_item(request, found, index, number, behind, end)
        else:
            position = skip_value(data, behind, end, wire_type)
    if position >= 0:
        state = finish(mix(state, hash_bytes(data, run, end_of_run, state)))
        found.hashes[index] = NO_HASH if references < 0 or references % 2 == 1 else state
        found.labels[index] = labels + references // 2
    return int(position)


@njit(cache=True, nogil=True)
def _take_item(request: WriteRequest, found: WalkedSeries, index: int, number: int, position: int, end: int) -> int:
    """A histogram or an exemplar, whose length stands at `position`; the position behind it, or what is wrong."""
    start, behind = read_length(request.data, position, end)
    place = found.used[1]
    if behind < 0:
        return DAMAGED
    if place == len(found.items):
        return TOO_MANY_ITEMS
    found.items[place, 0] = index
    found.items[place, 1] = HISTOGRAM if (number == 4) == (request.version == 1) else EXEMPLAR
    found.items[place, 2] = start
    found.items[place, 3] = behind
    found.used[1] = place + 1
    return behind


@njit(cache=True, nogil=True, inline="always")
def _take_samples(request: WriteRequest, found: WalkedSeries, index: int, position: int, end: int) -> int:
    """The samples that stand together from `position` on; the position behind them, or what is wrong."""
    data, times, values = request.data, found.times, found.values
    place = found.used[0]
    while position >= 0 and position < end and data[np.uint64(position)] == SAMPLES_TAG:
        found.used[2] = position
        start, behind = read_length(data, position + 1, end)
        bits, time, position = read_sample(data, start, behind)
        if position < 0 or start < 0:
            position = DAMAGED
        elif time < request.earliest or time > request.latest:
            side = TOO_EARLY if time < request.earliest else TOO_LATE
            found.left_out[index, side] += 1
            found.examples[side] = time
        elif place == len(times):
            position = TOO_MANY_SAMPLES
        else:
            times[place] = time
            values[place] = bits
            place += 1
    found.used[0] = place
    return position


def view_bytes(data: Any) -> NDArray[np.uint8]:
    """Any buffer as the array that kernels take; read-only and writable ones are one type to them, so nothing is compiled twice."""
    array = np.frombuffer(data, np.uint8)
    array.flags.writeable = False
    return array
