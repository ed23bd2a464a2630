"""Native histograms with too many buckets lose resolution, never observations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.collect.bucket_limit import halve, limit_buckets
from tocsin.errors import LimitExceeded
from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, Buckets, NativeHistogram
from tocsin.model.sample_block import HistogramSample

COUNTS = st.lists(st.integers(min_value=0, max_value=9).map(float), max_size=40)


def sample_of(schema: int, offset: int, counts: list[float], negative: list[float] | None = None) -> HistogramSample:
    """A histogram with these positive and negative buckets."""
    sides = [Buckets(offset, np.array(side, np.float64)) for side in (counts, negative or [])]
    return HistogramSample(7, 1000, NativeHistogram(schema, sum(counts), 1.0, positive=sides[0], negative=sides[1]))


@given(st.integers(min_value=-50, max_value=50), COUNTS)
def test_halving_puts_each_observation_where_the_wider_bucket_is(offset: int, counts: list[float]) -> None:
    """Bucket i goes to ceil(i/2): the bucket of the lower schema that covers it."""
    wide = halve(Buckets(offset, np.array(counts, np.float64)))
    expected: dict[int, float] = {}
    for index, count in enumerate(counts, offset):
        expected[-(-index // 2)] = expected.get(-(-index // 2), 0.0) + count
    assert {wide.offset + index: count for index, count in enumerate(wide.counts.tolist())} == expected


@given(st.integers(min_value=-50, max_value=50), COUNTS, COUNTS)
def test_limited_histograms_keep_their_observations(offset: int, positive: list[float], negative: list[float]) -> None:
    """However far the resolution falls, both sides hold as many observations as before; below and above 1 never become one bucket."""
    limited = limit_buckets(sample_of(8, offset, positive, negative), 4).histogram
    assert limited.positive.counts.sum() == sum(positive)
    assert limited.negative.counts.sum() == sum(negative)
    assert np.count_nonzero(limited.positive.counts) + np.count_nonzero(limited.negative.counts) <= 4


def test_a_histogram_within_the_limit_is_left_alone() -> None:
    """Nothing is made anew for most samples."""
    sample = sample_of(3, 1, [1.0, 0.0, 2.0])
    assert limit_buckets(sample, 2) is sample
    assert limit_buckets(sample, 1).histogram.schema < 3


@pytest.mark.parametrize("schema", [-4, CUSTOM_BUCKETS_SCHEMA])
def test_what_cannot_be_made_smaller_fails(schema: int) -> None:
    """At the lowest resolution, and for custom buckets, the scrape fails with the name of the limit."""
    with pytest.raises(LimitExceeded, match="native_histogram_bucket_limit of 2"):
        limit_buckets(sample_of(schema, 0, [1.0, 1.0, 1.0, 1.0]), 2)
