"""The burn-down of a budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.slo.stories import KEY, MONTH, instant, maintenance, objective, seconds, traffic
from tests.slo.test_budget import situations

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.slo.budget import judge_budgets
from tocsin.slo.burn_down import burn_down
from tocsin.slo.definition import Objective, Timeslices
from tocsin.testing.counts import MemoryCounts


def test_a_month_burns_down_in_steps() -> None:
    """After the outages of three weeks 38.2, 35.2 and 15.2 of 43.2 minutes are left; between them nothing changes."""
    counts = traffic(
        "2026-11-01 00:00", "2026-12-01 00:00", downtime={"2026-11-03 10:00": 5, "2026-11-10 10:00": 3, "2026-11-17 10:00": 20}
    )
    points = burn_down(objective(window=MONTH), counts, instant("2026-11-30 23:59"), points=31)
    assert points[0].at == instant("2026-11-01 00:00")
    assert points[-1].at == instant("2026-11-30 23:59")
    minutes = [round((point.remaining_ratio or 0.0) * 43.2, 1) for point in points]
    assert [minutes[day] for day in (0, 2, 7, 14, 21)] == [43.2, 43.2, 38.2, 35.2, 15.2]


def test_what_is_not_known_is_a_gap() -> None:
    """Points before counting began are None; a window without events has nothing but gaps."""
    points = burn_down(objective(), traffic("2026-11-10 12:00", "2026-11-20 12:00"), instant("2026-11-20 12:00"), points=31)
    assert [point.remaining_ratio for point in points] == [None] * 20 + [1.0] * 11
    assert {point.remaining_ratio for point in burn_down(objective(), MemoryCounts(), instant("2026-11-20 12:00"))} == {None}


def test_excluded_time_is_flat() -> None:
    """A maintenance costs nothing."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-15 02:00": 120})
    points = burn_down(objective(), counts, instant("2026-11-20 12:00"), [maintenance("2026-11-15 02:00", "2026-11-15 04:00")])
    assert {point.remaining_ratio for point in points} == {1.0}


def test_a_budget_may_go_below_nothing() -> None:
    """What is overspent is drawn below nought."""
    points = burn_down(
        objective(), traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-19 02:00": 60}), instant("2026-11-20 12:00")
    )
    assert points[-1].remaining_ratio == pytest.approx(1 - 60 / 43.2)


@pytest.mark.parametrize("points", [-1, 1, 5001])
def test_a_chart_has_at_least_two_points(points: int) -> None:
    """Fewer, or far too many, are refused."""
    with pytest.raises(InvalidInput, match="2 to 5000 points"):
        burn_down(objective(), MemoryCounts(), instant("2026-11-20 12:00"), points=points)


def test_a_month_that_has_just_begun_is_one_point() -> None:
    """Nothing has passed: there is nothing to draw."""
    counts = traffic("2026-10-01 00:00", "2026-11-01 00:00")
    (point,) = burn_down(objective(window=MONTH, budgeting=Timeslices(300, 0.9)), counts, instant("2026-11-01 00:00:30"))
    assert (point.at, point.remaining_ratio) == (instant("2026-11-01 00:00"), None)


@settings(max_examples=60)
@given(situation=situations())
def test_the_last_point_is_the_budget(
    situation: tuple[Objective, MemoryCounts, dict[int, tuple[int, int]], int, int, list[Exclusion]],
) -> None:
    """It goes down only, in at most so many steps, and ends where the budget stands."""
    one, counts, _, now, _, exclusions = situation
    points = burn_down(one, counts, now * 60 * 10**9, exclusions, points=40)
    (budget,) = judge_budgets([one], counts, now * 60 * 10**9, exclusions, windows=())
    ratios = [point.remaining_ratio for point in points if point.remaining_ratio is not None]
    assert len(points) <= 40
    assert [point.at for point in points] == sorted({point.at for point in points})
    assert ratios == sorted(ratios, reverse=True)
    assert (points[0].at, points[-1].at) == (budget.window_start, min(budget.window_end, now * 60 * 10**9))
    if points[-1].remaining_ratio is not None:
        assert points[-1].remaining_ratio == pytest.approx(budget.figures.remaining_ratio, abs=1e-9)


def test_late_counts_draw_an_earlier_step() -> None:
    """The chart is drawn from counts: what is counted late stands where it happened."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00")
    counts.add(KEY, seconds("2026-10-22 00:00"), total=2000)
    points = burn_down(objective(), counts, instant("2026-11-20 12:00"), points=31)
    assert [point.remaining_ratio for point in points[:2]] == [1.0, pytest.approx(1 - 2000 / 4322)]
