"""
Classic histograms: series of cumulative counts with the upper bound in the label `le`.

Source: Prometheus documentation, 'Query functions', histogram_quantile and histogram_fraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import NativeHistogram


@dataclass(frozen=True, slots=True)
class ClassicAnswer:
    """
    Estimates of one classic histogram at every step.

    Args:
        values: [T] float64.
        forced_monotonic: [T] bool: counts had to be raised by more than rounding (info `input to histogram_quantile needed to be fixed
            for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)`).
        forced_min_bucket: [T] float64: upper bound of the first bucket that was raised; NaN where none was.
        forced_max_bucket: [T] float64: upper bound of the last one; NaN where none was.
        forced_max_difference: [T] float64: the largest amount.
    """

    values: NDArray[np.float64]
    forced_monotonic: NDArray[np.bool_]
    forced_min_bucket: NDArray[np.float64]
    forced_max_bucket: NDArray[np.float64]
    forced_max_difference: NDArray[np.float64]


def parse_le(text: str) -> float | None:
    """Upper bound in a label `le`; None when it is no number (the sample is left out, with a warning: `bucket label "le" is missing or has a malformed value of "..."`)."""
    raise NotImplementedError


def bucket_quantile(q: NDArray[np.float64], upper_bounds: NDArray[np.float64], counts: NDArray[np.float64], present: NDArray[np.bool_]) -> ClassicAnswer:
    """
    `histogram_quantile` of one classic histogram over the steps.

    Args:
        q: [T] the quantile asked for at each step.
        upper_bounds: [B] in any order, +Inf among them or not; equal ones are merged.
        counts: [B, T] cumulative counts, NaN allowed.
        present: [B, T] whether the bucket has a sample at the step.
    """
    raise NotImplementedError


def bucket_fraction(
    lower: NDArray[np.float64], upper: NDArray[np.float64], upper_bounds: NDArray[np.float64], counts: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """
    `histogram_fraction` of one classic histogram over the steps; [T] float64.

    Args:
        lower: [T] lower bound asked for.
        upper: [T] upper bound asked for.
        upper_bounds: [B] in any order, as in `bucket_quantile`.
        counts: [B, T] cumulative counts.
        present: [B, T] whether the bucket has a sample at the step.
    """
    raise NotImplementedError


def to_custom_buckets(upper_bounds: NDArray[np.float64], counts: NDArray[np.float64], total_sum: float, count: float | None) -> NativeHistogram | None:
    """
    A classic histogram as a native one with custom buckets (`load_with_nhcb`); None when the counts are no histogram.

    Args:
        upper_bounds: [B] in any order; +Inf may be missing.
        counts: [B] cumulative counts.
        total_sum: The series `_sum`; NaN allowed.
        count: The series `_count`; None: that of the +Inf bucket or else of the highest.
    """
    raise NotImplementedError
