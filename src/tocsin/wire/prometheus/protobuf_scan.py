"""
The kernel that walks Prometheus' protobuf exposition: a row per sample, found again by a hash of its family's name and its labels' bytes.

    varint length, MetricFamily { name = 1, help = 2, type = 3, metric = 4 { label = 1, gauge = 2, counter = 3, summary = 4, untyped = 5,
                                  timestamp_ms = 6, histogram = 7 }, unit = 5 }, varint length, MetricFamily ...

A classic histogram or a summary gives a row per bucket or quantile, one for its sum and one for its count; a native histogram gives one
row, and is parsed in Python. A tag is a field's number and its wire type, as it stands on the wire: `number << 3 | type`.

Source: Prometheus, client_model `metrics.proto`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.hashing import finish, hash_bytes, mix, word_at
from tocsin.wire.prometheus.protobuf_wire import FIXED64, LENGTH, VARINT, read_length, read_tag, read_varint, skip_value

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)
VALUE, COUNT, SUM, BUCKET, QUANTILE, NATIVE = range(6)
"""Kinds of rows."""
EXPLICIT, EXEMPLAR, WHOLE = 1, 2, 4
"""Flags of a row: the target gave the time; it has an exemplar; its value is a whole number, not the bits of a double."""

ROW = np.dtype(
    [
        ("key", np.uint64),
        ("bits", np.uint64),  # the value: a whole number, or a double's bits
        ("bound", np.uint64),  # the bits of a bucket's or a quantile's bound
        ("family_start", np.int64),
        ("family_end", np.int64),
        ("start", np.int64),  # the metric
        ("end", np.int64),
        ("histogram_start", np.int64),
        ("histogram_end", np.int64),
        ("exemplar", np.int64),
        ("exemplar_end", np.int64),
        ("timestamp_ms", np.int64),
        ("kind", np.uint8),
        ("type", np.uint8),  # of the family
        ("flags", np.uint8),
    ]
)

FLAWS = {1: "the message is cut off or damaged", 2: "a metric has no value of its family's type", 3: "the family has no type that is known"}
FULL = -1

_VALUE_TAGS = np.array([3 << 3 | LENGTH, 2 << 3 | LENGTH, 4 << 3 | LENGTH, 5 << 3 | LENGTH, 7 << 3 | LENGTH, 7 << 3 | LENGTH])
"""The field of a metric that holds the value, by the family's type."""
_INFINITY = np.uint64(0x7FF0000000000000)
_SIGN = np.uint64(0x7FFFFFFFFFFFFFFF)
_NONE = np.uint64(0)
_MESSAGE_1, _MESSAGE_2, _MESSAGE_3, _MESSAGE_4 = (number << 3 | LENGTH for number in (1, 2, 3, 4))
_VARINT_1, _VARINT_3, _VARINT_6, _VARINT_7 = (number << 3 | VARINT for number in (1, 3, 6, 7))
_DOUBLE_1, _DOUBLE_2, _DOUBLE_4, _DOUBLE_6, _DOUBLE_8 = (number << 3 | FIXED64 for number in (1, 2, 4, 6, 8))
_NEGATIVE_SPAN, _POSITIVE_SPAN = 9 << 3 | LENGTH, 12 << 3 | LENGTH


@njit(cache=True, nogil=True)
def next_field(body: NDArray[np.uint8], at: int, end: int) -> tuple[int, int, int, np.uint64]:
    """The field at `at`: its tag; where its content begins and ends (-1 for damage); a number's value, a double's bits."""
    number, wire, at = read_tag(body, at, end)
    if at < 0:
        return 0, 0, -1, _NONE
    tag = number << 3 | wire
    if wire == VARINT:
        value, stop = read_varint(body, at, end)
        return tag, at, stop, value
    if wire == FIXED64:
        if end - at < 8:
            return tag, at, -1, _NONE
        return tag, at, at + 8, word_at(body, at)
    if wire == LENGTH:
        start, stop = read_length(body, at, end)
        return tag, start, stop, _NONE
    return tag, at, skip_value(body, at, end, wire), _NONE


@njit(cache=True, nogil=True)
def scan(
    body: NDArray[np.uint8], seed: np.uint64, now_ms: int, native: bool, classic_too: bool, rows: NDArray[np.void]
) -> tuple[int, int, int]:
    """
    Every sample into a row.

    Args:
        body: [B] the answer.
        seed: Of the hashes.
        now_ms: The time of samples without one.
        native: Take native histograms.
        classic_too: Take the classic buckets of native ones too.
        rows: ROW, to be written.

    Returns:
        How many rows; the flaw (0, one of FLAWS, or FULL when `rows` are too few); where it stands.
    """
    at = row = 0
    while at < len(body):
        start, end = read_length(body, at, len(body))
        if start < 0:
            return row, 1, at
        row, flaw, at = _scan_family(body, start, end, seed, now_ms, native, classic_too, rows, row)
        if flaw != 0:
            return row, flaw, at
        at = end
    return row, 0, at


@njit(cache=True, nogil=True)
def _scan_family(body, first, end, seed, now_ms, native, classic_too, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One family; returns as `scan` does."""
    state = seed
    kind = -1
    at = first
    while at < end:
        tag, start, stop, value = next_field(body, at, end)
        if stop < 0:
            return row, 1, at
        if tag == _MESSAGE_1:
            state = hash_bytes(body, start, stop, seed)
        elif tag == _VARINT_3:
            kind = np.int64(min(value, np.uint64(99)))  # type: ignore[assignment]  # numba would make a float of signed and unsigned
        at = stop
    if kind == -1:
        kind = COUNTER  # the first of the enumeration, as for any field that is not sent
    if kind < 0 or kind > GAUGE_HISTOGRAM:
        return row, 3, first
    at = first
    while at < end:
        tag, start, stop, _ = next_field(body, at, end)
        if tag == _MESSAGE_4:
            before = row
            row, flaw, place = _scan_metric(body, start, stop, mix(state, np.uint64(kind)), kind, now_ms, native, classic_too, rows, row)
            if flaw != 0:
                return row, flaw, place
            for index in range(before, row):
                record = rows[index]
                record["family_start"], record["family_end"], record["start"], record["end"] = first, end, start, stop
                record["type"] = kind
        at = stop
    return row, 0, end


@njit(cache=True, nogil=True)
def _scan_metric(body, first, end, state, kind, now_ms, native, classic_too, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One metric: its labels into the hash, then what it holds; returns as `scan` does."""
    at = first
    held_start = held_end = -1
    time = np.int64(0)
    while at < end:
        tag, start, stop, value = next_field(body, at, end)
        if stop < 0:
            return row, 1, at
        if tag == _MESSAGE_1:
            state = mix(state, hash_bytes(body, start, stop, _NONE))
        elif tag == _VALUE_TAGS[kind]:
            held_start, held_end = start, stop
        elif tag == _VARINT_6:
            time = np.int64(value)
        at = stop
    if held_start < 0:
        return row, 2, first
    before = row
    if kind in (SUMMARY, HISTOGRAM, GAUGE_HISTOGRAM):
        row, flaw, at = _scan_distribution(body, held_start, held_end, state, kind, native, classic_too, rows, row)
    else:
        row, flaw, at = _scan_value(body, held_start, held_end, state, rows, row)
    for index in range(before, row):
        rows[index]["timestamp_ms"] = time if time != 0 else now_ms
        if time != 0:
            rows[index]["flags"] |= EXPLICIT
    return row, flaw, at


@njit(cache=True, nogil=True)
def _put(rows, row, state, kind, bits, whole, bound):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A sample into a row."""
    record = rows[row]
    record["key"] = finish(mix(mix(state, np.uint64(kind)), bound))
    record["kind"], record["bits"], record["bound"] = kind, bits, bound
    record["flags"] = WHOLE if whole else 0


@njit(cache=True, nogil=True)
def _scan_value(body, first, end, state, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A counter, a gauge or an untyped value: `value = 1`, a counter's `exemplar = 2`; returns as `scan` does."""
    if row >= len(rows):
        return row, FULL, first
    at = first
    bits = _NONE
    exemplar = exemplar_end = -1
    while at < end:
        tag, start, stop, value = next_field(body, at, end)
        if stop < 0:
            return row, 1, at
        if tag == _DOUBLE_1:
            bits = value
        elif tag == _MESSAGE_2:
            exemplar, exemplar_end = start, stop
        at = stop
    _put(rows, row, state, VALUE, bits, False, _NONE)
    _attach(rows, row, exemplar, exemplar_end)
    return row + 1, 0, end


@njit(cache=True, nogil=True)
def _attach(rows, row, exemplar, exemplar_end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """An exemplar to a row, if there is one."""
    if exemplar >= 0:
        rows[row]["exemplar"], rows[row]["exemplar_end"] = exemplar, exemplar_end
        rows[row]["flags"] |= EXEMPLAR


@njit(cache=True, nogil=True)
def _scan_distribution(body, first, end, state, kind, native, classic_too, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A summary or a histogram; returns as `scan` does."""
    at = first
    is_native = False
    count = total = float_count = _NONE
    while at < end:
        tag, _, stop, value = next_field(body, at, end)
        if stop < 0:
            return row, 1, at
        if tag == _VARINT_1:
            count = value
        elif tag == _DOUBLE_2:
            total = value
        elif kind != SUMMARY:
            if tag == _DOUBLE_4:
                float_count = value
            elif tag in (_NEGATIVE_SPAN, _POSITIVE_SPAN):
                is_native = True
            elif tag in (_DOUBLE_6, _VARINT_7, _DOUBLE_8):
                is_native |= value & _SIGN != _NONE
        at = stop
    if row + 3 >= len(rows):
        return row, FULL, first
    if is_native and native:
        _put(rows, row, state, NATIVE, _NONE, True, _NONE)
        rows[row]["histogram_start"], rows[row]["histogram_end"] = first, end
        row += 1
        if not classic_too:
            return row, 0, end
    whole = float_count & _SIGN == _NONE
    _put(rows, row, state, COUNT, count if whole else float_count, whole, _NONE)
    _put(rows, row + 1, state, SUM, total, False, _NONE)
    return _scan_parts(body, first, end, state, kind, rows, row + 2)


@njit(cache=True, nogil=True)
def _scan_parts(body, first, end, state, kind, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The quantiles or the buckets, of which the last one, up to infinity, may be left out; returns as `scan` does."""
    at = first
    count = rows[row - 2]["bits"]
    whole_count = rows[row - 2]["flags"] & WHOLE != 0
    endless = kind == SUMMARY
    while at < end:
        tag, start, stop, _ = next_field(body, at, end)
        if tag == _MESSAGE_3:
            if row + 1 >= len(rows):
                return row, FULL, first
            flaw, place = _scan_part(body, start, stop, state, BUCKET if kind != SUMMARY else QUANTILE, rows, row)
            if flaw != 0:
                return row, flaw, place
            endless |= rows[row]["bound"] == _INFINITY
            row += 1
        at = stop
    if not endless:
        _put(rows, row, state, BUCKET, count, whole_count, _INFINITY)
        row += 1
    return row, 0, end


@njit(cache=True, nogil=True)
def _scan_part(body, first, end, state, kind, rows, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """
    One quantile `{quantile = 1, value = 2}` or bucket `{cumulative_count = 1, upper_bound = 2, exemplar = 3, cumulative_count_float = 4}`.

    Returns:
        The flaw (0 for none), and where it stands.
    """
    at = first
    whole = one = two = float_count = _NONE
    exemplar = exemplar_end = -1
    while at < end:
        tag, start, stop, value = next_field(body, at, end)
        if stop < 0:
            return 1, at
        if tag == _VARINT_1:
            whole = value
        elif tag == _DOUBLE_1:
            one = value
        elif tag == _DOUBLE_2:
            two = value
        elif tag == _DOUBLE_4:
            float_count = value
        elif tag == _MESSAGE_3:
            exemplar, exemplar_end = start, stop
        at = stop
    if kind == QUANTILE:
        _put(rows, row, state, kind, two, False, one)
        return 0, end
    is_whole = float_count & _SIGN == _NONE
    _put(rows, row, state, kind, whole if is_whole else float_count, is_whole, two)
    _attach(rows, row, exemplar, exemplar_end)
    return 0, end
