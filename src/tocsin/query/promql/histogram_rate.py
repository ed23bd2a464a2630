"""
Rates of native histograms over a range: `rate`, `increase`, `delta`, `irate`, `idelta`.

Source: Prometheus documentation, 'Query functions'; native histogram specification, 'Functions'.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import add, divide, scale, subtract
from tocsin.query.promql.histogram_layout import stripped
from tocsin.query.promql.histogram_notes import Note, Operation, Remark, Remarks
from tocsin.query.promql.histogram_resets import detect_reset, reset_flags

_MS_PER_S = 1000.0
# Samples count as missing at an end of the range when the gap there is longer than the average one by this factor.
_GAP_FACTOR = 1.1


def histogram_rate(
    points: Sequence[NativeHistogram],
    timestamps_ms: NDArray[np.int64],
    range_start_ms: int,
    range_end_ms: int,
    *,
    is_counter: bool,
    is_rate: bool,
    trust_hints: bool = True,
    resets: Sequence[bool] | None = None,
) -> tuple[NativeHistogram | None, Remarks]:
    """
    `rate` (counter, rate), `increase` (counter) or `delta` (neither) of the histograms in a range; a gauge. None for fewer than two.

    A range that also holds floats never comes here: the evaluator drops it and says MIXED_FLOATS.

    Args:
        points: [P], in order of time.
        timestamps_ms: [P] their instants.
        range_start_ms: Open start of the range.
        range_end_ms: Closed end of the range.
        is_counter: Whether falls are resets.
        is_rate: Whether to divide by the length of the range in seconds.
        trust_hints: False for a range that a subquery made.
        resets: [P] of `reset_flags`, the first of no meaning, if they are known; otherwise they are looked for here.
    """
    if len(points) < 2:
        return None, ()
    remarks = _flavour(points, is_counter=is_counter)
    if not is_counter:
        resets = [False] * len(points)
    elif resets is None:
        resets = reset_flags(points, trust_hints=trust_hints)
    difference, found = _difference(points, resets)
    remarks = tuple(dict.fromkeys((*remarks, *found)))
    if difference is None:
        return None, remarks
    factor = _extrapolation(points[0], difference, timestamps_ms, (range_start_ms, range_end_ms), is_counter=is_counter)
    if is_rate:
        factor /= (range_end_ms - range_start_ms) / _MS_PER_S
    return _gauge(scale(difference, factor)), remarks


def instant_rate(
    previous: NativeHistogram, last: NativeHistogram, previous_ms: int, last_ms: int, *, is_rate: bool, trust_hints: bool = True
) -> tuple[NativeHistogram | None, Remarks]:
    """
    `irate` (is_rate) or `idelta` of the last two histograms of a range; a gauge.

    Args:
        previous: The last but one.
        last: The last.
        previous_ms: Instant of `previous`.
        last_ms: Instant of `last`.
        is_rate: `irate`: a reset counts from zero, the result is per second.
        trust_hints: False for a range that a subquery made.
    """
    if last_ms == previous_ms:
        return None, ()
    remarks = _flavour((previous, last), is_counter=is_rate)
    reset = is_rate and detect_reset(previous, last, trust_hint=trust_hints)
    difference, found = _difference((previous, last), (False, reset))
    remarks = (*remarks, *found)
    if difference is None:
        return None, remarks
    if is_rate:
        difference = divide(difference, (last_ms - previous_ms) / _MS_PER_S)
    return _gauge(difference), remarks


def _flavour(points: Sequence[NativeHistogram], *, is_counter: bool) -> Remarks:
    """What there is to say about gauges given to a function for counters, or the other way round."""
    gauges = [point.reset is ResetHint.GAUGE for point in points]
    if is_counter:
        return (Remark(Note.NOT_COUNTER),) if any(gauges) else ()
    return () if gauges[0] and gauges[-1] else (Remark(Note.NOT_GAUGE),)


def _difference(points: Sequence[NativeHistogram], resets: Sequence[bool]) -> tuple[NativeHistogram | None, Remarks]:
    """Last minus first, plus what was counted before each reset. The first is left out, and may be of any layout, if a reset follows it."""
    total: NativeHistogram | None = _gauge(points[-1])
    remarks: list[Remark] = []
    if not resets[1]:
        assert total is not None
        total, found = subtract(total, _gauge(points[0]), Operation.SUBTRACTION)
        remarks += found
    for before, reset in zip(points[1:-1], resets[2:], strict=True):
        if total is None or (total.schema == CUSTOM_BUCKETS_SCHEMA) != (before.schema == CUSTOM_BUCKETS_SCHEMA):
            return None, (Remark(Note.MIXED_SCHEMAS),)
        if reset:
            total, found = add(total, _gauge(before), Operation.ADDITION)
            remarks += found
    return total, tuple(remarks)


def _extrapolation(
    first: NativeHistogram, difference: NativeHistogram, timestamps_ms: NDArray[np.int64], window_ms: tuple[int, int], *, is_counter: bool
) -> float:
    """
    The factor from what was seen between the first and the last sample to what the whole range would have shown.

    Up to the ends of the range if samples lie near them, half a gap further otherwise; a counter not back beyond where its count was zero.
    """
    sampled = float(timestamps_ms[-1] - timestamps_ms[0])
    gap = sampled / (len(timestamps_ms) - 1)
    to_start, to_end = float(timestamps_ms[0] - window_ms[0]), float(window_ms[1] - timestamps_ms[-1])
    if to_start >= gap * _GAP_FACTOR:
        to_start = gap / 2
    if is_counter and difference.count > 0 and first.count >= 0:
        to_start = min(to_start, sampled * (first.count / difference.count))
    if to_end >= gap * _GAP_FACTOR:
        to_end = gap / 2
    return (sampled + to_start + to_end) / sampled


def _gauge(h: NativeHistogram) -> NativeHistogram:
    return NativeHistogram(
        h.schema,
        h.count,
        h.sum,
        h.zero_threshold,
        h.zero_count,
        stripped(h.positive),
        stripped(h.negative),
        h.custom_values,
        ResetHint.GAUGE,
    )
