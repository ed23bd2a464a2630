"""
Arithmetic on native histograms: sums, differences, multiples, averages, equality.

Source: Prometheus, native histogram specification, 'PromQL'; documentation, 'Operators'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NO_BUCKETS, Buckets, NativeHistogram, ResetHint
from tocsin.query.promql.compiled import compiled
from tocsin.query.promql.histogram_layout import Layout, brought_to, common_layout, extent, place, stripped
from tocsin.query.promql.histogram_notes import Note, Operation, Remark, Remarks

Floats = NDArray[np.float64]
# Overflow gives infinities and what has no value gives NaN, as in IEEE 754: that is no news.
_IEEE = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")


@_IEEE
def add(a: NativeHistogram, b: NativeHistogram, operation: Operation = Operation.ADDITION) -> tuple[NativeHistogram | None, Remarks]:
    """
    The sum; None with MIXED_SCHEMAS when one has exponential and the other custom buckets.

    (For binary operators the evaluator says INCOMPATIBLE_LAYOUT instead, which names the operator.)

    Args:
        a: Left.
        b: Right.
        operation: The word in remarks.
    """
    layout = common_layout((a, b))
    if layout is None:
        return None, (Remark(Note.MIXED_SCHEMAS),)
    hint, remarks = _agreed((a, b), layout, operation)
    table = _Table((a, b), layout)
    return table.histogram(table.numbers[0] + table.numbers[1], hint), remarks


@_IEEE
def subtract(
    a: NativeHistogram, b: NativeHistogram, operation: Operation = Operation.SUBTRACTION
) -> tuple[NativeHistogram | None, Remarks]:
    """The difference; None and remarks as in `add`. The result is a gauge: it may hold negative counts."""
    layout = common_layout((a, b))
    if layout is None:
        return None, (Remark(Note.MIXED_SCHEMAS),)
    remarks = _agreed((a, b), layout, operation)[1]
    table = _Table((a, b), layout)
    return table.histogram(table.numbers[0] - table.numbers[1], ResetHint.GAUGE), remarks


@_IEEE
def scale(h: NativeHistogram, factor: float) -> NativeHistogram:
    """Every count and the sum times `factor`; a negative factor makes it a gauge."""
    return NativeHistogram(
        h.schema,
        h.count * factor,
        h.sum * factor,
        h.zero_threshold,
        h.zero_count * factor,
        _times(h.positive, factor),
        _times(h.negative, factor),
        h.custom_values,
        ResetHint.GAUGE if factor < 0 else h.reset,
    )


@_IEEE
def divide(h: NativeHistogram, divisor: float) -> NativeHistogram:
    """Every count and the sum by `divisor`; by zero, only the zero bucket, count and sum are left, each infinite or NaN."""
    count, total, zero = (np.array((h.count, h.sum, h.zero_count)) / divisor).tolist()
    by_zero = divisor == 0
    return replace(
        h,
        count=count,
        sum=total,
        zero_count=0.0 if h.schema == CUSTOM_BUCKETS_SCHEMA else zero,
        positive=NO_BUCKETS if by_zero else Buckets(h.positive.offset, h.positive.counts / divisor),
        negative=NO_BUCKETS if by_zero else Buckets(h.negative.offset, h.negative.counts / divisor),
        reset=ResetHint.GAUGE if divisor < 0 else h.reset,
    )


def negate(h: NativeHistogram) -> NativeHistogram:
    """`-h`: every count and the sum with the other sign, as a gauge."""
    return scale(h, -1.0)


def equal(a: NativeHistogram, b: NativeHistogram) -> bool:
    """Whether both hold the same (`==`): schema, zero bucket, count, sum (NaN equals NaN) and populated buckets; hints don't matter."""
    if a.schema != b.schema or a.custom_values != b.custom_values:
        return False
    pairs = [(a.count, b.count), (a.sum, b.sum)]
    if a.schema != CUSTOM_BUCKETS_SCHEMA:
        pairs += [(a.zero_threshold, b.zero_threshold), (a.zero_count, b.zero_count)]
    if any(x != y and not (x != x and y != y) for x, y in pairs):  # noqa: PLR0124 - only NaN differs from itself
        return False
    return _same_buckets(a.positive, b.positive) and _same_buckets(a.negative, b.negative)


def compact(h: NativeHistogram) -> NativeHistogram:
    """The same without empty buckets at the ends of both sides."""
    return replace(h, positive=stripped(h.positive), negative=stripped(h.negative))


def sum_of(histograms: Sequence[NativeHistogram]) -> tuple[NativeHistogram | None, Remarks]:
    """
    The sum of all, compensated (`sum`, `sum_over_time`); None when exponential and custom buckets are mixed.

    Args:
        histograms: At least one.
    """
    return _aggregated(histograms, average=False)


def average_of(histograms: Sequence[NativeHistogram]) -> tuple[NativeHistogram | None, Remarks]:
    """
    The average of all, compensated (`avg`, `avg_over_time`); None when exponential and custom buckets are mixed.

    Args:
        histograms: At least one.
    """
    return _aggregated(histograms, average=True)


def compensated_sum(rows: Floats) -> Floats:
    """
    Sums down the columns that keep what rounding would lose; infinite where a sum overflows.

    Args:
        rows: [N, C].

    Source: Neumaier, 'Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen', 1974.
    """
    sums = np.empty(rows.shape[1])
    _compensated(rows, sums)
    return sums


@compiled
def _compensated(rows: Floats, sums: Floats) -> None:
    """Sums down the columns into `sums`."""
    for column in range(rows.shape[1]):
        total, lost = rows[0, column], 0.0
        for row in range(1, rows.shape[0]):
            value = rows[row, column]
            after = total + value
            if np.isinf(after):
                lost = 0.0
            elif abs(total) >= abs(value):
                lost += (total - after) + value
            else:
                lost += (value - after) + total
            total = after
        sums[column] = total if np.isinf(total) else total + lost


class _Table:
    """
    Histograms in one layout as rows of numbers: count, sum, zero count, then the buckets of both sides.

    Args:
        histograms: At least one.
        layout: Theirs in common.
    """

    __slots__ = ("_layout", "_negative_offset", "_positive_number", "_positive_offset", "numbers")

    def __init__(self, histograms: Sequence[NativeHistogram], layout: Layout) -> None:
        same = [brought_to(h, layout) for h in histograms]
        self._layout = layout
        self._positive_offset, positive_number = extent([h.positive for h in same])
        self._negative_offset, negative_number = extent([h.negative for h in same])
        self._positive_number = positive_number
        self.numbers: Floats = np.zeros((len(same), 3 + positive_number + negative_number))
        for row, h in zip(self.numbers, same, strict=True):
            row[0], row[1], row[2] = h.count, h.sum, h.zero_count
            place(h.positive, row[3:], self._positive_offset)
            place(h.negative, row[3 + positive_number :], self._negative_offset)

    def histogram(self, row: Floats, hint: ResetHint) -> NativeHistogram:
        """A row as a histogram again."""
        end = 3 + self._positive_number
        return NativeHistogram(
            self._layout.schema,
            float(row[0]),
            float(row[1]),
            self._layout.zero_threshold,
            float(row[2]),
            stripped(Buckets(self._positive_offset, row[3:end])),
            stripped(Buckets(self._negative_offset, row[end:])),
            self._layout.custom_values,
            hint,
        )


@_IEEE
def _aggregated(histograms: Sequence[NativeHistogram], *, average: bool) -> tuple[NativeHistogram | None, Remarks]:
    layout = common_layout(histograms)
    if layout is None:
        return None, (Remark(Note.MIXED_SCHEMAS),)
    hint, remarks = _agreed(histograms, layout, Operation.AGGREGATION)
    table = _Table(histograms, layout)
    row = compensated_sum(table.numbers)
    if average:
        number = len(histograms)
        overflown = np.isinf(row) & np.isfinite(table.numbers).all(axis=0)
        row = row / number
        if overflown.any():  # dividing first loses digits, so only what would be infinite goes this way
            row[overflown] = compensated_sum(table.numbers[:, overflown] / number)
    return table.histogram(row, hint), remarks


def _agreed(histograms: Sequence[NativeHistogram], layout: Layout, operation: Operation) -> tuple[ResetHint, Remarks]:
    """The hint of what is made of these, and what there is to say about their hints and bounds."""
    hints = {h.reset for h in histograms}
    remarks: Remarks = ()
    if ResetHint.RESET in hints and ResetHint.NOT_RESET in hints:
        remarks = (Remark(Note.COUNTER_RESETS_CONFLICT, operation),)
    if layout.reconciled:
        remarks = (*remarks, Remark(Note.BOUNDS_RECONCILED, operation))
    if ResetHint.GAUGE in hints:
        return ResetHint.GAUGE, remarks
    return (next(iter(hints)) if len(hints) == 1 else ResetHint.UNKNOWN), remarks


def _times(buckets: Buckets, factor: float) -> Buckets:
    """Counts times `factor`; what is empty stays empty even when the factor is infinite or NaN."""
    if math.isfinite(factor):
        return Buckets(buckets.offset, buckets.counts * factor) if len(buckets.counts) else buckets
    return Buckets(buckets.offset, np.where(buckets.counts == 0, 0.0, buckets.counts * factor))


def _same_buckets(a: Buckets, b: Buckets) -> bool:
    a, b = stripped(a), stripped(b)
    return a.offset == b.offset and np.array_equal(a.counts, b.counts, equal_nan=True)
