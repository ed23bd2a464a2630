"""
Rates of native histograms over a range: `rate`, `increase`, `delta`, `irate`, `idelta`.

Source: Prometheus documentation, 'Query functions'; native histogram specification, 'Functions'.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.histogram_notes import Remarks


def histogram_rate(
    points: Sequence[NativeHistogram],
    timestamps_ms: NDArray[np.int64],
    range_start_ms: int,
    range_end_ms: int,
    *,
    is_counter: bool,
    is_rate: bool,
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
    """
    raise NotImplementedError


def instant_rate(
    previous: NativeHistogram, last: NativeHistogram, previous_ms: int, last_ms: int, *, is_rate: bool
) -> tuple[NativeHistogram | None, Remarks]:
    """
    `irate` (is_rate) or `idelta` of the last two histograms of a range; a gauge.

    Args:
        previous: The last but one.
        last: The last.
        previous_ms: Instant of `previous`.
        last_ms: Instant of `last`.
        is_rate: `irate`: a reset counts from zero, the result is per second.
    """
    raise NotImplementedError
