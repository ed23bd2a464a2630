"""Buckets of native histograms from spans: whatever is sparse becomes dense, whatever can't be is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.wire.prometheus.histogram_buckets import HistogramFlaw, Side, check_histogram, dense_buckets


def sparse_of(counts: dict[int, int]) -> tuple[list[tuple[int, int]], list[int], list[float]]:
    """Spans, deltas and counts of buckets by index, a span for each run."""
    spans: list[tuple[int, int]] = []
    end = 0
    for index in sorted(counts):
        if spans and index == end:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((index if not spans else index - end, 1))
        end = index + 1
    values = [counts[index] for index in sorted(counts)]
    return spans, [value - before for before, value in zip([0, *values], values, strict=False)], [float(value) for value in values]


@settings(deadline=None)
@given(st.dictionaries(st.integers(-300, 300), st.integers(0, 10_000), max_size=30))
def test_every_count_stands_at_its_index(counts: dict[int, int]) -> None:
    """Integers by deltas and floats by counts give the same buckets, zeros in the gaps."""
    spans, deltas, values = sparse_of(counts)
    for side in (Side(spans, deltas, []), Side(spans, [], values)):
        buckets = dense_buckets(side, width_max=601)
        assert {buckets.offset + place: int(count) for place, count in enumerate(buckets.counts) if count} == {
            index: count for index, count in counts.items() if count
        }
        assert len(buckets.counts) == (max(counts) - min(counts) + 1 if counts else 0)


@settings(deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1)), max_size=5),
    deltas=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    values=st.lists(st.floats(), max_size=5),
)
def test_any_spans_end_in_buckets_or_a_flaw(spans: list[tuple[int, int]], deltas: list[int], values: list[float]) -> None:
    """Never more buckets than allowed, none negative, none that is no number."""
    try:
        buckets = dense_buckets(Side(spans, deltas, values), width_max=50)
    except HistogramFlaw:
        return
    assert len(buckets.counts) <= 50
    assert (buckets.counts >= 0).all()
    assert np.isfinite(buckets.counts).all()


def test_the_widest_that_is_allowed_is_taken() -> None:
    """Gaps count."""
    spans = [(-5, 1), (8, 1)]
    assert len(dense_buckets(Side(spans, [1, 0], []), width_max=10).counts) == 10
    with pytest.raises(HistogramFlaw, match="at most 9 indices"):
        dense_buckets(Side(spans, [1, 0], []), width_max=9)


def test_observations_of_nan_are_in_no_bucket() -> None:
    """The sum is NaN then, and the count may exceed what the buckets hold; never the other way round."""
    side = Buckets(0, np.array([2.0]))
    check_histogram(NativeHistogram(0, 3, float("nan"), positive=side), integer=True, width_max=10)
    with pytest.raises(HistogramFlaw, match="hold 2 observations, but count is 3"):
        check_histogram(NativeHistogram(0, 3, 1.0, positive=side), integer=True, width_max=10)
    with pytest.raises(HistogramFlaw, match="hold 2 observations, but count is 1"):
        check_histogram(NativeHistogram(0, 1, float("nan"), positive=side), integer=True, width_max=10)
    check_histogram(NativeHistogram(0, 2.0000001, 1.0, positive=side), integer=False, width_max=10)
