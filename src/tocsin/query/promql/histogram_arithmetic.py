"""
Arithmetic on native histograms: sums, differences, multiples, averages, equality.

Source: Prometheus, native histogram specification, 'PromQL'; documentation, 'Operators'.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.histogram_notes import Operation, Remarks


def add(a: NativeHistogram, b: NativeHistogram, operation: Operation = Operation.ADDITION) -> tuple[NativeHistogram | None, Remarks]:
    """
    The sum; None with MIXED_SCHEMAS when one has exponential and the other custom buckets.

    (For binary operators the evaluator says INCOMPATIBLE_LAYOUT instead, which names the operator.)

    Args:
        a: Left.
        b: Right.
        operation: The word in remarks.
    """
    raise NotImplementedError


def subtract(a: NativeHistogram, b: NativeHistogram, operation: Operation = Operation.SUBTRACTION) -> tuple[NativeHistogram | None, Remarks]:
    """The difference; None and remarks as in `add`. The result is a gauge: it may hold negative counts."""
    raise NotImplementedError


def scale(h: NativeHistogram, factor: float) -> NativeHistogram:
    """Every count and the sum times `factor`; a negative factor makes it a gauge."""
    raise NotImplementedError


def divide(h: NativeHistogram, divisor: float) -> NativeHistogram:
    """Every count and the sum by `divisor`; by zero, only the zero bucket, count and sum are left, each infinite or NaN."""
    raise NotImplementedError


def negate(h: NativeHistogram) -> NativeHistogram:
    """`-h`: every count and the sum with the other sign, as a gauge."""
    raise NotImplementedError


def equal(a: NativeHistogram, b: NativeHistogram) -> bool:
    """Whether both hold the same (`==`): schema, zero bucket, count, sum (by bits) and buckets, empty ones not looked at; hints don't matter."""
    raise NotImplementedError


def compact(h: NativeHistogram) -> NativeHistogram:
    """The same without empty buckets at the ends of both sides."""
    raise NotImplementedError


def sum_of(histograms: Sequence[NativeHistogram]) -> tuple[NativeHistogram | None, Remarks]:
    """The sum of all, compensated (`sum`, `sum_over_time`); None when exponential and custom buckets are mixed.

    Args:
        histograms: At least one.
    """
    raise NotImplementedError


def average_of(histograms: Sequence[NativeHistogram]) -> tuple[NativeHistogram | None, Remarks]:
    """The average of all, compensated (`avg`, `avg_over_time`); None when exponential and custom buckets are mixed.

    Args:
        histograms: At least one.
    """
    raise NotImplementedError
