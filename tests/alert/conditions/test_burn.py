"""Burn-rate conditions: when they hold, what they say, and what they cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slo.stories import KEY, instant, maintenance, objective, seconds, traffic

from tocsin.alert.conditions.burn import BurnEvaluator
from tocsin.alert.definition import BurnAbove, BurnPair
from tocsin.clock import ReplayClock
from tocsin.errors import NotFound, StoreError
from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.definition import Budgeting, CalendarWindow, Objective, Occurrences, RatioTimeslices, Timeslices
from tocsin.testing.counts import MemoryCounts

AT = "2026-11-20 12:00"
PAGE = BurnAbove(KEY, 14.4, 3600, 300, more=(BurnPair(6.0, 21_600, 1800),))


class Bench:
    """An evaluator over counts in memory, on a clock that is moved by hand."""

    def __init__(self, counts: MemoryCounts, *objectives: Objective, exclusions: list[Exclusion] | None = None) -> None:
        self.now_s = 0.0
        self.objectives = {one.key: one for one in objectives or (objective(),)}
        self.evaluator = BurnEvaluator(lambda: self.objectives, counts, lambda: exclusions or [], clock=self, settle_s=0)

    def now_ns(self) -> int:
        """Not used."""
        raise AssertionError

    def monotonic_s(self) -> float:
        """As it was set."""
        return self.now_s


def test_a_total_failure_holds_with_its_numbers() -> None:
    """Three minutes of total failure at the end of an hour: 50 times too fast over the hour, 600 over five minutes."""
    counts = traffic("2026-11-19 12:00", AT, downtime={"2026-11-20 11:57": 3})
    (element,) = Bench(counts).evaluator.at(PAGE, instant(AT))
    assert dict(element.labels) == {"objective": KEY, "slo": KEY, "service": "checkout"}
    assert element.value == pytest.approx(50)
    assert element.note == (
        "burns 50x over 1 h and 600x over 5 min (more than 14.4x is too fast): 300 of 6,000 events bad; "
        "at this rate a full 30-day budget lasts 14 h 24 min"
    )


def test_it_ends_as_soon_as_the_short_window_is_clean() -> None:
    """The long window still burns; the short one says that it is over."""
    counts = traffic("2026-11-19 12:00", AT, downtime={"2026-11-20 11:50": 3})
    assert Bench(counts).evaluator.at(replace(PAGE, more=()), instant(AT)) == ()


def test_the_slower_pair_is_enough() -> None:
    """Eight times too fast for six hours: not the first pair, but the second, and that is what is said."""
    counts = traffic("2026-11-19 12:00", "2026-11-20 06:00")
    counts.fill(KEY, seconds("2026-11-20 06:00"), seconds(AT), good=992, total=1000)
    (element,) = Bench(counts).evaluator.at(PAGE, instant(AT))
    assert element.value == pytest.approx(8)
    assert "over 6 h" in element.note
    assert "more than 6x" in element.note


def test_exactly_the_factor_is_not_above_it() -> None:
    """A burn rate that equals the factor does not hold."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-11-20 10:00"), seconds(AT), good=994, total=1000)
    assert Bench(counts).evaluator.at(BurnAbove(KEY, 6.0, 3600, 300), instant(AT)) == ()
    assert Bench(counts).evaluator.at(BurnAbove(KEY, 5.999, 3600, 300), instant(AT))


def test_one_failure_on_little_traffic_is_no_fire() -> None:
    """Ten requests an hour, one fails: a hundred times too fast, and nobody is woken; two are told."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-11-20 11:58"), seconds(AT), good=4, total=4)
    counts.add(KEY, seconds("2026-11-20 11:59"), total=1)
    assert Bench(counts).evaluator.at(PAGE, instant(AT)) == ()
    counts.add(KEY, seconds("2026-11-20 11:58"), total=1)
    assert Bench(counts).evaluator.at(PAGE, instant(AT))


def test_without_events_nothing_is_known() -> None:
    """No traffic neither holds nor fails."""
    assert Bench(MemoryCounts()).evaluator.at(PAGE, instant(AT)) == ()


def test_what_is_excluded_does_not_burn() -> None:
    """Planned downtime is nobody's alert."""
    counts = traffic("2026-11-19 12:00", AT, downtime={"2026-11-20 11:30": 30})
    bench = Bench(counts, exclusions=[maintenance("2026-11-20 11:30", "2026-11-20 12:00")])
    assert bench.evaluator.at(PAGE, instant(AT)) == ()
    assert bench.evaluator.over(PAGE, [instant(AT)]) == [()]
    assert Bench(counts).evaluator.at(PAGE, instant(AT))


def test_the_minute_that_is_being_counted_does_not_count_yet() -> None:
    """Ten seconds into a minute the one before it is not settled."""
    counts = traffic("2026-11-20 10:00", AT, downtime={"2026-11-20 11:59": 1})
    evaluator = BurnEvaluator(lambda: {KEY: objective()}, counts, tuple, clock=ReplayClock(0, speed=0), settle_s=30)
    condition = BurnAbove(KEY, 1, 300, 60)
    assert evaluator.at(condition, instant(AT) + 10 * NANOSECONDS) == ()
    assert evaluator.at(condition, instant(AT) + 30 * NANOSECONDS)


def test_five_thousand_rules_are_one_statement() -> None:
    """A start takes one for each kind of window; from the next minute on it is one for all."""
    many = [replace(objective(), key=f"o{number}", slo=f"o{number}") for number in range(5000)]
    counts = MemoryCounts()
    counts.fill("o7", seconds("2026-11-20 10:00"), seconds(AT) + 600, good=0, total=10)
    bench = Bench(counts, *many)
    rules = [BurnAbove(one.key, 14.4, 3600, 300, more=(BurnPair(6.0, 21_600, 1800),)) for one in many]
    rules += [BurnAbove(one.key, 3, 86_400, 7200) for one in many[:100]]

    def firing(at: int) -> list[str]:
        return [element.labels.get("objective") for rule in rules for element in bench.evaluator.at(rule, at)]

    assert firing(instant(AT)) == ["o7", "o7"]
    assert counts.statements == 2
    bench.now_s = 60
    assert firing(instant("2026-11-20 12:01")) == ["o7", "o7"]
    assert counts.statements == 3
    assert firing(instant("2026-11-20 12:01") + 15 * NANOSECONDS) == ["o7", "o7"]
    assert counts.statements == 3
    assert bench.evaluator.statistics().reads == 3


def test_an_objective_that_is_gone_is_named() -> None:
    """Its rule says so, with the one that was probably meant."""
    with pytest.raises(NotFound, match=r"no objective is called 'checkout-availabilty'; did you mean 'checkout-availability'"):
        Bench(MemoryCounts()).evaluator.at(BurnAbove("checkout-availabilty", 1, 3600, 300), instant(AT))


class Failing(MemoryCounts):
    """Counts that can't be read."""

    def sums(self, objectives: object, ranges: object) -> dict[str, list[object]]:  # type: ignore[override]
        """Fail, and count that."""
        self.statements += 1
        raise StoreError("no engine")


def test_a_failure_is_everybodys_for_a_moment() -> None:
    """A thousand rules don't wait for a thousand timeouts; ten seconds later it is tried again."""
    counts = Failing()
    bench = Bench(counts)
    for _ in range(20):
        with pytest.raises(StoreError):
            bench.evaluator.at(PAGE, instant(AT))
    assert counts.statements == 1
    bench.now_s = 11
    with pytest.raises(StoreError):
        bench.evaluator.at(PAGE, instant(AT))
    assert counts.statements == 2


def test_a_month_lasts_as_long_as_months_do() -> None:
    """The budget of a calendar window is named after its period."""
    counts = traffic("2026-11-19 12:00", AT, downtime={"2026-11-20 11:57": 3})
    (element,) = Bench(counts, objective(window=CalendarWindow(1, "M", "2026-01-01 00:00:00", "UTC"))).evaluator.at(PAGE, instant(AT))
    assert element.note.endswith("at this rate a full month's budget lasts 14 h 37 min")


BUDGETINGS: list[Budgeting] = [Occurrences(), Timeslices(300, 0.9), RatioTimeslices(120), Timeslices(7200, 0.5)]


@settings(max_examples=30)
@given(
    budgeting=st.sampled_from(BUDGETINGS),
    counts=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10)), min_size=1, max_size=500),
    step=st.sampled_from([15, 60, 300, 3600]),
    factor=st.sampled_from([0.5, 2.0, 14.4]),
    excluded=st.none() | st.tuples(st.integers(0, 400), st.integers(1, 60)),
)
def test_a_replay_finds_what_each_instant_found(
    budgeting: Budgeting, counts: list[tuple[int, int]], step: int, factor: float, excluded: tuple[int, int] | None
) -> None:
    """Over a stretch of the past each answer is the one of its instant, whatever is counted, cut into slices or excluded."""
    end_s = seconds(AT)
    start_s = end_s - 60 * len(counts)
    memory = MemoryCounts()
    for place, (good, bad) in enumerate(counts):
        memory.fill(KEY, start_s + 60 * place, start_s + 60 * place + 60, good=good, total=good + bad)
    exclusions = []
    if excluded is not None:
        first = (start_s + 60 * excluded[0]) * NANOSECONDS
        exclusions = [replace(maintenance(AT, AT), start=first, end=first + excluded[1] * 60 * NANOSECONDS)]
    bench = Bench(memory, objective(budgeting=budgeting), exclusions=exclusions)
    condition = BurnAbove(KEY, factor, 3600, 300, more=(BurnPair(factor / 2, 7200, 600),))
    times = [(start_s + offset) * NANOSECONDS for offset in range(0, 60 * len(counts) + 600, max(step, 60 * len(counts) // 40))]
    replayed = bench.evaluator.over(condition, times)
    assert len(replayed) == len(times)
    for at, found in zip(times, replayed, strict=True):
        alone = Bench(memory, objective(budgeting=budgeting), exclusions=exclusions).evaluator.at(condition, at)
        assert [(element.labels, element.note) for element in alone] == [(element.labels, element.note) for element in found]


def test_a_range_before_anything_is_empty() -> None:
    """A replay of nothing asks nothing."""
    counts = MemoryCounts()
    assert Bench(counts).evaluator.over(PAGE, []) == []
    assert counts.statements == 0
