"""
The kernel that walks exposition text: where the series stand, which of them are known, what their values and times are.

    [blank] series [ '{' labels '}' ] blank value [ blank time ] LF          Prometheus text; blank is spaces and tabs
    series [ '{' labels '}' ] ' ' value [ ' ' time ] [ ' # ' exemplar ] LF   OpenMetrics; ends with '# EOF'

It finds the end of a series' text by quotes and braces alone. That text as it stands is known to the target's table or not: only an
unknown one is parsed, once, by `series_text`, so what is known is valid. Known lines of metadata are passed over in the same way.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.byte_scan import (
    blanks_end,
    is_eof,
    is_exemplar,
    is_metadata,
    is_name,
    labels_end,
    line_end,
    series_end,
    token_end,
)
from tocsin.wire.prometheus.hashing import hash_bytes
from tocsin.wire.prometheus.numerals import read_milliseconds, read_number

EXPLICIT, EXEMPLAR, SLOW_VALUE, SLOW_TIME, METADATA = 1, 2, 4, 8, 16
"""Flags of a row: the target gave the time; it has a new exemplar; its value, its time is not read yet; it is no sample but metadata."""
ROW = np.dtype(
    [
        ("key", np.uint64),  # hash of the series' text, or of the line of metadata
        ("start", np.int64),  # where that text begins
        ("end", np.int64),
        ("value_start", np.int64),
        ("value_end", np.int64),
        ("time_start", np.int64),
        ("time_end", np.int64),
        ("exemplar", np.int64),  # where its brace stands
        ("line_end", np.int64),
        ("exemplar_key", np.uint64),  # hash from the exemplar's brace to the end of the line
        ("timestamp_ms", np.int64),
        ("value", np.float64),
        ("flags", np.uint8),
    ]
)
SECONDS_MAX = 1e15

FLAWS = {
    1: "a metric name or '{' was expected at the start of the line",
    2: "the labels do not end: a quote or '}' is missing",
    3: "a value was expected after the series",
    4: "a time in whole milliseconds, or the end of the line, was expected after the value",
    5: "the end of the line was expected",
    6: "'# EOF' was expected as the last line: the answer seems cut off",
    7: "nothing may follow '# EOF'",
    8: "only '# HELP', '# TYPE', '# UNIT' and '# EOF' may follow '#' in OpenMetrics",
    9: "a blank line is not allowed in OpenMetrics",
    10: "the line does not end with a line feed",
    11: "the time does not fit into 64 bits",
    12: "a blank or '{' was expected after the metric name; a name with other characters stands in quotes: {\"a.b\"}",
}


@njit(cache=True, nogil=True)
def scan(body: NDArray[np.uint8], openmetrics: bool, seed: np.uint64, now_ms: int, rows: NDArray[np.void]) -> tuple[int, int, int]:
    """
    Every line into a row.

    Args:
        body: [B] the answer.
        openmetrics: Which grammar.
        seed: Of the hashes: what is valid in one grammar may not be in another.
        now_ms: The time of samples without one.
        rows: ROW, as many as there are line feeds, and one.

    Returns:
        How many rows; the flaw (0, or one of FLAWS); where it stands.
    """
    size = len(body)
    at = row = flaw = 0
    while at < size:
        byte = body[at]
        if byte == 35:
            if openmetrics and is_eof(body, at):
                at += 6 if at + 5 < size and body[at + 5] == 10 else 5
                return row, (0 if at == size else 7), at
            end = line_end(body, at)
            if is_metadata(body, at, openmetrics):
                record = rows[row]
                record["start"], record["end"], record["flags"], record["timestamp_ms"] = at, end, METADATA, now_ms
                record["key"] = hash_bytes(body, at, end, seed)
                row += 1
            elif openmetrics:
                return row, 8, at
            at = end + 1
        elif not openmetrics and byte in (10, 32, 9):
            at += 1
        elif byte == 10:
            return row, 9, at
        else:
            rows[row]["timestamp_ms"] = now_ms
            flaw, at = _scan_sample(body, at, openmetrics, seed, rows[row])
            if flaw:
                return row, flaw, at
            row += 1
    return row, (6 if openmetrics and size else 0), min(at, size)


@njit(cache=True, nogil=True)
def find_new_exemplars(body: NDArray[np.uint8], rows: NDArray[np.void], numbers: NDArray[np.int32], entries: NDArray[np.void]) -> None:
    """Hash the rows' exemplars; clear EXEMPLAR where the exemplar is the one that its series had last."""
    for row in range(len(rows)):
        record = rows[row]
        if record["flags"] & EXEMPLAR:
            record["exemplar_key"] = hash_bytes(body, record["exemplar"], record["line_end"], np.uint64(0))
            if numbers[row] >= 0 and entries[numbers[row]]["exemplar"] == record["exemplar_key"]:
                record["flags"] &= 255 - EXEMPLAR


@njit(cache=True, nogil=True)
def _scan_sample(body: NDArray[np.uint8], start: int, openmetrics: bool, seed: np.uint64, record: np.void) -> tuple[int, int]:
    """A line with a sample into its record: the flaw (0 for none), and where the next line begins or the flaw stands."""
    at = series_end(body, start, openmetrics)
    if at < 0:
        return -at, start
    record["start"], record["end"], record["key"] = start, at, hash_bytes(body, start, at, seed)
    record["time_start"] = record["time_end"] = record["flags"] = 0
    if openmetrics:
        if at >= len(body) or body[at] != 32:
            return 3, at
        at += 1
    else:
        # `cpu.5 1` would be a metric cpu with a value of 0.5.
        if is_name(body[at - 1]) and at < len(body) and body[at] not in (32, 9, 10):
            return 12, at
        at = blanks_end(body, at)
    end = token_end(body, at, openmetrics)
    if end == at:
        return 3, at
    record["value_start"], record["value_end"] = at, end
    number, read = read_number(body, at, end)
    record["value"] = number
    if not read:
        record["flags"] |= SLOW_VALUE
    return _scan_openmetrics_rest(body, end, record) if openmetrics else _scan_text_rest(body, end, record)


@njit(cache=True, nogil=True)
def _scan_text_rest(body: NDArray[np.uint8], at: int, record: np.void) -> tuple[int, int]:
    """What follows a value in Prometheus text; returns as `_scan_sample` does."""
    size = len(body)
    at = blanks_end(body, at)
    if at < size and body[at] != 10:
        end = at
        while end < size and 48 <= body[end] <= 57:
            end += 1
        time = read_milliseconds(body, at, end)
        if time < 0:
            return (11 if time == -2 else 4), at
        record["time_start"], record["time_end"], record["timestamp_ms"] = at, end, time
        record["flags"] |= EXPLICIT
        at = blanks_end(body, end)
        if at < size and body[at] != 10:
            return 5, at
    record["line_end"] = at
    return 0, at + 1


@njit(cache=True, nogil=True)
def _scan_openmetrics_rest(body: NDArray[np.uint8], at: int, record: np.void) -> tuple[int, int]:
    """What follows a value in OpenMetrics; returns as `_scan_sample` does."""
    size = len(body)
    if at < size and body[at] == 32 and not is_exemplar(body, at):
        end = token_end(body, at + 1, True)
        record["time_start"], record["time_end"] = at + 1, end
        record["flags"] |= EXPLICIT
        seconds, read = read_number(body, at + 1, end)
        # What no instant can be is left to the slow way, which says why.
        if read and abs(seconds) < SECONDS_MAX:
            record["timestamp_ms"] = int(seconds * 1000.0)
        else:
            record["flags"] |= SLOW_TIME
        at = end
    if is_exemplar(body, at):
        record["exemplar"] = at + 3
        record["flags"] |= EXEMPLAR
        closed = labels_end(body, at + 3)
        if closed < 0:
            return 2, at + 3
        at = line_end(body, closed)
    if at >= size:
        return 10, at
    if body[at] != 10:
        return 5, at
    record["line_end"] = at
    return 0, at + 1
