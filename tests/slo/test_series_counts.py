"""Good and total per minute out of series: exact for counters, whatever the scraping, and for values as they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.clock import RealClock
from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import STALE_NAN
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.slo.counting.series_counts import COUNTER_REACH_S, count_series, observe_series, reach_s
from tocsin.slo.definition import Operator, SeriesRatio, SeriesThreshold, SeriesValue
from tocsin.slo.minutes import MinuteRange

START_S = 1_700_000_040 // 60 * 60
MINUTE = 60


class Beside:
    """PromQL over series in memory, which counts the queries that it is asked."""

    def __init__(self, options: PromqlOptions | None = None) -> None:
        self.series = MemorySeries()
        self.promql = Promql(self.series, options or PromqlOptions(), clock=RealClock())
        self.asked: list[tuple[int, int]] = []

    def add(self, name: str, samples: Mapping[float, float], **labels: str) -> None:
        """Add samples by seconds from the start."""
        self.series.add(Labels({"__name__": name, **labels}), {round((START_S + at) * 1000): value for at, value in samples.items()})

    def range(self, query: str, *, start_ms: int, end_ms: int, step_ms: int, lookback_s: float | None = None) -> QueryAnswer:
        """Evaluate."""
        self.asked.append((start_ms, end_ms))
        return self.promql.range(query, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, lookback_s=lookback_s)


@pytest.fixture
def beside() -> Iterator[Beside]:
    """PromQL with the default options."""
    made = Beside()
    yield made
    made.promql.close()


def minutes(count: int, first: int = 0) -> MinuteRange:
    """So many minutes from the start."""
    return MinuteRange(START_S + first * MINUTE, START_S + (first + count) * MINUTE)


RATIO = SeriesRatio(total="sum(requests_total)", good='sum(requests_total{code="200"})')


def test_the_first_example(beside: Beside) -> None:
    """Counters of two codes, scraped every 30 seconds: the increases of each minute, from the sample before it."""
    beside.add("requests_total", {-10: 100, 20: 110, 50: 120, 80: 150, 110: 160}, code="200")
    beside.add("requests_total", {-10: 0, 20: 1, 50: 1, 80: 1, 110: 5}, code="500")
    counts = count_series(RATIO, beside, minutes(3))
    assert (counts.start_s, counts.end_s) == (START_S, START_S + 180)
    assert counts.good.tolist() == [20, 40, 0]
    assert counts.total.tolist() == [21, 44, 0]
    assert counts.excluded_total.tolist() == counts.excluded_good.tolist() == [0, 0, 0]


def test_a_sample_on_the_edge_belongs_to_the_minute_that_begins(beside: Beside) -> None:
    """Minutes are closed at their start and open at their end, as for events."""
    beside.add("requests_total", {-1: 0, 59.999: 1, 60: 3}, code="200")
    assert count_series(RATIO, beside, minutes(2)).total.tolist() == [1, 2]


def test_bad_events_are_taken_from_all(beside: Beside) -> None:
    """An inverted indicator counts what is bad; without a bad series all are good."""
    beside.add("requests_total", {-1: 0, 30: 10, 90: 20}, code="200")
    bad = SeriesRatio(total="sum(requests_total)", good='sum(requests_total{code=~"5.."})', inverted=True)
    assert count_series(bad, beside, minutes(2)).good.tolist() == [10, 10]
    beside.add("requests_total", {-1: 0, 30: 1, 90: 5}, code="503")
    counts = count_series(bad, beside, minutes(2))
    assert (counts.good.tolist(), counts.total.tolist()) == ([10, 10], [11, 14])


def test_what_grew_unseen_counts_when_it_is_seen(beside: Beside) -> None:
    """A gap in the scraping loses nothing while it is shorter than an hour; a longer one starts anew."""
    beside.add("requests_total", {0: 0, 40 * 60: 1000, 110 * 60: 5000, 110 * 60 + 30: 5001}, code="200")
    counts = count_series(RATIO, beside, minutes(120))
    assert {int(at): counts.total[at] for at in np.flatnonzero(counts.total)} == {40: 1000, 110: 1}


def test_a_reset_counts_from_nought(beside: Beside) -> None:
    """After a restart the counter's value is what it grew by, whether within a minute or between two."""
    beside.add("requests_total", {-1: 500, 10: 7, 50: 9, 70: 2}, code="200")
    assert count_series(RATIO, beside, minutes(2)).total.tolist() == [9, 2]


def test_terms_are_added_though_they_come_in_different_minutes(beside: Beside) -> None:
    """Two counters scraped at different times both count, also in a minute that knows only one of them."""
    beside.add("a_total", {-1: 0, 30: 5, 210: 6})
    beside.add("b_total", {-1: 0, 90: 10})
    both = SeriesRatio(total="sum(a_total) + sum(b_total)", good="sum(a_total)")
    counts = count_series(both, beside, minutes(4))
    assert counts.total.tolist() == [5, 10, 0, 1]
    assert counts.good.tolist() == [5, 0, 0, 1]


@st.composite
def scrapes(draw: st.DrawFn) -> tuple[dict[float, float], list[float]]:
    """Samples of a counter with resets and gaps, from before the start to two hours after it; and what it grew by at each but the first."""
    interval = draw(st.sampled_from([15, 60, 90]))
    at = -draw(st.integers(1, 300))
    value = float(draw(st.integers(0, 1000)))
    samples, grown = {float(at): value}, []
    while at < 7200:
        at += interval * draw(st.sampled_from([1] * 12 + [2, 5, 30]))
        if draw(st.integers(0, 9)) == 0:
            value = float(draw(st.integers(0, 3)))
        else:
            value += draw(st.integers(0, 20))
        grown.append(value - previous if value >= (previous := list(samples.values())[-1]) else value)
        samples[float(at)] = value
    return samples, grown


@given(st.lists(scrapes(), min_size=1, max_size=3))
@settings(max_examples=25)
def test_minutes_add_up_to_what_counters_grew_by(counters: list[tuple[dict[float, float], list[float]]]) -> None:
    """Whatever the intervals, resets and gaps: each minute has exactly what its samples grew by, so that all add up to the whole."""
    beside = Beside()
    expected = np.zeros(120)
    for index, (samples, grown) in enumerate(counters):
        beside.add("requests_total", samples, code="200", instance=str(index))
        for (_, at), growth in zip(pairwise(samples), grown, strict=True):
            if 0 <= at < 7200:
                expected[int(at // 60)] += growth
    counts = count_series(RATIO, beside, minutes(120))
    beside.promql.close()
    assert counts.total.tolist() == expected.tolist()
    assert counts.good.tolist() == expected.tolist()


def test_pieces_give_what_the_whole_gives() -> None:
    """A range is evaluated by days, and by less where a query may not be so large; what comes out is the same."""
    samples = {float(at): float(at) for at in range(-60, 2 * 86_400, 600)}
    found = []
    for options in (PromqlOptions(), PromqlOptions(points_max=100)):
        beside = Beside(options)
        beside.add("requests_total", samples, code="200")
        found.append(count_series(RATIO, beside, minutes(2 * 1440)).total)
        beside.promql.close()
        assert len(beside.asked) > 2
    assert found[0].tolist() == found[1].tolist()
    assert found[0].sum() == 172_800


def test_a_minute_that_is_too_much_is_an_error() -> None:
    """Where even one minute takes more than a query may, the refusal is passed on."""
    beside = Beside(PromqlOptions(samples_max=1000))
    for index in range(1100):
        beside.add("requests_total", {10: 1}, code=str(index))
    with pytest.raises(LimitExceeded):
        count_series(RATIO, beside, minutes(3))
    beside.promql.close()


def test_values_that_are_numbers_of_events(beside: Beside) -> None:
    """Without counters a value is what happened in its minute: it counts once, and no longer than that minute."""
    beside.add("runs", {30: 4, 90: 6}, result="good")
    beside.add("runs", {30: 1}, result="bad")
    runs = SeriesRatio(total="sum(runs)", good='runs{result="good"}', counter=False)
    counts = count_series(runs, beside, minutes(4))
    assert (counts.good.tolist(), counts.total.tolist()) == ([4, 6, 0, 0], [5, 6, 0, 0])


def test_more_good_than_all_is_put_right_and_said(beside: Beside) -> None:
    """Good never exceeds all, nothing is negative, and the minutes in which it would have are counted."""
    beside.add("good", {30: 9, 90: -2, 150: 3})
    beside.add("all", {30: 5, 90: 5, 150: 3})
    seen = observe_series(SeriesRatio("all", "good", counter=False), beside, minutes(3))
    assert (seen.counts.good.tolist(), seen.counts.total.tolist()) == ([5, 0, 3], [5, 5, 3])
    assert seen.implausible_minutes == 2


def test_what_is_no_number_is_no_event(beside: Beside) -> None:
    """NaN and infinity, as divisions by nought give them, are no events."""
    beside.add("all", {30: float("nan"), 90: float("inf"), 150: 2})
    assert count_series(SeriesRatio("all", "all", counter=False), beside, minutes(3)).total.tolist() == [0, 0, 2]


def test_a_share_is_one_observation_a_minute(beside: Beside) -> None:
    """A query that gives a share counts as one event, that much of it good; out of bounds it is cut, and said."""
    beside.add("share", {30: 0.9, 90: 1.5, 150: float("nan"), 210: STALE_NAN})
    seen = observe_series(SeriesValue("share"), beside, minutes(4))
    assert (seen.counts.good.tolist(), seen.counts.total.tolist()) == ([0.9, 1, 0, 0], [1, 1, 0, 0])
    assert seen.implausible_minutes == 1
    inverted = count_series(SeriesValue("share", inverted=True), beside, minutes(4))
    assert inverted.good.tolist() == pytest.approx([0.1, 0, 0, 0])


def test_several_shares_are_still_one_observation(beside: Beside) -> None:
    """A query with several series gives their mean."""
    beside.add("share", {30: 1.0}, zone="a")
    beside.add("share", {30: 0.5}, zone="b")
    counts = count_series(SeriesValue("share"), beside, minutes(1))
    assert (counts.good.tolist(), counts.total.tolist()) == ([0.75], [1])


@pytest.mark.parametrize(
    ("operator", "good"),
    [(Operator.BELOW, [1, 0]), (Operator.AT_MOST, [1, 1]), (Operator.ABOVE, [1, 1]), (Operator.AT_LEAST, [1, 2])],
)
def test_thresholds_observe_every_series(beside: Beside, operator: Operator, good: list[float]) -> None:
    """Of each series every minute is one observation, good by how it compares; a state holds on for five minutes without a sample."""
    beside.add("depth", {30: 50, 90: 100}, queue="a")
    beside.add("depth", {30: 200, 90: 200}, queue="b")
    counts = count_series(SeriesThreshold("depth", operator, 100), beside, minutes(2))
    assert (counts.good.tolist(), counts.total.tolist()) == (good, [2, 2])
    later = count_series(SeriesThreshold("depth", operator, 100), beside, minutes(10))
    assert later.total.tolist() == [2] * 6 + [0] * 4


def test_nothing_stored_is_nothing_observed(beside: Beside) -> None:
    """Without series every minute is empty, whatever the indicator."""
    for indicator in (RATIO, SeriesValue("share"), SeriesThreshold("depth", Operator.BELOW, 1)):
        assert count_series(indicator, beside, minutes(3)).total.tolist() == [0, 0, 0]


def test_how_long_a_late_sample_matters() -> None:
    """A late sample changes its own minute and those after it within the reach: an hour for counters, five minutes for states."""
    assert reach_s(RATIO) == COUNTER_REACH_S + 60
    assert reach_s(SeriesRatio("runs", "runs", counter=False)) == 60
    assert reach_s(SeriesValue("avg_over_time(share[1h])")) == 3600
    assert reach_s(SeriesThreshold("depth", Operator.BELOW, 1)) == 300
