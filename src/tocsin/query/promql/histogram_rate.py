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
    began_ms: int | None = None,
) -> tuple[NativeHistogram | None, Remarks]:
    """
    `rate` (counter, rate), `increase` (counter) or `delta` (neither) of the histograms in a range; a gauge. None for fewer than two, unless
    it is known when the only one began to count.

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
        began_ms: When the first one began to count from zero, if that lies inside of the range and before it; only for counters.
    """
    if len(points) < (1 if began_ms is not None else 2):
        return None, ()
    remarks = flavour(points, is_counter=is_counter)
    if not is_counter:
        resets = [False] * len(points)
    elif resets is None:
        resets = reset_flags(points, trust_hints=trust_hints)
    difference, found = counted(points, resets, from_zero=began_ms is not None)
    remarks = tuple(dict.fromkeys((*remarks, *found)))
    if difference is None:
        return None, remarks
    if began_ms is not None:
        factor = _extrapolation_since(began_ms, timestamps_ms, range_end_ms)
    else:
        factor = _extrapolation(points[0], difference, timestamps_ms, (range_start_ms, range_end_ms), is_counter=is_counter)
    if is_rate:
        factor /= (range_end_ms - range_start_ms) / _MS_PER_S
    return as_gauge(scale(difference, factor)), remarks


def instant_rate(
    previous: NativeHistogram,
    last: NativeHistogram,
    previous_ms: int,
    last_ms: int,
    *,
    is_rate: bool,
    trust_hints: bool = True,
    restarted: bool = False,
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
        restarted: Whether the last one is known to have begun anew.
    """
    if last_ms == previous_ms:
        return None, ()
    remarks = flavour((previous, last), is_counter=is_rate)
    reset = is_rate and (restarted or detect_reset(previous, last, trust_hint=trust_hints))
    difference, found = counted((previous, last), (False, reset))
    remarks = (*remarks, *found)
    if difference is None:
        return None, remarks
    if is_rate:
        difference = divide(difference, (last_ms - previous_ms) / _MS_PER_S)
    return as_gauge(difference), remarks


def flavour(points: Sequence[NativeHistogram], *, is_counter: bool) -> Remarks:
    """What there is to say about gauges given to a function for counters, or the other way round."""
    gauges = [point.reset is ResetHint.GAUGE for point in points]
    if is_counter:
        return (Remark(Note.NOT_COUNTER),) if any(gauges) else ()
    return () if gauges[0] and gauges[-1] else (Remark(Note.NOT_GAUGE),)


def counted(
    points: Sequence[NativeHistogram], resets: Sequence[bool], *, from_zero: bool = False
) -> tuple[NativeHistogram | None, Remarks]:
    """
    Last minus first, plus what was counted before each reset; None, with a remark, for layouts that cannot be combined.

    Args:
        points: [P], at least one. The first is left out, and may be of any layout, if a reset follows it.
        resets: [P] whether a reset lies before each, the first of no meaning.
        from_zero: The first one counted from zero: nothing is taken away.
    """
    total: NativeHistogram | None = as_gauge(points[-1])
    remarks: list[Remark] = []
    if not from_zero and not (len(points) > 1 and resets[1]):
        assert total is not None
        total, found = subtract(total, as_gauge(points[0]), Operation.SUBTRACTION)
        remarks += found
    skipped = 0 if from_zero else 1
    for before, reset in zip(points[skipped:-1], resets[skipped + 1 :], strict=True):
        if total is None or (total.schema == CUSTOM_BUCKETS_SCHEMA) != (before.schema == CUSTOM_BUCKETS_SCHEMA):
            return None, (Remark(Note.MIXED_SCHEMAS),)
        if reset:
            total, found = add(total, as_gauge(before), Operation.ADDITION)
            remarks += found
    return total, tuple(remarks)


def _extrapolation_since(began_ms: int, timestamps_ms: NDArray[np.int64], range_end_ms: int) -> float:
    """The factor from what was seen since the count began to what the whole range would have shown: only the end is open."""
    covered = float(timestamps_ms[-1] - began_ms)
    gap = float(timestamps_ms[-1] - timestamps_ms[0]) / max(len(timestamps_ms) - 1, 1)
    to_end = float(range_end_ms - timestamps_ms[-1])
    return (covered + (gap / 2 if to_end >= gap * _GAP_FACTOR else to_end)) / covered


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


def as_gauge(h: NativeHistogram) -> NativeHistogram:
    """The same without empty buckets at its ends, as a gauge: there is nothing to remark about resets of gauges."""
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
