"""Native histograms for tests: short to write, and random ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NO_BUCKETS, Buckets, NativeHistogram, ResetHint


def exponential(
    counts: list[float],
    *,
    first: int = 1,
    schema: int = 0,
    negative: list[float] | None = None,
    negative_first: int = 1,
    zero: tuple[float, float] = (0.0, 0.0),
    total: float = 0.0,
    count: float | None = None,
    reset: ResetHint = ResetHint.UNKNOWN,
) -> NativeHistogram:
    """
    A histogram with exponential buckets; its count is what its buckets hold unless said otherwise.

    Args:
        counts: Of the positive buckets from index `first` on (1: from 1 to the base).
        first: Index of the first positive bucket.
        schema: Resolution.
        negative: Counts of the negative buckets from `negative_first` on.
        negative_first: Index of the first negative bucket.
        zero: Threshold and count of the zero bucket.
        total: Sum of observations.
        count: Number of observations.
        reset: Hint.
    """
    held = sum(counts) + sum(negative or []) + zero[1]
    return NativeHistogram(
        schema,
        held if count is None else count,
        total,
        *zero,
        Buckets(first, np.array(counts, dtype=np.float64)) if counts else NO_BUCKETS,
        Buckets(negative_first, np.array(negative, dtype=np.float64)) if negative else NO_BUCKETS,
        reset=reset,
    )


def custom(counts: list[float], bounds: tuple[float, ...], *, total: float = 0.0, reset: ResetHint = ResetHint.UNKNOWN) -> NativeHistogram:
    """A histogram with custom buckets: one count more than bounds, the last up to infinity."""
    return NativeHistogram(
        CUSTOM_BUCKETS_SCHEMA,
        sum(counts),
        total,
        positive=Buckets(0, np.array(counts, dtype=np.float64)),
        custom_values=bounds,
        reset=reset,
    )


_COUNTS = st.lists(st.integers(0, 50).map(float), max_size=6)


@st.composite
def exponential_histograms(draw: st.DrawFn, *, schemas: tuple[int, int] = (-4, 8)) -> NativeHistogram:
    """Any consistent histogram with exponential buckets outside of its zero bucket."""
    schema = draw(st.integers(*schemas))
    threshold = draw(st.sampled_from((0.0, 0.001, 0.3, 0.5, 1.0)))
    lowest = 1 if schema < 0 else 1 << schema  # every threshold here is at most 1, which ends bucket 0
    return exponential(
        draw(_COUNTS),
        first=draw(st.integers(lowest, lowest + 5)),
        schema=schema,
        negative=draw(_COUNTS),
        negative_first=draw(st.integers(lowest, lowest + 5)),
        zero=(threshold, float(draw(st.integers(0, 20)))),
        total=float(draw(st.integers(-1000, 1000))),
    )


@st.composite
def custom_histograms(draw: st.DrawFn) -> NativeHistogram:
    """Any consistent histogram with custom buckets."""
    bounds = tuple(sorted(draw(st.sets(st.sampled_from((-5.0, -1.0, 0.0, 0.5, 1.0, 2.0, 10.0)), max_size=5))))
    counts = draw(st.lists(st.integers(0, 50).map(float), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return custom(counts, bounds, total=float(draw(st.integers(-1000, 1000))))


def held(h: NativeHistogram) -> float:
    """What all buckets hold together."""
    return float(h.positive.counts.sum() + h.negative.counts.sum() + h.zero_count)
