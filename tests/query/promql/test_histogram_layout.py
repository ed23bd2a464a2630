"""Where buckets lie, and how resolutions come down."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, exponential, exponential_histograms, held

from tocsin.model.native_histogram import SCHEMA_MIN, NativeHistogram
from tocsin.query.promql.histogram_layout import exponential_bounds, reduced, spread


def test_bounds_are_powers_of_the_base() -> None:
    """Schema 0 doubles, schema -1 quadruples, schema 1 takes two steps to double."""
    assert exponential_bounds(0, -1, 4).tolist() == [0.5, 1, 2, 4]
    assert exponential_bounds(-1, -1, 3).tolist() == [0.25, 1, 4]
    assert exponential_bounds(1, 0, 3)[[0, 2]].tolist() == [1, 2]


@pytest.mark.parametrize("schema", [-4, -1, 0, 3, 8])
def test_last_bucket_ends_at_the_largest_number(schema: int) -> None:
    """The bucket that holds it ends there, the next one at infinity."""
    last = math.ldexp(1024, schema)
    assert exponential_bounds(schema, int(last), 2).tolist() == [np.finfo(np.float64).max, math.inf]


@settings(deadline=None)
@given(schema=st.integers(-4, 8), index=st.integers(-3000, 3000))
def test_bounds_are_near_the_formula(schema: int, index: int) -> None:
    """Within a few units in the last place of 2^(index / 2^schema), while that is a normal number."""
    exponent = index / 2.0**schema
    if abs(exponent) < 1000:
        assert exponential_bounds(schema, index, 1)[0] == pytest.approx(2**exponent, rel=1e-14)


@settings(deadline=None)
@given(h=exponential_histograms(), by=st.integers(0, 12))
def test_lower_resolution_keeps_counts(h: NativeHistogram, by: int) -> None:
    """Merging buckets neither loses nor invents observations."""
    schema = max(h.schema - by, SCHEMA_MIN)
    assert held(reduced(h, schema)) == h.count


@settings(deadline=None)
@given(h=exponential_histograms(), by=st.integers(1, 3))
def test_lower_resolution_keeps_counts_below_each_of_its_bounds(h: NativeHistogram, by: int) -> None:
    """A bound of the coarse histogram is one of the fine one: as many observations lie below it."""
    schema = max(h.schema - by, SCHEMA_MIN)
    coarse, fine = spread(reduced(h, schema)), spread(h)
    for bound, below in zip(coarse.upper, np.cumsum(coarse.counts), strict=True):
        assert fine.counts[fine.upper <= bound * (1 + 1e-12)].sum() == pytest.approx(below) or bound <= 0


def test_spread_goes_from_the_lowest_to_the_highest() -> None:
    """Negative buckets turned round, the zero bucket, positive buckets; empty ones left out."""
    buckets = spread(exponential([1, 0, 2], negative=[3, 4], zero=(0.5, 5)))
    assert buckets.lower.tolist() == [-4, -2, -0.5, 1, 4]
    assert buckets.upper.tolist() == [-2, -1, 0.5, 2, 8]
    assert buckets.counts.tolist() == [4, 3, 5, 1, 2]
    assert buckets.zero == 2


def test_zero_bucket_leans_to_the_side_that_has_buckets() -> None:
    """With positive buckets alone its observations are taken to be positive, with negative ones alone negative."""
    assert spread(exponential([1], zero=(0.5, 5))).lower[0] == 0
    assert spread(exponential([], negative=[1], zero=(0.5, 5))).upper[1] == 0
    assert spread(exponential([], zero=(0.5, 5))).lower[0] == -0.5


def test_bucket_that_the_zero_bucket_overlaps_begins_behind_it() -> None:
    """(0.5, 1] with a zero bucket up to 0.7 holds what is in (0.7, 1]."""
    assert spread(exponential([4], first=0, zero=(0.7, 0))).lower.tolist() == [0.7]


def test_custom_buckets_reach_to_both_infinities() -> None:
    """Below the first bound and above the last."""
    buckets = spread(custom([1, 2, 3], (5, 10)))
    assert buckets.lower.tolist() == [-math.inf, 5, 10]
    assert buckets.upper.tolist() == [5, 10, math.inf]
