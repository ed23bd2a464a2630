"""Quantiles, fractions, mean and spread of native histograms."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, custom_histograms, exponential, exponential_histograms

from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.histogram_layout import spread
from tocsin.query.promql.histogram_quantile import average, fraction, quantile, quantiles, standard_deviation, variance

_ANY = st.one_of(exponential_histograms(schemas=(-1, 5)), custom_histograms())


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (0, 1),  # the lower end of the lowest bucket
        (0.25, 2**0.5),  # half of the first bucket's logarithm
        (0.5, 4),  # after two of four nothing is up to 4, and the answer is where the next bucket begins
        (0.75, 4 * 2**0.5),
        (1, 8),
        (-0.1, -math.inf),
        (1.1, math.inf),
    ],
)
def test_exponential_buckets_are_divided_evenly_in_the_logarithm(q: float, expected: float) -> None:
    """Two in (1, 2], two in (4, 8]."""
    assert quantile(q, exponential([2, 0, 2]))[0] == pytest.approx(expected)


def test_negative_buckets_mirror_positive_ones() -> None:
    """The q-quantile of a mirrored histogram is minus the (1 - q)-quantile."""
    h, mirrored = exponential([2, 1, 5]), exponential([], negative=[2, 1, 5])
    for q in (0.1, 0.3, 0.6, 0.9):
        assert quantile(q, mirrored)[0] == pytest.approx(-quantile(1 - q, h)[0])


def test_zero_bucket_is_divided_evenly() -> None:
    """From 0 with positive buckets alone, from the negative threshold with none or both."""
    assert quantile(0.25, exponential([2], zero=(0.5, 2)))[0] == pytest.approx(0.25)
    assert quantile(0.25, exponential([], zero=(0.5, 2)))[0] == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.1, 1), (0.3, 3), (0.9, 5)],
)
def test_custom_buckets_are_divided_evenly(q: float, expected: float) -> None:
    """Two in (0, 2], two in (2, 4], none to 5, six above, of which only the bound is known."""
    assert quantile(q, custom([2, 2, 0, 6], (2, 4, 5)))[0] == pytest.approx(expected)


def test_first_custom_bucket_below_zero_has_only_an_upper_bound() -> None:
    """(-Inf, -1] answers -1."""
    assert quantile(0.1, custom([5, 5], (-1,)))[0] == -1


@pytest.mark.parametrize("h", [exponential([]), custom([0], ())])
def test_empty_histograms_have_no_quantiles(h: NativeHistogram) -> None:
    """Neither quantile, nor fraction, mean or spread."""
    assert all(math.isnan(value) for value in (quantile(0.5, h)[0], fraction(0, 1, h)[0], average(h), variance(h), standard_deviation(h)))


def test_nan_observations_count_as_highest() -> None:
    """Eight of ten in (1, 2], the others NaN: up to 0.8 the answer is skewed, above it there is none."""
    h = exponential([8], count=10, total=math.nan)
    value, remarks = quantile(0.4, h)
    assert value == pytest.approx(2**0.5)
    assert remarks[0].text("wait", function="histogram_quantile") == (
        'PromQL info: input to histogram_quantile has NaN observations, result is skewed higher for metric name "wait"'
    )
    value, remarks = quantile(0.81, h)
    assert math.isnan(value)
    assert remarks[0].text("", function="histogram_quantile") == (
        "PromQL info: input to histogram_quantile has NaN observations, result is NaN"
    )
    share, remarks = fraction(-math.inf, math.inf, h)
    assert share == pytest.approx(0.8)
    assert "excluded from all fractions" in remarks[0].text("wait", function="histogram_fraction")


def test_nothing_but_nan_observations() -> None:
    """There is no quantile, and no part of them lies anywhere."""
    h = exponential([], count=3, total=math.nan)
    assert math.isnan(quantile(0.5, h)[0])
    assert fraction(-math.inf, math.inf, h)[0] == 0


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (1, 2, 0.5),
        (2**0.5, 2, 0.25),
        (0, 100, 1),
        (-math.inf, math.inf, 1),
        (2, 4, 0),
        (5, 3, 0),
        (3, 3, 0),
        (math.nan, 3, math.nan),
        (3, math.nan, math.nan),
    ],
)
def test_fractions(lower: float, upper: float, expected: float) -> None:
    """Two in (1, 2], two in (4, 8]."""
    assert fraction(lower, upper, exponential([2, 0, 2]))[0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0, 1, 0.1),  # the first bucket begins at 0
        (-5, 1, 0.1),
        (1, 3, 0.2),
        (4, 100, 0),  # what is above the last bound lies at infinity
        (4, math.inf, 0.6),
    ],
)
def test_fractions_of_custom_buckets(lower: float, upper: float, expected: float) -> None:
    """Two in (0, 2], two in (2, 4], six above."""
    assert fraction(lower, upper, custom([2, 2, 6], (2, 4)))[0] == pytest.approx(expected)


def test_custom_buckets_have_no_zero_bucket() -> None:
    """(-1, 1] is divided evenly though 0 is inside; what is in (-Inf, -1] lies below every number."""
    h = custom([1, 2, 1], (-1, 1))
    assert fraction(-math.inf, 0, h)[0] == pytest.approx(0.5)
    assert fraction(-3, 0, h)[0] == pytest.approx(0.25)


def test_mean_and_spread() -> None:
    """Two at sqrt(2) and two at sqrt(32), the mean being 3: ((3 - 1.414)^2 + (5.657 - 3)^2) / 2."""
    h = exponential([2, 0, 2], total=12)
    assert average(h) == 3
    assert variance(h) == pytest.approx(((3 - 2**0.5) ** 2 + (32**0.5 - 3) ** 2) / 2)
    assert standard_deviation(h) == pytest.approx(variance(h) ** 0.5)


def test_spread_of_zero_and_custom_buckets_is_from_the_arithmetic_middle() -> None:
    """The zero bucket at 0, (2, 4] at 3."""
    assert variance(exponential([], zero=(0.5, 4), total=8)) == 4
    assert variance(custom([0, 5, 0], (2, 4), total=5)) == 4


def test_spread_of_nan_and_infinity() -> None:
    """A sum of NaN or infinity is the mean's and the spread's."""
    assert math.isnan(variance(exponential([1], total=math.nan)))
    assert variance(exponential([1], total=math.inf)) == math.inf


@settings(deadline=None)
@given(h=_ANY, qs=st.lists(st.floats(0, 1), min_size=2, max_size=6).map(sorted))
def test_quantiles_rise(h: NativeHistogram, qs: list[float]) -> None:
    """A higher quantile is never lower, and each lies within the populated buckets."""
    assume(h.count)
    values = [value for value, _ in quantiles(qs, h)]
    assert all(a <= b or a == pytest.approx(b, rel=1e-9) for a, b in pairwise(values))
    buckets = spread(h)
    assert all(buckets.lower[0] <= value + 1e-9 and value - 1e-9 <= buckets.upper[-1] for value in values)


@settings(deadline=None)
@given(h=exponential_histograms(schemas=(-1, 5)), q=st.floats(0.01, 0.99))
def test_fraction_below_a_quantile_is_the_quantile(h: NativeHistogram, q: float) -> None:
    """The two are each other's inverse."""
    assume(h.count and not (h.zero_threshold == 0 and h.zero_count))  # a bucket without width has no inside
    value = quantile(q, h)[0]
    assert fraction(-math.inf, value, h)[0] == pytest.approx(q, abs=1e-6)


@settings(deadline=None)
@given(h=_ANY, middle=st.floats(-100, 100))
def test_fractions_below_and_above_add_up(h: NativeHistogram, middle: float) -> None:
    """Every observation is on one side."""
    assume(h.count)
    assert fraction(-math.inf, middle, h)[0] + fraction(middle, math.inf, h)[0] == pytest.approx(1)
