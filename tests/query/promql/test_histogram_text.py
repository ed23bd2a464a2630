"""How native histograms and numbers are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, exponential

from tocsin.query.promql.histogram_text import ShownBucket, histogram_text, number_text, short_number_text, shown_buckets


def test_text_goes_from_the_lowest_bucket_to_the_highest() -> None:
    """Brackets say which ends belong to a bucket: upper ends of positive, lower ends of negative ones, both of the zero bucket."""
    h = exponential([2, 0, 1.5], negative=[4], zero=(0.25, 3), total=-2.5)
    assert histogram_text(h) == "{count:10.5, sum:-2.5, [-2,-1):4, [-0.25,0.25]:3, (1,2]:2, (4,8]:1.5}"


def test_text_of_custom_buckets() -> None:
    """Both infinities are inside."""
    assert histogram_text(custom([1, 2, 3], (-1, 1), total=4)) == "{count:6, sum:4, [-Inf,-1]:1, (-1,1]:2, (1,+Inf]:3}"


def test_text_of_an_empty_histogram() -> None:
    """Only count and sum are left."""
    assert histogram_text(exponential([])) == "{count:0, sum:0}"


def test_buckets_of_the_api() -> None:
    """The rule says the same in a digit."""
    h = exponential([2], negative=[4], zero=(0.25, 3))
    assert shown_buckets(h) == [ShownBucket(1, -2, -1, 4), ShownBucket(3, -0.25, 0.25, 3), ShownBucket(0, 1, 2, 2)]


def test_zero_bucket_without_observations_is_not_shown_by_the_api() -> None:
    """Neither an empty nor a negative one."""
    assert shown_buckets(exponential([1], zero=(0.5, -2))) == [ShownBucket(0, 1, 2, 1)]


def test_bounds_print_as_prometheus_has_them() -> None:
    """The root of two ends in 095, one unit below the nearest float."""
    assert [number_text(bucket.upper) for bucket in shown_buckets(exponential([1, 1], schema=1))] == ["1.414213562373095", "2"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1e-6, "0.000001"),
        (1.25e-7, "1.25e-07"),
        (5e-324, "5e-324"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1234.5, "1234.5"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Shortest digits that read back the same; an exponent of two digits at least where there would be too many zeros."""
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(123456.0, "123456"), (1234567.0, "1.234567e+06"), (1e6, "1e+06"), (0.0001, "0.0001"), (0.00001, "1e-05"), (12.5, "12.5")],
)
def test_short_numbers(value: float, text: str) -> None:
    """The exponent comes sooner."""
    assert short_number_text(value) == text


@settings(deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_the_same(value: float) -> None:
    """Nothing is rounded away."""
    assert float(number_text(value)) == float(short_number_text(value)) == value
