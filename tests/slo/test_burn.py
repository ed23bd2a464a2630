"""Burn rates, and how long a budget lasts at them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.slo.stories import DAY_S, KEY, MONTH, instant, maintenance, objective, seconds, traffic

from tocsin.slo.answers import BurnRate
from tocsin.slo.budget import judge_budgets
from tocsin.slo.burn import BURN_WINDOWS_S, burn_rate, exhausted_in_s, present_rate
from tocsin.slo.definition import RatioTimeslices
from tocsin.slo.figures import figures_of
from tocsin.slo.reading import Tally
from tocsin.testing.counts import MemoryCounts

NOTHING = figures_of(Tally(), allowed_ratio=0.001, share=1.0, window_minutes=43_200, unit="events")


def burning(counts: MemoryCounts, at: str) -> dict[int, BurnRate]:
    """Burn rates of the objective by their window."""
    (budget,) = judge_budgets([objective()], counts, instant(at))
    return {burn.window_s: burn for burn in budget.burn_rates}


def test_two_minutes_in_an_hour_burn_at_33x() -> None:
    """2 of 43.2 minutes in the last hour are 33.3x, and 1.4x over the day; a full budget would be gone in 21.6 hours."""
    rates = burning(traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-20 11:30": 2}), "2026-11-20 12:00")
    assert rates[3600].rate == pytest.approx(2 / 43.2 * 720)
    assert rates[3600].rate == pytest.approx(33.3, abs=0.05)
    assert rates[86_400].rate == pytest.approx(1.39, abs=0.005)
    assert rates[300].rate == 0.0
    hours = (exhausted_in_s(1.0, rates[3600].rate or 0.0, window_s=30 * DAY_S, left_s=None) or 0.0) / 3600
    assert hours == pytest.approx(21.6)


def test_burn_rates_come_shortest_first() -> None:
    """5m, 30m, 1h, 2h, 6h, 1d and 3d, each with its counts."""
    (budget,) = judge_budgets([objective()], traffic("2026-10-01 00:00", "2026-11-20 12:00"), instant("2026-11-20 12:00"))
    assert tuple(burn.window_s for burn in budget.burn_rates) == BURN_WINDOWS_S == (300, 1800, 3600, 7200, 21_600, 86_400, 259_200)
    assert [burn.total for burn in budget.burn_rates] == [length_s / 60 * 100 for length_s in BURN_WINDOWS_S]


def test_no_events_are_no_burn_rate() -> None:
    """A service that is silent since ten minutes has no rate over five, and an ordinary one over an hour."""
    rates = burning(traffic("2026-10-01 00:00", "2026-11-20 11:50"), "2026-11-20 12:00")
    assert rates[300].rate is None
    assert rates[3600].rate == 0.0


def test_burn_rates_say_what_they_rest_on() -> None:
    """Counted since 90 minutes: all of the hour is known, three quarters of two, a sixteenth of a day."""
    rates = burning(traffic("2026-11-20 10:30", "2026-11-20 12:00"), "2026-11-20 12:00")
    assert [rates[length_s].coverage for length_s in (3600, 7200, 86_400)] == [1.0, 0.75, 0.0625]


def test_excluded_minutes_do_not_burn() -> None:
    """Downtime in a maintenance does not count, and its minutes are not known minutes."""
    counts = traffic("2026-10-01 00:00", "2026-11-20 12:00", downtime={"2026-11-20 11:30": 15})
    (budget,) = judge_budgets(
        [objective()], counts, instant("2026-11-20 12:00"), [maintenance("2026-11-20 11:30", "2026-11-20 11:45")], windows=(3600,)
    )
    assert budget.burn_rates == [BurnRate(3600, 0.0, 0.0, 4500.0, 0.75)]


def test_burn_rates_look_back_beyond_a_young_calendar_window() -> None:
    """On the first of a month the rate over three days includes the last days of the month before; the budget does not."""
    counts = traffic("2026-10-01 00:00", "2026-11-01 01:00", downtime={"2026-10-31 12:00": 30})
    (budget,) = judge_budgets([objective(window=MONTH)], counts, instant("2026-11-01 01:00"))
    assert budget.figures.bad == 0
    assert budget.burn_rates[-1].bad == 3000


def test_the_present_rate_falls_back_to_longer_windows() -> None:
    """The last hour says how fast it goes; without events there six hours, a day, at last what has passed of the window."""
    window = figures_of(Tally(90.0, 100.0, 1), allowed_ratio=0.1, share=1.0, window_minutes=43_200, unit="events")
    rates = {3600: 3.0, 21_600: 6.0, 86_400: 24.0}
    for silent, over_s, rate in [([], 3600, 3.0), ([3600], 21_600, 6.0), ([3600, 21_600], 86_400, 24.0), (rates, 777, 1.0)]:
        burns = [BurnRate(length_s, None if length_s in silent else rate, 0, 0, 1) for length_s, rate in rates.items()]
        found = present_rate(burns, window, allowed_ratio=0.1, elapsed_s=777)
        assert found
        assert found.over_s == over_s
        assert found.rate == pytest.approx(rate)
    assert present_rate([], NOTHING, allowed_ratio=0.1, elapsed_s=777) is None


@pytest.mark.parametrize(
    ("remaining", "rate", "left_days", "days"),
    [
        (0.5, 10.0, None, 1.5),
        (0.5, 1.0, None, None),  # what a rolling window spends comes back
        (0.5, 0.0, None, None),
        (0.0, 0.0, None, 0.0),
        (-0.2, 3.0, 4, 0.0),
        (0.1, 0.5, 10, 6.0),  # slow, but gone before the month is
        (0.5, 1.0, 10, None),  # the month ends first
        (0.5, 0.0, 10, None),
    ],
)
def test_how_long_a_budget_lasts(remaining: float, rate: float, left_days: int | None, days: float | None) -> None:
    """In a rolling window a rate of 1 or less lasts for ever; in a calendar window what counts is whether it lasts to its end."""
    found = exhausted_in_s(remaining, rate, window_s=30 * DAY_S, left_s=None if left_days is None else left_days * DAY_S)
    assert found == (None if days is None else pytest.approx(days * DAY_S))


@given(total=st.integers(1, 10**12), target=st.sampled_from([0.71, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999]), data=st.data())
def test_a_burn_rate_is_the_ratio_over_what_is_allowed(total: int, target: float, data: st.DataObject) -> None:
    """Within rounding it is bad / total / (1 - target); spending exactly what is allowed is exactly 1."""
    bad = data.draw(st.integers(0, total))
    assert burn_rate(bad, total, objective(target).allowed_ratio) == pytest.approx(bad / (total * (1 - target)), rel=1e-9)
    per = round(1 / objective(target).allowed_ratio * 10**7)
    assert burn_rate(10**7, per, objective(target).allowed_ratio) == pytest.approx(1.0, rel=1e-6)


def test_counts_are_asked_for_once() -> None:
    """Two hundred objectives of one window are one statement."""
    counts = traffic("2026-11-19 00:00", "2026-11-20 12:00")
    many = [objective(key=KEY), *(objective(key=f"other-{number}") for number in range(199))]
    assert len(judge_budgets(many, counts, seconds("2026-11-20 12:00") * 10**9)) == 200
    assert counts.statements == 1


@pytest.mark.parametrize(("at", "rate"), [("10:00", 0.0), ("11:00", 500.0), ("11:07", 500.0), ("11:59", 500.0), ("12:00", 0.0)])
def test_slices_longer_than_a_burn_window_burn_by_the_last_whole_one(at: str, rate: float) -> None:
    """An hour of 50 % failures in slices of an hour: over five minutes it burns from the end of that slice until the next one ends."""
    counts = traffic("2026-11-20 00:00", "2026-11-20 12:00")
    counts.fill(KEY, seconds("2026-11-20 10:00"), seconds("2026-11-20 11:00"), good=50, total=100)
    (budget,) = judge_budgets([objective(budgeting=RatioTimeslices(3600))], counts, instant(f"2026-11-20 {at}"))
    rates = {burn.window_s: burn for burn in budget.burn_rates}
    assert rates[300].rate == rates[1800].rate == rates[3600].rate == pytest.approx(rate)
    assert (rates[300].coverage, rates[300].total) == (1.0, 1.0)
