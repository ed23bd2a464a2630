"""Tail probabilities of counts, against sums that can be done by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.query.usage.tail_probability import incomplete_beta, tail_probability


def negative_binomial_tail(count: int, mean: float, variance: float) -> float:
    """1 - P(X < count), term by term."""
    size = mean * mean / (variance - mean)
    share = size / (size + mean)
    terms = [
        math.exp(math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) + size * math.log(share) + k * math.log1p(-share))
        for k in range(count)
    ]
    return 1 - math.fsum(terms)


@given(st.integers(0, 200), st.floats(0.5, 100), st.floats(1.05, 20))
def test_tails_are_those_of_the_sum(count: int, mean: float, ratio: float) -> None:
    """For every mean and scatter the tail is what the terms add up to."""
    found = tail_probability(count, mean=mean, variance=mean * ratio)
    assert found == pytest.approx(negative_binomial_tail(count, mean, mean * ratio), abs=1e-9)


def test_without_scatter_it_is_poisson() -> None:
    """A variance that is not above the mean gives Poisson's distribution."""
    poisson = 1 - math.fsum(math.exp(-10) * 10**k / math.factorial(k) for k in range(20))
    assert tail_probability(20, mean=10, variance=10) == pytest.approx(poisson, rel=1e-3)
    assert tail_probability(20, mean=10, variance=3) == pytest.approx(poisson, rel=1e-3)


def test_extremes_are_numbers() -> None:
    """Huge counts, tiny means: a probability all the same."""
    assert tail_probability(0, mean=5, variance=9) == 1
    assert tail_probability(10**9, mean=1, variance=2) == 0
    assert 0 < tail_probability(1, mean=1e-6, variance=1e-6) < 1e-5
    assert tail_probability(10**6, mean=10**6, variance=10**7) == pytest.approx(0.5, abs=0.01)
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0, 1)


@given(st.integers(1, 5000), st.floats(0.1, 1000), st.floats(1, 50))
def test_more_is_less_probable(count: int, mean: float, ratio: float) -> None:
    """The tail falls with the count."""
    first, second = (tail_probability(number, mean=mean, variance=mean * ratio) for number in (count, count + 1))
    assert 0 <= second <= first + 1e-12 <= 1 + 1e-9
