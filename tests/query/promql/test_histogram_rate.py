"""Rates and resets of native histograms."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.histograms import custom, exponential, exponential_histograms

from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import add
from tocsin.query.promql.histogram_notes import Note
from tocsin.query.promql.histogram_rate import histogram_rate, instant_rate
from tocsin.query.promql.histogram_resets import count_changes, detect_reset, reset_flags

_MINUTE = 60_000


def _increase(points: list[NativeHistogram], start_ms: int, end_ms: int) -> NativeHistogram:
    times = np.arange(len(points), dtype=np.int64) * _MINUTE
    result = histogram_rate(points, times, start_ms, end_ms, is_counter=True, is_rate=False)[0]
    assert result is not None
    return result


def test_increase_extends_to_the_ends_of_the_range() -> None:
    """Ten observations in a minute, a range half a minute longer on either side: twenty; always a gauge."""
    h = exponential([100], total=50)
    later = exponential([110], total=60)
    result = _increase([h, later], -_MINUTE // 2, _MINUTE * 3 // 2)
    assert (result.count, result.sum, result.positive.counts.tolist()) == (20, 20, [20])
    assert result.reset is ResetHint.GAUGE


def test_rate_is_per_second() -> None:
    """Twelve in a minute, the range being that minute: 0.2 a second."""
    points, times = [exponential([100]), exponential([112])], np.array([0, _MINUTE])
    result = histogram_rate(points, times, 0, _MINUTE, is_counter=True, is_rate=True)[0]
    assert result is not None
    assert result.count == pytest.approx(0.2)


def test_counter_is_not_extended_beyond_where_it_was_zero() -> None:
    """From 2 to 12 in a minute, it was zero 12 s before; the gap of 30 s in the range is not filled."""
    result = _increase([exponential([2]), exponential([12])], -_MINUTE // 2, _MINUTE)
    assert result.count == pytest.approx(12)


def test_far_end_of_the_range_counts_half_a_gap() -> None:
    """Samples a minute apart that end two minutes before the range does: half a minute more."""
    assert _increase([exponential([100]), exponential([110])], 0, 3 * _MINUTE).count == pytest.approx(15)


def test_one_sample_has_no_rate() -> None:
    """A difference has two ends."""
    assert histogram_rate([exponential([1])], np.array([0]), 0, 1, is_counter=True, is_rate=True) == (None, ())


def test_what_was_counted_before_a_reset_is_added() -> None:
    """5, 8, reset to 2, 4: 3 before and 4 after."""
    counts = [5.0, 8.0, 2.0, 4.0]
    assert _increase([exponential([count]) for count in counts], 0, 3 * _MINUTE).count == pytest.approx(7)


def test_known_resets_are_not_looked_for() -> None:
    """Flags of a whole series, cut to the window, give what looking gives."""
    points = [exponential([count]) for count in (5.0, 8.0, 2.0, 4.0)]
    flags = reset_flags(points)
    assert flags == [False, False, True, False]
    times = np.arange(3, dtype=np.int64) * _MINUTE
    results = [
        histogram_rate(points[1:], times, 0, 2 * _MINUTE, is_counter=True, is_rate=False, resets=resets)[0] for resets in (None, flags[1:])
    ]
    assert [result.count for result in results if result is not None] == [4, 4]


def test_reset_is_one_of_the_whole_histogram() -> None:
    """One bucket falls, the count does not: all that was before counts again."""
    result = _increase([exponential([3, 3]), exponential([2, 9])], 0, _MINUTE)
    assert result.positive.counts.tolist() == [2, 9]


def test_sample_before_a_reset_may_have_any_layout() -> None:
    """It takes no part, so custom buckets before exponential ones are no contradiction."""
    points, times = [custom([9], ()), exponential([2])], np.array([0, _MINUTE])
    result, remarks = histogram_rate(points, times, 0, _MINUTE, is_counter=True, is_rate=False)
    assert result is not None
    assert (result.schema, result.count, remarks) == (0, 2, ())


@pytest.mark.parametrize("is_counter", [True, False])
def test_mixed_layouts_have_no_rate(*, is_counter: bool) -> None:
    """Neither do a counter's later samples mix, nor a gauge's first and last."""
    points = [exponential([1]), custom([1], ()), exponential([5])]
    if not is_counter:
        points = points[:2]
    times = np.arange(len(points)) * _MINUTE
    result, remarks = histogram_rate(points, times, 0, 2 * _MINUTE, is_counter=is_counter, is_rate=False)
    assert result is None
    assert Note.MIXED_SCHEMAS in [remark.note for remark in remarks]


def test_flavours_are_remarked_upon() -> None:
    """`rate` of a gauge and `delta` of a counter work, with a warning that names the metric."""
    gauge, counter = exponential([1], reset=ResetHint.GAUGE), exponential([1])
    times = np.array([0, _MINUTE])
    of_gauge = histogram_rate([counter, gauge], times, 0, _MINUTE, is_counter=True, is_rate=True)[1]
    of_counter = histogram_rate([gauge, counter], times, 0, _MINUTE, is_counter=False, is_rate=False)[1]
    assert of_gauge[0].text("lag") == 'PromQL warning: this native histogram metric is not a counter: "lag"'
    assert of_counter[0].text("lag") == 'PromQL warning: this native histogram metric is not a gauge: "lag"'
    assert histogram_rate([gauge, gauge], times, 0, _MINUTE, is_counter=False, is_rate=False)[1] == ()


def test_instant_rate_looks_at_two_samples() -> None:
    """`irate` per second, from zero after a reset; `idelta` the bare difference."""
    low, high = exponential([10]), exponential([40])
    up = instant_rate(low, high, 0, 2 * _MINUTE, is_rate=True)[0]
    down = instant_rate(high, low, 0, _MINUTE, is_rate=True)[0]
    difference = instant_rate(high, low, 0, _MINUTE, is_rate=False)[0]
    assert up is not None
    assert down is not None
    assert difference is not None
    assert [up.count, down.count, difference.count] == pytest.approx([0.25, 10 / 60, -30])
    assert instant_rate(low, high, 5, 5, is_rate=True) == (None, ())


@pytest.mark.parametrize(
    ("before", "after", "reset"),
    [
        (exponential([3, 3]), exponential([3, 3]), False),
        (exponential([3, 3]), exponential([3, 2], count=9), True),  # a bucket fell
        (exponential([3, 3]), exponential([3], count=9), True),  # a bucket went
        (exponential([3], count=9), exponential([3], count=8), True),
        (exponential([3], total=9), exponential([3], total=1), False),  # negative observations lower the sum
        (exponential([], zero=(0.1, 5)), exponential([9], zero=(0.1, 4)), True),
        (exponential([1, 2], schema=1), exponential([3], schema=0), False),  # resolution may come down
        (exponential([3], schema=0), exponential([1, 2], schema=1), True),  # but not go up
        (exponential([3], first=-3, zero=(0.01, 1)), exponential([], zero=(0.25, 4)), False),  # wider, and it holds what it took in
        (exponential([3], first=-1, zero=(0.01, 1)), exponential([9], zero=(0.3, 4)), True),  # wider, but it cuts a bucket
        (exponential([], zero=(0.5, 1)), exponential([], zero=(0.25, 4)), True),  # narrower
        (exponential([1]), custom([9], ()), True),
        (custom([1, 1], (1,)), custom([2, 1], (1,)), False),
        (custom([1, 1], (1,)), custom([2, 0], (1,)), True),
        (custom([1, 5], (1,)), custom([1, 2, 3], (1, 2)), False),  # compared between the bounds both have
        (custom([1, 5], (1,)), custom([0, 3, 3], (1, 2)), True),
    ],
)
def test_resets_are_falls_of_anything(before: NativeHistogram, after: NativeHistogram, *, reset: bool) -> None:
    """Any count that falls or goes, or a layout that could not have come from merging buckets."""
    assert detect_reset(before, after) is reset


def test_hints_say_whether_there_was_a_reset() -> None:
    """They are believed, unless the samples come from a subquery."""
    low, high = exponential([1]), exponential([5])
    assert detect_reset(low, replace(high, reset=ResetHint.RESET))
    assert not detect_reset(high, replace(low, reset=ResetHint.NOT_RESET))
    assert detect_reset(high, replace(low, reset=ResetHint.NOT_RESET), trust_hint=False)
    assert detect_reset(high, replace(low, reset=ResetHint.GAUGE))


def test_changes_are_of_values() -> None:
    """Turning into a gauge is none."""
    one, two = exponential([1]), exponential([2])
    assert count_changes([one, replace(one, reset=ResetHint.GAUGE), two, two, one]) == 2


@settings(deadline=None)
@given(points=st.lists(exponential_histograms(schemas=(-2, 3)), min_size=2, max_size=5))
def test_counter_that_only_grows_increases_by_last_minus_first(points: list[NativeHistogram]) -> None:
    """Adding histograms up makes no reset, and over just that range nothing is extrapolated."""
    growing = [points[0]]
    for point in points[1:]:
        grown = add(growing[-1], point)[0]
        assert grown is not None
        growing.append(grown)
    assert not any(detect_reset(a, b) for a, b in pairwise(growing))
    result = _increase(growing, 0, (len(points) - 1) * _MINUTE)
    assert result.count == pytest.approx(growing[-1].count - growing[0].count)
