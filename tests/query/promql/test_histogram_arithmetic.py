"""Sums, differences, multiples and equality of native histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, custom_histograms, exponential, exponential_histograms, held

from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import (
    add,
    average_of,
    compact,
    compensated_sum,
    divide,
    equal,
    negate,
    scale,
    subtract,
    sum_of,
)
from tocsin.query.promql.histogram_notes import Level, Note, Operation

_ANY = st.one_of(exponential_histograms(), custom_histograms())


def _sum(a: NativeHistogram, b: NativeHistogram) -> NativeHistogram:
    result = add(a, b)[0]
    assert result is not None
    return result


def test_buckets_add_where_they_stand() -> None:
    """Histograms of the same layout add bucket by bucket, and the result has no empty ends."""
    result = _sum(exponential([1, 2], first=3, total=10), exponential([4], first=1, total=5))
    assert (result.count, result.sum, result.positive.offset) == (7, 15, 1)
    assert result.positive.counts.tolist() == [4, 0, 1, 2]


def test_lower_resolution_wins() -> None:
    """Schema 1 has four buckets from 1 to 4, which schema -1 has as one."""
    result = _sum(exponential([1, 1, 1, 1], schema=1), exponential([5], schema=-1))
    assert (result.schema, result.positive.offset, result.positive.counts.tolist()) == (-1, 1, [9])


def test_wider_zero_bucket_takes_in_what_it_covers() -> None:
    """A zero bucket up to 0.5 swallows the buckets of the other below it."""
    result = _sum(exponential([1, 2, 4], first=-2, zero=(0.01, 3)), exponential([], zero=(0.5, 10)))
    assert (result.zero_threshold, result.zero_count) == (0.5, 16)  # (1/8, 1/4], (1/4, 1/2] are inside, (1/2, 1] is not
    assert (result.positive.offset, result.positive.counts.tolist()) == (0, [4])


def test_zero_bucket_never_ends_inside_a_populated_bucket() -> None:
    """A threshold of 0.3 inside (0.25, 0.5] moves to 0.5; inside an empty bucket it stays."""
    assert _sum(exponential([2], first=-1), exponential([], zero=(0.3, 1))).zero_threshold == 0.5
    assert _sum(exponential([2], first=4), exponential([], zero=(0.3, 1))).zero_threshold == 0.3


def test_raised_threshold_is_checked_against_every_histogram() -> None:
    """One moves the threshold from 0.3 to 0.5, which lies inside the coarse bucket (1/16, 1] of another."""
    histograms = [exponential([2], first=-1), exponential([], zero=(0.3, 1)), exponential([3], first=0, schema=-2)]
    result = sum_of(histograms)[0]
    assert result is not None
    assert (result.zero_threshold, result.zero_count, result.count) == (1.0, 6, 6)


def test_custom_bounds_are_reconciled_to_those_both_have() -> None:
    """Buckets up to 1, 2, 5 and up to 2, 3, 5 share 2 and 5; an info says so."""
    result, remarks = add(custom([1, 2, 3, 4], (1, 2, 5)), custom([10, 20, 30, 40], (2, 3, 5)))
    assert result is not None
    assert (result.custom_values, result.positive.counts.tolist()) == ((2, 5), [13, 53, 44])
    assert [remark.text() for remark in remarks] == ["PromQL info: mismatched custom buckets were reconciled during addition"]


def test_custom_bounds_with_nothing_in_common_leave_one_bucket() -> None:
    """Without a shared bound all observations are in (-Inf, +Inf)."""
    result = _sum(custom([1, 2], (1,)), custom([3, 4], (2,)))
    assert (result.custom_values, result.positive.counts.tolist()) == ((), [10])


def test_custom_and_exponential_do_not_mix() -> None:
    """No result, and a warning."""
    result, remarks = add(custom([1, 2], (1,)), exponential([1]))
    assert result is None
    assert remarks[0].note is Note.MIXED_SCHEMAS
    assert remarks[0].level is Level.WARNING
    assert subtract(exponential([1]), custom([1], ()))[0] is None
    assert sum_of([exponential([1]), custom([1], ())])[0] is None


@pytest.mark.parametrize(
    ("left", "right", "result", "warned"),
    [
        (ResetHint.UNKNOWN, ResetHint.UNKNOWN, ResetHint.UNKNOWN, False),
        (ResetHint.RESET, ResetHint.RESET, ResetHint.RESET, False),
        (ResetHint.NOT_RESET, ResetHint.UNKNOWN, ResetHint.UNKNOWN, False),
        (ResetHint.GAUGE, ResetHint.NOT_RESET, ResetHint.GAUGE, False),
        (ResetHint.RESET, ResetHint.NOT_RESET, ResetHint.UNKNOWN, True),
    ],
)
def test_hints_of_sums(left: ResetHint, right: ResetHint, result: ResetHint, *, warned: bool) -> None:
    """Equal hints stay, a gauge makes a gauge, contradictions are unknown and warned of."""
    total, remarks = add(exponential([1], reset=left), exponential([1], reset=right))
    assert total is not None
    assert total.reset is result
    texts = [remark.text() for remark in remarks]
    assert texts == (["PromQL warning: conflicting counter resets during histogram addition"] if warned else [])


def test_aggregation_warns_of_contradicting_resets_beside_a_gauge() -> None:
    """The third being a gauge doesn't hide that the other two contradict each other."""
    hints = (ResetHint.RESET, ResetHint.NOT_RESET, ResetHint.GAUGE)
    total, remarks = sum_of([exponential([1], reset=hint) for hint in hints])
    assert total is not None
    assert total.reset is ResetHint.GAUGE
    assert (remarks[0].note, remarks[0].operation) == (Note.COUNTER_RESETS_CONFLICT, Operation.AGGREGATION)


def test_differences_are_gauges() -> None:
    """They may be negative, so counter resets can't be looked for."""
    result = subtract(exponential([5, 1], total=9), exponential([2, 4], total=3))[0]
    assert result is not None
    assert (result.reset, result.sum, result.positive.counts.tolist()) == (ResetHint.GAUGE, 6, [3, -3])


def test_multiples() -> None:
    """Everything that counts is multiplied; a negative factor makes a gauge."""
    h = exponential([1, 2], zero=(0.5, 4), total=10)
    double = scale(h, 2)
    assert (double.count, double.sum, double.zero_count, double.positive.counts.tolist()) == (14, 20, 8, [2, 4])
    assert double.reset is ResetHint.UNKNOWN
    assert negate(h).reset is ResetHint.GAUGE
    assert divide(h, -2).count == -3.5
    assert divide(h, -2).reset is ResetHint.GAUGE


def test_infinite_multiples_leave_empty_buckets_empty() -> None:
    """0 times infinity is NaN, but nothing was ever in that bucket."""
    assert scale(exponential([1, 0, 2]), math.inf).positive.counts.tolist() == [math.inf, 0, math.inf]


def test_division_by_zero_keeps_only_totals() -> None:
    """Count, sum and zero bucket become infinite or NaN, regular buckets go."""
    result = divide(exponential([1, 2], zero=(0.5, 0), total=-10), 0)
    assert (result.count, result.sum, len(result.positive.counts)) == (math.inf, -math.inf, 0)
    assert math.isnan(result.zero_count)


def test_equality_ignores_empty_buckets_and_hints() -> None:
    """How a histogram is written down, and its flavour, make no difference."""
    assert equal(exponential([0, 1, 0], first=1), exponential([1], first=2, reset=ResetHint.GAUGE))
    assert equal(exponential([1], total=math.nan), exponential([1], total=math.nan))
    assert not equal(exponential([1], total=math.nan), exponential([1]))
    assert not equal(exponential([1]), exponential([1], schema=1))
    assert not equal(exponential([], zero=(0.1, 1)), exponential([], zero=(0.2, 1)))
    assert not equal(custom([1, 1], (1,)), custom([1, 1], (2,)))
    assert not equal(exponential([1, 2]), exponential([2, 1]))


def test_sums_keep_what_rounding_would_lose() -> None:
    """1e100 comes and goes; the ones in between stay."""
    rows = np.array([[1.0], [1e100], [1.0], [-1e100]])
    assert compensated_sum(rows).tolist() == [2.0]


def test_averages_survive_sums_that_overflow() -> None:
    """The mean of two counts near the largest number is near it, too."""
    result = average_of([exponential([], count=1.5e308, total=1), exponential([], count=1.5e308, total=3)])[0]
    assert result is not None
    assert result.count == pytest.approx(1.5e308)
    assert result.sum == 2


def test_average_of_one_is_itself() -> None:
    """Nothing is rounded."""
    h = exponential([1, 2, 3], total=0.1, reset=ResetHint.NOT_RESET)
    result = average_of([h])[0]
    assert result is not None
    assert equal(result, h)
    assert result.reset is ResetHint.NOT_RESET


@settings(deadline=None)
@given(a=_ANY, b=_ANY)
def test_addition_commutes(a: NativeHistogram, b: NativeHistogram) -> None:
    """Left and right don't matter, not even for whether there is a result."""
    left, right = add(a, b)[0], add(b, a)[0]
    assert (left is None) == (right is None)
    if left is not None and right is not None:
        assert equal(left, right)


@settings(deadline=None)
@given(histograms=st.lists(exponential_histograms(), min_size=3, max_size=3))
def test_addition_is_associative_in_what_it_counts(histograms: list[NativeHistogram]) -> None:
    """In whatever order, the total is the same and every observation is in some bucket."""
    a, b, c = histograms
    left, right = _sum(_sum(a, b), c), _sum(a, _sum(b, c))
    assert left.count == right.count == held(left) == held(right)
    assert left.sum == right.sum
    assert left.schema == right.schema


@settings(deadline=None)
@given(a=_ANY)
def test_sum_of_many_is_a_multiple(a: NativeHistogram) -> None:
    """Three times the same is the same as times three."""
    total = sum_of([a, a, a])[0]
    assert total is not None
    assert equal(total, compact(scale(a, 3)))


@settings(deadline=None)
@given(a=exponential_histograms(), b=exponential_histograms())
def test_subtraction_undoes_addition(a: NativeHistogram, b: NativeHistogram) -> None:
    """(a + b) - b has the counts of a, at the resolution that was left."""
    back = subtract(_sum(a, b), b)[0]
    assert back is not None
    assert (back.count, back.sum) == (a.count, a.sum)
    assert held(back) == a.count


@settings(deadline=None)
@given(a=custom_histograms(), b=custom_histograms())
def test_reconciling_bounds_keeps_counts(a: NativeHistogram, b: NativeHistogram) -> None:
    """No observation is lost between the bounds that are given up."""
    result = _sum(a, b)
    assert held(result) == a.count + b.count
