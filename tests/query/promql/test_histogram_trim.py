"""The trim operators on native histograms."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, custom_histograms, exponential, exponential_histograms, held

from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import equal
from tocsin.query.promql.histogram_quantile import fraction
from tocsin.query.promql.histogram_trim import trim_lower, trim_upper

_ANY = st.one_of(exponential_histograms(schemas=(-1, 5)), custom_histograms())


def test_bound_at_a_bucket_cuts_nothing() -> None:
    """Of (1, 2], (2, 4], (4, 8] the first stays, at the middle of its logarithm."""
    result = trim_upper(exponential([2, 3, 4], total=99), 2)
    assert (result.count, result.positive.counts.tolist()) == (2, [2])
    assert result.sum == pytest.approx(2 * 2**0.5)


def test_bound_inside_a_bucket_divides_it_by_its_logarithm() -> None:
    """Half of (1, 4] in the logarithm is up to 2; each half's middle is its own."""
    h = exponential([8], schema=-1, total=20)
    below, above = trim_upper(h, 2), trim_lower(h, 2)
    assert below.count == above.count == 4
    assert below.sum == pytest.approx(4 * 2**0.5)
    assert above.sum == pytest.approx(4 * 8**0.5)


def test_negative_buckets_are_divided_the_same_way() -> None:
    """Of [-4, -1), half is below -2."""
    h = exponential([], negative=[8], schema=-1)
    assert trim_upper(h, -2).count == 4
    assert trim_lower(h, -2).sum == pytest.approx(-4 * 2**0.5)


def test_zero_bucket_is_divided_evenly() -> None:
    """From -0.5 to 0.5 without other buckets; from 0 with positive ones."""
    assert trim_lower(exponential([], zero=(0.5, 8)), 0.25).zero_count == 2
    assert trim_upper(exponential([1], zero=(0.5, 8)), 0.25).zero_count == 4


def test_custom_buckets_are_divided_evenly() -> None:
    """Of (2, 4] a quarter is up to 2.5; the first bucket is taken to begin at 0."""
    h = custom([4, 8, 1], (2, 4), total=50)
    below = trim_upper(h, 2.5)
    assert (below.positive.counts.tolist(), below.sum) == ([4, 2], 4 * 1 + 2 * 2.25)
    assert trim_upper(h, 0.5).positive.counts.tolist() == [1]


def test_what_lies_above_the_last_bound_is_at_infinity() -> None:
    """It goes with every upper bound and stays with every lower one, at what is left of its bucket."""
    h = custom([0, 1, 5], (2, 4), total=50)
    assert trim_upper(h, 1000).count == 1
    assert (trim_lower(h, 1000).count, trim_lower(h, 1000).sum) == (5, 5000)


def test_what_lies_below_a_negative_first_bound_is_at_minus_infinity() -> None:
    """It stays with every upper bound and goes with every lower one."""
    h = custom([5, 1], (-3,), total=-20)
    assert trim_upper(h, -10).count == 5
    assert trim_lower(h, -10).count == 1


def test_bucket_without_bounds_is_given_up() -> None:
    """Where its observations lie cannot be told."""
    h = custom([7], ())
    assert trim_upper(h, 3).count == trim_lower(h, 3).count == 0


@settings(deadline=None)
@given(h=_ANY)
def test_infinite_bounds_keep_all_or_nothing(h: NativeHistogram) -> None:
    """Nothing lies above +Inf or below -Inf."""
    assert trim_upper(h, math.inf) is h
    assert trim_lower(h, -math.inf) is h
    assert held(trim_upper(h, -math.inf)) == 0
    assert held(trim_lower(h, math.inf)) == 0


def test_bound_that_removes_nothing_changes_nothing() -> None:
    """The sum stays what was observed rather than an estimate, and a counter stays a counter."""
    h = exponential([2], total=3.5, reset=ResetHint.NOT_RESET)
    assert trim_upper(h, 2) is h
    assert trim_lower(h, 1.5).reset is ResetHint.NOT_RESET


@settings(deadline=None)
@given(h=exponential_histograms(schemas=(-1, 5)), bound=st.floats(-50, 50))
def test_both_sides_add_up_to_the_whole(h: NativeHistogram, bound: float) -> None:
    """Every observation is on one side of the bound, as `histogram_fraction` has it."""
    assume(not (bound == 0 and h.zero_threshold == 0))  # what is 0 is neither above nor below 0, and stays on both sides
    below, above = trim_upper(h, bound), trim_lower(h, bound)
    assert below.count + above.count == pytest.approx(h.count)
    if h.count:
        assert below.count == pytest.approx(fraction(-math.inf, bound, h)[0] * h.count, abs=1e-9)


@settings(deadline=None)
@given(h=_ANY, bound=st.floats(-50, 50))
def test_trimming_twice_is_trimming_once(h: NativeHistogram, bound: float) -> None:
    """What is left has nothing on the wrong side, but for the bucket with the bound, whose bounds stay."""
    once = trim_upper(h, bound)
    assert held(trim_upper(once, bound)) <= held(once) * (1 + 1e-12)
    assert equal(trim_upper(once, math.inf), once)
