"""
Native histograms as the table `histograms` keeps them, read for PromQL.

    row   series id (8) | time (8) | scale (4) | count, sum, zero threshold, zero count (8 each) | offset of the positive, of the negative
          buckets (4 each) | reset hint (1) | counts of both | bounds of custom buckets            an array: varint length, numbers (8 each)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import StoreError
from tocsin.model.native_histogram import NO_BUCKETS, SCHEMA_MAX, Buckets, NativeHistogram, ResetHint
from tocsin.model.series import HistogramPoints
from tocsin.query.promql.histogram_arithmetic import add
from tocsin.store.read_metrics import DAY_MS

HEAD = struct.Struct("<QqiddddiiB")


def histograms_of(
    body: memoryview, ids: NDArray[np.uint64], slots: NDArray[np.int64], delta: NDArray[np.bool_], start_ms: int
) -> dict[int, HistogramPoints]:
    """
    Histograms by series.

    Args:
        body: Rows in the format RowBinary by series and time, of equal times the last received last.
        ids: [I], ascending: the series wanted.
        slots: [I]: the series of the batch that each id belongs to.
        delta: [S]: series of increments, to be added up from each midnight on.
        start_ms: What lies before it is only there to be added up.

    Raises:
        StoreError: The rows are cut.
    """
    found: dict[int, dict[int, NativeHistogram]] = {}
    slot_of = dict(zip(ids.tolist(), slots.tolist(), strict=True))
    for number, at, histogram in _rows(body):
        if number in slot_of:
            found.setdefault(slot_of[number], {})[at] = histogram
    points = {slot: _points(by_time, start_ms, summed=bool(delta[slot])) for slot, by_time in found.items()}
    return {slot: one for slot, one in points.items() if len(one.timestamps_ms)}


def _points(by_time: dict[int, NativeHistogram], start_ms: int, *, summed: bool) -> HistogramPoints:
    pairs = sorted(by_time.items())
    if summed:
        pairs = [pair for pair in _summed(pairs) if pair[0] >= start_ms]
    return HistogramPoints(np.array([at for at, _ in pairs], dtype=np.int64), [histogram for _, histogram in pairs])


def _summed(pairs: list[tuple[int, NativeHistogram]]) -> Iterator[tuple[int, NativeHistogram]]:
    """Increments added up from each UTC midnight on; the first of a day says that it is a new beginning."""
    total: NativeHistogram | None = None
    day = -1
    for at, increment in pairs:
        if np.isnan(increment.count):
            yield at, increment
            continue
        sum_of_both = add(total, increment)[0] if total is not None and at // DAY_MS == day else None
        fresh = sum_of_both is None  # also where custom bounds changed to exponential buckets
        total = replace(sum_of_both or increment, reset=ResetHint.RESET if fresh else ResetHint.UNKNOWN)
        day = at // DAY_MS
        yield at, total


def _rows(body: memoryview) -> Iterator[tuple[int, int, NativeHistogram]]:
    at = 0
    try:
        while at < len(body):
            number, time, scale, count, total, threshold, zeros, positive_offset, negative_offset, hint = HEAD.unpack_from(body, at)
            positive, at = _numbers(body, at + HEAD.size)
            negative, at = _numbers(body, at)
            bounds, at = _numbers(body, at)
            histogram = NativeHistogram(
                schema=min(scale, SCHEMA_MAX),
                count=count,
                sum=total,
                zero_threshold=threshold,
                zero_count=zeros,
                positive=_buckets(positive_offset, positive, scale),
                negative=_buckets(negative_offset, negative, scale),
                custom_values=tuple(bounds.tolist()),
                reset=ResetHint(hint),
            )
            yield number, time, histogram
    except (struct.error, IndexError, ValueError) as error:
        raise StoreError(f"the engine's answer ends within a histogram or holds what is none: {error}; ask again") from error


def _numbers(body: memoryview, at: int) -> tuple[NDArray[np.float64], int]:
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return np.frombuffer(body, dtype=np.float64, count=length, offset=at).copy() if length else np.zeros(0), at + 8 * length


def _buckets(offset: int, counts: NDArray[np.float64], scale: int) -> Buckets:
    """One side's buckets, of a scale that Prometheus knows: each step down puts two buckets, (2i-1, 2i), into one."""
    if not len(counts):
        return NO_BUCKETS
    if scale <= SCHEMA_MAX:
        return Buckets(offset, counts)
    indexes = ((offset + np.arange(len(counts), dtype=np.int64) - 1) >> (scale - SCHEMA_MAX)) + 1
    merged = np.zeros(int(indexes[-1] - indexes[0]) + 1)
    np.add.at(merged, indexes - indexes[0], counts)
    return Buckets(int(indexes[0]), merged)
