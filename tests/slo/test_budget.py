"""Error budgets: the figures of a month's stories, and equality with a count by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slo.stories import KEY, MONTH, instant, maintenance, objective, seconds, traffic

from tocsin.model.budget import Exclusion
from tocsin.slo.answers import Budget, BudgetVerdict
from tocsin.slo.budget import judge_budgets
from tocsin.slo.definition import (
    Budgeting,
    CalendarWindow,
    EventCount,
    EventSignal,
    Objective,
    Occurrences,
    RatioTimeslices,
    RollingWindow,
    StreamRatio,
    Timeslices,
)
from tocsin.slo.minutes import MinuteCounts
from tocsin.testing.counts import MemoryCounts

OUTAGES = {"2026-11-03 10:00": 5, "2026-11-10 10:00": 3, "2026-11-17 10:00": 20}


def judge(one: Objective, counts: MemoryCounts, at: str, exclusions: Sequence[Exclusion] = ()) -> Budget:
    """The budget of one objective."""
    (budget,) = judge_budgets([one], counts, instant(at), exclusions)
    return budget


def test_a_month_at_three_nines_has_43_2_minutes() -> None:
    """0.1 % of 43,200 minutes; a clean month leaves all of it."""
    budget = judge(objective(window=MONTH), traffic("2026-11-01 00:00", "2026-11-30 23:59"), "2026-11-30 23:59")
    assert budget.figures.budget_minutes == pytest.approx(43.2)
    assert budget.figures.remaining_minutes == pytest.approx(43.2)
    assert budget.verdict is BudgetVerdict.MET


def test_on_day_15_with_35_minutes_of_downtime_8_2_minutes_are_left() -> None:
    """Half of the month is expected to bring as many events again: 35 of 43.2 minutes are spent, 8.2 are left."""
    counts = traffic("2026-11-01 00:00", "2026-11-16 00:00", downtime={"2026-11-09 03:00": 35})
    figures = judge(objective(window=MONTH), counts, "2026-11-16 00:00").figures
    assert figures.consumed_minutes == pytest.approx(35.0)
    assert figures.remaining_minutes == pytest.approx(8.2)
    assert figures.bad == 3500
    assert figures.allowed == pytest.approx(4320)
    assert figures.remaining == pytest.approx(820)


@pytest.mark.parametrize(("at", "left"), [("2026-11-08 00:00", 38.2), ("2026-11-15 00:00", 35.2), ("2026-11-22 00:00", 15.2)])
def test_a_budget_is_spent_week_by_week(at: str, left: float) -> None:
    """A deploy costs 5 minutes, a failover 3, another deploy 20: 38.2, 35.2 and 15.2 minutes are left."""
    budget = judge(objective(window=MONTH), traffic("2026-11-01 00:00", at, downtime=until(at)), at)
    assert budget.figures.remaining_minutes == pytest.approx(left)


def until(at: str) -> dict[str, int]:
    """The outages before an instant."""
    return {start: minutes for start, minutes in OUTAGES.items() if start < at}


def test_busy_minutes_weigh_more() -> None:
    """The same five minutes of downtime at ten times the traffic cost ten times as much: budgets are counts, not means of ratios."""
    counts = traffic("2026-10-21 12:00", "2026-11-20 12:00")
    counts.fill(KEY, seconds("2026-11-18 12:00"), seconds("2026-11-18 12:05"), total=1000)
    figures = judge(objective(), counts, "2026-11-20 12:00").figures
    assert figures.consumed_ratio == pytest.approx(5000 / (43_195 * 100 + 5000) / 0.001)
    assert figures.sli == pytest.approx(1 - 5000 / 4_324_500)


def test_no_events_are_no_observation() -> None:
    """Neither met nor breached; what would be allowed in minutes is still said."""
    counts = MemoryCounts()
    counts.known_from(KEY, seconds("2026-11-01 00:00"))
    budget = judge(objective(), counts, "2026-11-20 12:00")
    assert budget.verdict is BudgetVerdict.NO_DATA
    assert (budget.figures.sli, budget.figures.consumed_ratio, budget.figures.remaining_minutes) == (None, None, None)
    assert budget.exhausted_in_s is None
    assert budget.figures.budget_minutes == pytest.approx(43.2)
    assert budget.coverage.known_minutes == 19 * 1440 + 720
    assert judge(objective(), MemoryCounts(), "2026-11-20 12:00").coverage.known_from is None


def test_spending_exactly_all_of_it_is_still_met() -> None:
    """29 bad of 100 at 71 % leave exactly nothing, which keeps the promise; one more breaks it."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-10-01 00:00"), seconds("2026-10-01 00:01"))
    counts.add(KEY, seconds("2026-11-20 11:00"), good=71, total=100)
    budget = judge(objective(0.71), counts, "2026-11-20 12:00")
    assert (budget.verdict, budget.figures.consumed_ratio, budget.figures.remaining, budget.exhausted_in_s) == (BudgetVerdict.MET, 1, 0, 0)
    counts.add(KEY, seconds("2026-11-20 11:00"), total=1)
    assert judge(objective(0.71), counts, "2026-11-20 12:00").verdict is BudgetVerdict.BREACHED


def test_what_is_young_says_so() -> None:
    """Counted for three of thirty days: the budget stands for the whole window, the coverage says on what it rests."""
    budget = judge(objective(), traffic("2026-11-17 12:00", "2026-11-20 12:00", downtime={"2026-11-18 00:00": 1}), "2026-11-20 12:00")
    assert budget.coverage.ratio == pytest.approx(0.1)
    assert budget.coverage.known_from == instant("2026-11-17 12:00")
    assert budget.figures.allowed == pytest.approx(4320)
    assert budget.figures.consumed_minutes == pytest.approx(1.0)


def test_a_maintenance_is_shown_with_and_without() -> None:
    """Two hours of planned downtime would have broken the promise; excluded, their events count neither as good nor as bad."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-15 02:00": 120, "2026-11-16 02:00": 10})
    budget = judge(objective(), counts, "2026-11-20 12:00", [maintenance("2026-11-15 02:00:30", "2026-11-15 03:59:30")])
    assert budget.excluded_minutes == 120
    assert (budget.figures.bad, budget.figures.total) == (1000, 43_080 * 100)
    assert budget.figures.allowed == pytest.approx(4308)
    assert budget.without_exclusions.bad == 13_000
    assert budget.without_exclusions.consumed_minutes == pytest.approx(130)
    assert budget.coverage.known_minutes == 43_080
    assert budget.verdict is BudgetVerdict.MET


def test_events_that_a_query_excludes_come_back_in_the_other_figures() -> None:
    """Health checks stand in columns of their own."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-10-01 00:00"), seconds("2026-11-20 12:00"), good=9, total=10, excluded_good=30, excluded_total=30)
    budget = judge(objective(0.99), counts, "2026-11-20 12:00")
    assert budget.figures.consumed_ratio == pytest.approx(10)
    assert budget.without_exclusions.consumed_ratio == pytest.approx(2.5)
    assert budget.excluded_minutes == 0


def test_an_exclusion_of_another_service_changes_nothing() -> None:
    """Exclusions apply to their SLO, or to the SLOs of their service."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00")
    foreign = Exclusion("x", "", "payments", None, None, "", "mia", "theirs")
    other = Exclusion("y", "checkout-latency", "checkout", None, None, "", "mia", "another SLO")
    budget = judge(objective(), counts, "2026-11-20 12:00", [foreign, other])
    assert budget.figures == budget.without_exclusions


def test_very_many_exclusions_are_read_minute_by_minute() -> None:
    """Each hour of three days has a minute of maintenance in it: the figures are as exact as ever, from one statement."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-15 00:00": 4320})
    planned = [
        maintenance(f"2026-11-{15 + hour // 24} {hour % 24:02}:10", f"2026-11-{15 + hour // 24} {hour % 24:02}:11", name=str(hour))
        for hour in range(72)
    ]
    budget = judge(objective(), counts, "2026-11-20 12:00", planned)
    assert counts.statements == 1
    assert (budget.excluded_minutes, budget.figures.bad, budget.figures.total) == (72, 424_800, 4_312_800)
    assert judge(objective(), counts, "2026-11-20 12:00", planned[:50]).figures.bad == 427_000


def test_all_of_it_excluded_is_no_data() -> None:
    """A window that is one maintenance observed nothing."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00")
    budget = judge(objective(), counts, "2026-11-20 12:00", [maintenance("2026-09-01 00:00", "2026-12-01 00:00")])
    assert (budget.verdict, budget.excluded_minutes, budget.coverage.ratio) == (BudgetVerdict.NO_DATA, 43_200, 0.0)
    assert budget.without_exclusions.total == 4_320_000


def test_more_out_than_in_is_as_good_as_all() -> None:
    """Of two streams, what is late by a minute is not lost: only the sums over the window are compared."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-11-20 00:00"), seconds("2026-11-20 06:00"), good=0, total=10)
    counts.fill(KEY, seconds("2026-11-20 06:00"), seconds("2026-11-20 12:00"), good=21, total=10)
    flow = objective(0.9, indicator=StreamRatio(EventCount(EventSignal.LOGS, "in"), EventCount(EventSignal.LOGS, "out")))
    figures = judge(flow, counts, "2026-11-20 12:00").figures
    assert (figures.bad, figures.sli, figures.consumed_ratio) == (0, 1.0, 0.0)


def test_slices_without_events_do_not_count() -> None:
    """Five-minute slices that need 95 %: one bad minute of five spoils one of them, quiet hours are neither good nor bad."""
    counts = traffic("2026-11-20 06:00", "2026-11-20 12:00", downtime={"2026-11-20 07:01": 1, "2026-11-20 08:00": 7})
    figures = judge(objective(0.95, budgeting=Timeslices(300, 0.95)), counts, "2026-11-20 12:03").figures
    assert (figures.unit, figures.total, figures.bad) == ("slices", 72, 3)
    shares = judge(objective(0.95, budgeting=RatioTimeslices(300)), counts, "2026-11-20 12:03").figures
    assert shares.total == 72
    assert shares.bad == pytest.approx(0.2 + 1 + 0.4)


def test_a_slice_that_is_just_good_enough_is_good() -> None:
    """55 of 100 reach 0.55, although 0.55 * 100 is more than 55 to a computer."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-11-20 00:00"), seconds("2026-11-20 12:00"), good=55, total=100)
    assert judge(objective(0.9, budgeting=Timeslices(60, 0.55)), counts, "2026-11-20 12:00").figures.bad == 0


def test_one_call_judges_objectives_of_every_kind() -> None:
    """Answers come in the order of the question, whatever way each was read."""
    counts = traffic("2026-11-01 00:00", "2026-11-20 12:00", downtime={"2026-11-19 10:00": 6})
    many = [objective(budgeting=Timeslices(3600, 0.5)), objective(window=MONTH), objective(), objective(budgeting=RatioTimeslices(60))]
    budgets = judge_budgets(many, counts, instant("2026-11-20 12:00"))
    assert [budget.figures.unit for budget in budgets] == ["slices", "events", "events", "slices"]
    assert [budget.figures.bad for budget in budgets] == [0, 600, 600, 6]


def test_in_a_month_that_has_just_begun_nothing_is_known() -> None:
    """In the first minute of a calendar window nothing has passed."""
    budget = judge(objective(window=MONTH), traffic("2026-10-01 00:00", "2026-11-01 00:00"), "2026-11-01 00:00:20")
    assert (budget.verdict, budget.coverage.elapsed_minutes, budget.coverage.ratio) == (BudgetVerdict.NO_DATA, 0, 0.0)


@dataclass(frozen=True)
class Naive:
    """What a person counts with pencil and paper."""

    good: float
    total: float
    share: float


def count_by_hand(
    minutes: dict[int, tuple[int, int]], start: int, elapsed_end: int, end: int, known_from: int, out: set[int], budgeting: Budgeting
) -> Naive:
    """Minute by minute and slice by slice, in plain Python; times are minutes since 1970."""
    width = 1 if isinstance(budgeting, Occurrences) else budgeting.slice_s // 60
    good = total = 0.0
    first, last, whole = start // width * width, elapsed_end // width * width, end // width * width
    for begin in range(first, last, width):
        events = [minutes.get(minute, (0, 0)) for minute in range(begin, begin + width) if minute not in out]
        slice_good, slice_total = sum(pair[0] for pair in events), sum(pair[1] for pair in events)
        if isinstance(budgeting, Occurrences):
            good, total = good + slice_good, total + slice_total
        elif slice_total:
            total += 1
            ratio = slice_good / slice_total
            good += ratio if isinstance(budgeting, RatioTimeslices) else float(ratio >= budgeting.slice_target)
    known = sum(minute not in out for minute in range(max(first, known_from), last))
    return Naive(good, total, known / max(1, sum(minute not in out for minute in range(first, whole))))


def last_minutes(length: int, now: int, budgeting: Budgeting) -> tuple[int, int, int]:
    """Where the minutes of a burn rate begin and end: the last whole slice where a slice is longer; times are minutes since 1970."""
    width = 1 if isinstance(budgeting, Occurrences) else budgeting.slice_s // 60
    end = now // width * width if width > length else now
    return end - max(width, length), end, end


@st.composite
def situations(draw: st.DrawFn) -> tuple[Objective, MemoryCounts, dict[int, tuple[int, int]], int, int, list[Exclusion]]:
    """An objective over a few hours with counts, holes, and exclusions; the clock stands anywhere."""
    window: RollingWindow | CalendarWindow = draw(
        st.one_of(
            st.integers(1, 300).map(lambda minutes: RollingWindow(minutes * 60)),
            st.just(CalendarWindow(1, "d", "2026-01-01 00:00:00", "Asia/Kathmandu")),
        )
    )
    budgeting: Budgeting = draw(
        st.one_of(
            st.just(Occurrences()),
            st.builds(Timeslices, st.sampled_from([60, 300, 420, 5400]), st.sampled_from([0.5, 0.9, 1.0])),
            st.builds(RatioTimeslices, st.sampled_from([60, 300, 900])),
        )
    )
    now = seconds("2026-11-20 00:00") // 60 + draw(st.integers(0, 1440))
    known_from = now - draw(st.integers(0, 600))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    total = random.integers(0, 20, now - known_from) * random.integers(0, 2, now - known_from)
    good = random.integers(0, total + 1)
    counts = MemoryCounts()
    counts.known_from(KEY, known_from * 60)
    noughts = np.zeros(len(total))
    counts.put(KEY, MinuteCounts(known_from * 60, good.astype(float), total.astype(float), noughts, noughts))
    minutes = {known_from + index: (int(good[index]), int(total[index])) for index in range(len(total))}
    exclusions = []
    for number in range(draw(st.integers(0, 3))):
        begin = (now - draw(st.integers(-30, 400))) * 60 + draw(st.integers(0, 59))
        length = draw(st.integers(1, 6000))
        exclusions.append(Exclusion(str(number), "", "checkout", begin * 10**9, (begin + length) * 10**9, "", "mia", "tests"))
    one = objective(draw(st.sampled_from([0.5, 0.9, 0.99, 0.999])), window, budgeting=budgeting)
    return one, counts, minutes, now, known_from, exclusions


@settings(max_examples=150)
@given(situation=situations())
def test_budgets_equal_a_count_by_hand(
    situation: tuple[Objective, MemoryCounts, dict[int, tuple[int, int]], int, int, list[Exclusion]],
) -> None:
    """Whatever was counted, excluded and not known: figures and burn rates are those of a walk over the minutes in plain Python."""
    one, counts, minutes, now, known_from, exclusions = situation
    (budget,) = judge_budgets([one], counts, (now * 60 + 59) * 10**9, exclusions, windows=(300, 3600))
    start, end = budget.window_start // 60 // 10**9, budget.window_end // 60 // 10**9
    out = {minute for each in exclusions for minute in range((each.start or 0) // (60 * 10**9), -(-(each.end or 0) // (60 * 10**9)))}
    kept = count_by_hand(minutes, start, now, end, known_from, out, one.budgeting)
    everything = count_by_hand(minutes, start, now, end, known_from, set(), one.budgeting)
    for figures, naive in ((budget.figures, kept), (budget.without_exclusions, everything)):
        assert figures.total == naive.total
        assert figures.good == pytest.approx(naive.good, rel=1e-12)
        if naive.total:
            consumed = (naive.total - naive.good) / (naive.total * one.allowed_ratio / naive.share)
            assert figures.consumed_ratio == pytest.approx(consumed, abs=1e-9)
            assert figures.remaining == pytest.approx(figures.allowed - figures.bad)
    assert budget.excluded_minutes == len(out & set(range(start, end)))
    assert budget.coverage.known_minutes == sum(minute not in out for minute in range(max(start, known_from), now))
    for burn in budget.burn_rates:
        naive = count_by_hand(minutes, *last_minutes(burn.window_s // 60, now, one.budgeting), known_from, out, one.budgeting)
        assert burn.total == naive.total
        assert burn.bad == pytest.approx(naive.total - naive.good, abs=1e-9)
    if budget.figures.sli is not None and known_from <= start and end == now and isinstance(one.budgeting, Occurrences):
        breached = budget.figures.bad / budget.figures.total > one.allowed_ratio
        assert (budget.verdict is BudgetVerdict.BREACHED) is breached
    assert budget.sentence
