"""
A Prometheus native histogram: one sample that holds a whole distribution.

Exponential (schema -4 to 8): bucket i of the positive side holds observations in (base^(i-1), base^i] with base = 2^(2^-schema), the
negative side mirrors it, and the zero bucket holds [-zero_threshold, zero_threshold]. Custom (schema -53): bucket i holds
(custom_values[i-1], custom_values[i]], from -inf to +inf; only positive buckets are used then, and the offset counts from 0.

Source: Prometheus, native histogram specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

CUSTOM_BUCKETS_SCHEMA = -53
SCHEMA_MIN = -4
SCHEMA_MAX = 8


class ResetHint(Enum):
    """What is known about a counter reset between the sample before and this one; the value is the number in the wire formats."""

    UNKNOWN = 0
    RESET = 1
    NOT_RESET = 2
    GAUGE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """
    One side's buckets, dense.

    Args:
        offset: Index of the first bucket.
        counts: Absolute counts (not deltas, not cumulative), [B] float64.
    """

    offset: int
    counts: NDArray[np.float64]


NO_BUCKETS = Buckets(0, np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class NativeHistogram:
    """
    One sample of a native histogram.

    Args:
        schema: -4 to 8, or -53 for custom buckets.
        count: Number of observations; a stale NaN marks the end of a series.
        sum: Sum of observations.
        zero_threshold: Width of the zero bucket, >= 0.
        zero_count: Observations in it.
        positive: Buckets of positive observations, or the custom buckets.
        negative: Buckets of negative observations.
        custom_values: Upper bounds of custom buckets, ascending, without +inf; empty otherwise.
        reset: What is known about a counter reset before it.
    """

    schema: int
    count: float
    sum: float
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Buckets = NO_BUCKETS
    negative: Buckets = NO_BUCKETS
    custom_values: tuple[float, ...] = ()
    reset: ResetHint = ResetHint.UNKNOWN
