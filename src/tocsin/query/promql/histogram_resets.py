"""
Counter resets and changes between native histograms.

Source: Prometheus, native histogram specification, 'Counter reset considerations'; documentation, 'Query functions', changes and resets.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, Buckets, NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import equal
from tocsin.query.promql.histogram_layout import Layout, brought_to, common_layout, extent, outside_of_buckets, place, same_layout

# Overflow gives infinities and what has no value gives NaN, as in IEEE 754: that is no news.
_IEEE = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")


@_IEEE
def detect_reset(previous: NativeHistogram, current: NativeHistogram, *, trust_hint: bool = True) -> bool:
    """
    Whether a counter was reset between the two: what the hint of `current` says, or else any count or bucket that fell or went.

    Args:
        previous: The sample before.
        current: The sample after.
        trust_hint: False for samples of a subquery: there may be others between them, which the hint is about.
    """
    if trust_hint and current.reset in (ResetHint.RESET, ResetHint.NOT_RESET):
        return current.reset is ResetHint.RESET
    if current.count < previous.count:
        return True
    before, after = previous, current
    if not same_layout(previous, current):
        layout = _layout_after(previous, current)
        if layout is None:
            return True
        before, after = brought_to(previous, layout), brought_to(current, layout)
    if before.schema != CUSTOM_BUCKETS_SCHEMA and after.zero_count < before.zero_count:
        return True
    return _fell(before.positive, after.positive) or _fell(before.negative, after.negative)


def reset_flags(points: Sequence[NativeHistogram], *, trust_hints: bool = True) -> list[bool]:
    """
    Whether a reset lies before each point; False for the first. Once for a series, for all windows over it.

    Args:
        points: [P], in order of time.
        trust_hints: False for samples of a subquery.
    """
    return [False, *(detect_reset(before, after, trust_hint=trust_hints) for before, after in pairwise(points))] if points else []


def count_changes(points: Sequence[NativeHistogram]) -> int:
    """How often the value differs from the one before it (`changes`); a counter and a gauge with the same values are equal."""
    return sum(not equal(before, after) for before, after in pairwise(points))


def _layout_after(previous: NativeHistogram, current: NativeHistogram) -> Layout | None:
    """The layout to compare in: that of `current`, if it can be had by merging buckets of `previous`; None if it cannot."""
    if CUSTOM_BUCKETS_SCHEMA in (previous.schema, current.schema):
        return common_layout((previous, current))
    if current.schema > previous.schema or current.zero_threshold < previous.zero_threshold:
        return None
    if outside_of_buckets(previous, current.zero_threshold) != current.zero_threshold:
        return None
    return Layout(current.schema, current.zero_threshold)


def _fell(before: Buckets, after: Buckets) -> bool:
    if len(before.counts) == 0:
        return bool((after.counts < 0).any())
    if before.offset == after.offset and len(before.counts) == len(after.counts):
        return bool((after.counts < before.counts).any())
    offset, number = extent((before, after))
    rows = np.zeros((2, number))
    place(before, rows[0], offset)
    place(after, rows[1], offset)
    return bool((rows[1] < rows[0]).any())
