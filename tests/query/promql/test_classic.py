"""Quantiles and fractions of classic histograms, and their conversion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.query.promql.classic import bucket_fraction, bucket_quantile, parse_le, to_custom_buckets
from tocsin.query.promql.histogram_quantile import fraction, quantile

_INF = math.inf


def _quantile(q: float, buckets: dict[float, float]) -> float:
    counts = np.array(list(buckets.values()), dtype=np.float64)[:, None]
    present = np.ones_like(counts, dtype=np.bool_)
    return float(bucket_quantile(np.array([q]), np.array(list(buckets)), counts, present).values[0])


def _fraction(lower: float, upper: float, buckets: dict[float, float]) -> float:
    counts = np.array(list(buckets.values()), dtype=np.float64)[:, None]
    present = np.ones_like(counts, dtype=np.bool_)
    return float(bucket_fraction(np.array([lower]), np.array([upper]), np.array(list(buckets)), counts, present)[0])


@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.5, {2: 10, 4: 20, _INF: 20}, 2),
        (0.25, {2: 10, 4: 20, _INF: 20}, 1),  # the first bucket begins at 0
        (0.75, {4: 20, _INF: 20, 2: 10}, 3),  # out of order
        (0.9, {2: 10, 4: 20, _INF: 40}, 4),  # above the last bound only the bound is known
        (0.1, {-2: 10, 4: 20, _INF: 20}, -2),  # below a negative first bound, too
        (0.5, {2: 10, 4: 20}, math.nan),  # +Inf is missing
        (0.5, {_INF: 20}, math.nan),  # and alone says nothing
        (0.5, {2: 0, _INF: 0}, math.nan),
        (-1, {2: 1, _INF: 1}, -_INF),
        (2, {2: 1, _INF: 1}, _INF),
        (math.nan, {2: 1, _INF: 1}, math.nan),
        (2, {2: 1}, _INF),  # q comes first
        (0, {2: 0, 4: 5, _INF: 5}, math.nan),  # no share of an empty bucket
        (0.5, {2: 1, 4: 2, _INF: math.nan}, 4),
    ],
)
def test_quantiles(q: float, buckets: dict[float, float], expected: float) -> None:
    """Evenly divided within a bucket."""
    assert _quantile(q, buckets) == pytest.approx(expected, nan_ok=True)


def test_steps_are_apart_from_each_other() -> None:
    """Each step has its own quantile, and its own buckets."""
    counts = np.array([[10.0, 10.0, 0.0], [20.0, 0.0, 0.0], [20.0, 20.0, 0.0]])
    present = np.array([[True, True, False], [True, False, False], [True, True, False]])
    answer = bucket_quantile(np.array([0.75, 0.25, 0.5]), np.array([2, 4, _INF]), counts, present)
    np.testing.assert_allclose(answer.values, [3, 1, math.nan])


def test_equal_bounds_are_one_bucket() -> None:
    """`le="2"` and `le="2.0"` are the same bound: their counts add."""
    counts, present = np.array([[3.0], [2.0], [10.0]]), np.ones((3, 1), dtype=np.bool_)
    assert bucket_quantile(np.array([0.5]), np.array([2, 2, _INF]), counts, present).values.tolist() == [2.0]


def test_counts_that_fall_are_raised_and_told_of() -> None:
    """10, 8, 20: the second is taken as 10, which 2 of difference tell."""
    counts, present = np.array([[10.0], [8.0], [20.0], [19.0]]), np.ones((4, 1), dtype=np.bool_)
    answer = bucket_quantile(np.array([0.75]), np.array([2, 4, 8, _INF]), counts, present)
    assert answer.values.tolist() == [6]
    assert (answer.forced_monotonic[0], answer.forced_min_bucket[0], answer.forced_max_bucket[0]) == (True, 4, _INF)
    assert answer.forced_max_difference[0] == 2


def test_differences_of_rounding_are_mended_in_silence() -> None:
    """Less than a trillionth of the two counts is no fall."""
    counts, present = np.array([[10.0], [10 * (1 - 1e-13)], [20.0]]), np.ones((3, 1), dtype=np.bool_)
    answer = bucket_quantile(np.array([0.5]), np.array([2, 4, _INF]), counts, present)
    assert answer.values.tolist() == [2]
    assert not answer.forced_monotonic[0]


@pytest.mark.parametrize(
    ("lower", "upper", "buckets", "expected"),
    [
        (0, 2, {2: 10, 4: 20, _INF: 40}, 0.25),
        (1, 3, {2: 10, 4: 20, _INF: 40}, 0.25),
        (-5, 1, {2: 10, 4: 20, _INF: 40}, 0.125),  # the first bucket begins at 0
        (-_INF, _INF, {2: 10, 4: 20, _INF: 40}, 1),
        (4, 100, {2: 10, 4: 20, _INF: 40}, 0),
        (4, _INF, {2: 10, 4: 20, _INF: 40}, 0.5),
        (3, 1, {2: 10, _INF: 40}, 0),
        (math.nan, 1, {2: 10, _INF: 40}, math.nan),
        (0, 1, {2: 0, _INF: 0}, math.nan),
        (0, 1, {2: 10}, math.nan),
        (-_INF, -2, {-1: 10, _INF: 40}, 0.25),  # what is below a negative first bound lies at -Inf
        (-3, -1, {-1: 10, _INF: 40}, 0),
    ],
)
def test_fractions(lower: float, upper: float, buckets: dict[float, float], expected: float) -> None:
    """The share between two values."""
    assert _fraction(lower, upper, buckets) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "bound"),
    [("0.5", 0.5), ("+Inf", _INF), ("inf", _INF), ("-Infinity", -_INF), ("1e3", 1000), (".5", 0.5), ("5.", 5), ("0x1p-2", 0.25), ("+2", 2)],
)
def test_bounds_in_labels(text: str, bound: float) -> None:
    """Any spelling of a number."""
    assert parse_le(text) == bound


@pytest.mark.parametrize("text", ["", " 1", "1_000", "many", "0x", "1e", "\u0661", "--1", "1 ", "in"])
def test_labels_that_are_no_bounds(text: str) -> None:
    """Neither blanks, nor what only Python reads as a number."""
    assert parse_le(text) is None


@settings(deadline=None)
@given(steps=st.lists(st.integers(0, 30).map(float), min_size=4, max_size=4), q=st.floats(0.01, 0.99))
def test_converted_histograms_answer_the_same(steps: list[float], q: float) -> None:
    """A classic histogram and its native twin have the same quantiles and fractions."""
    counts = np.cumsum(steps)
    bounds = np.array([0.5, 2, 8, _INF])
    twin = to_custom_buckets(bounds, counts, 12.0, None)
    assert twin is not None
    assert (twin.custom_values, twin.count, twin.sum) == ((0.5, 2, 8), counts[-1], 12)
    buckets = dict(zip(bounds.tolist(), counts.tolist(), strict=True))
    if counts[-1] and not any(abs(q * counts[-1] - count) < 1e-9 for count in counts):  # at an edge either end is right
        assert quantile(q, twin)[0] == pytest.approx(_quantile(q, buckets))
    assert fraction(0.3, 5, twin)[0] == pytest.approx(_fraction(0.3, 5, buckets), nan_ok=True)


def test_conversion_without_the_last_bucket() -> None:
    """The count says what +Inf would have."""
    twin = to_custom_buckets(np.array([2, 1]), np.array([5.0, 3.0]), 0.0, 9.0)
    assert twin is not None
    assert twin.positive.counts.tolist() == [3, 2, 4]


def test_counts_that_are_no_histogram_are_not_converted() -> None:
    """Falling counts, or a count below the buckets."""
    assert to_custom_buckets(np.array([1, 2, _INF]), np.array([5.0, 3.0, 9.0]), 0.0, None) is None
    assert to_custom_buckets(np.array([1, _INF]), np.array([5.0, 6.0]), 0.0, 4.0) is None
