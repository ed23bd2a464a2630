"""Budgets in words: what a person at night reads, in every case there is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.slo.stories import KEY, MONTH, instant, maintenance, objective, seconds, traffic

from tocsin.model.budget import Exclusion
from tocsin.slo.budget import judge_budgets
from tocsin.slo.definition import CalendarWindow, Objective, RatioTimeslices, RollingWindow, Timeslices, Window
from tocsin.slo.words import count_words, duration_words, minutes_words, percent_words, rate_words, window_words
from tocsin.testing.counts import MemoryCounts

NOW = "2026-11-20 12:00"
SINCE = "2026-10-01 00:00"


def say(one: Objective, counts: MemoryCounts, at: str = NOW, exclusions: Sequence[Exclusion] = ()) -> str:
    """The sentence about one objective."""
    (budget,) = judge_budgets([one], counts, instant(at), exclusions)
    return budget.sentence


def test_a_budget_that_burns_says_when_it_is_gone() -> None:
    """First how long it lasts at which rate, then what is left, what was counted, and on how much of the window that rests."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-19 02:00": 29})
    counts.add(KEY, seconds("2026-11-20 11:30"), total=87)
    assert say(objective(), counts) == (
        "at this rate (14.3x over 1 h) the 30-day budget is gone in 15 h 33 min; 31 % left (13.3 of 43.2 minutes); "
        "2,987 bad of 4,320,087; counted 100 % of the window"
    )


def test_a_healthy_budget_lasts() -> None:
    """Nothing bad, or slowly: it lasts."""
    counts = traffic(SINCE, NOW)
    assert say(objective(), counts).startswith("nothing bad for 1 h, the 30-day budget lasts; 100 % left (43.2 of 43.2 minutes); 0 bad of")
    counts.add(KEY, seconds("2026-11-20 11:30"), total=2)
    assert say(objective(), counts).startswith("at this rate (0.3x over 1 h) the 30-day budget lasts; over 99.9 % left")


def test_a_spent_budget_says_so_and_when_a_new_one_begins() -> None:
    """How much was used, whether it still goes on, and in a calendar window when it starts anew."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-19 02:00": 49, "2026-11-20 11:58": 1})
    assert say(objective(window=MONTH), counts) == (
        "this month's budget is spent and still goes at 16.7x over 1 h, a new one begins in 10 d 12 h; 116 % used (50 of 43.2 minutes); "
        "5,000 bad of 2,808,000; counted 100 % of what has passed of the window"
    )
    assert say(objective(), traffic(SINCE, NOW, downtime={"2026-11-19 02:00": 44})).startswith(
        "the 30-day budget is spent; 102 % used (44 of 43.2 minutes); "
    )


def test_no_data_is_neither_met_nor_missed() -> None:
    """Nothing counted yet, no events, a window that has just begun, and one that was excluded altogether are told apart."""
    empty = MemoryCounts()
    assert say(objective(), empty).startswith(
        "nothing is counted yet for the 30-day budget, so it is neither met nor missed; the budget is 43.2"
    )
    empty.known_from(KEY, seconds("2026-11-10 00:00"))
    assert say(objective(), empty) == (
        "no events for the 30-day budget, so it is neither met nor missed; the budget is 43.2 minutes; "
        "counted 35 % of the window, since 2026-11-10 00:00 UTC"
    )
    assert say(objective(window=MONTH), empty, "2026-11-01 00:00:59") == "this month's budget has just begun; the budget is 43.2 minutes"
    everything = maintenance("2026-09-01 00:00", "2026-12-01 00:00")
    assert "was excluded, so it is neither" in say(objective(), traffic(SINCE, NOW), NOW, [everything])


def test_what_was_excluded_is_said() -> None:
    """With what would be used, or left, without the exclusions."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-15 02:00": 120})
    assert "; 2 h excluded, else 278 % would be used; counted 99.7 %" in say(
        objective(), counts, NOW, [maintenance("2026-11-15 02:00", "2026-11-15 04:00")]
    )
    one_minute = maintenance("2026-11-15 02:00", "2026-11-15 02:01")
    assert "; 1 min excluded, else 97 % would be left; " in say(objective(0.9), counts, NOW, [one_minute])
    counts.add(KEY, seconds(NOW) - 60, excluded_good=5, excluded_total=5)
    assert "some events excluded, else" in say(objective(), counts)


def test_slices_are_called_slices() -> None:
    """With their length; shares of them have decimals."""
    counts = traffic(SINCE, NOW, downtime={"2026-11-20 10:01": 1})
    assert "; 1 bad of 8,640 slices of 5 min; " in say(objective(budgeting=Timeslices(300, 0.95)), counts)
    assert "; 0.2 bad of 8,640 slices of 5 min; " in say(objective(budgeting=RatioTimeslices(300)), counts)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (RollingWindow(30 * 86_400), "the 30-day budget"),
        (RollingWindow(21_600), "the 6-hour budget"),
        (RollingWindow(5400), "the 90-minute budget"),
        (CalendarWindow(1, "Q", "2026-01-01 00:00:00", "UTC"), "this quarter's budget"),
        (CalendarWindow(2, "w", "2026-01-01 00:00:00", "UTC"), "the budget of these 2 weeks"),
    ],
)
def test_windows_have_names(window: Window, words: str) -> None:
    """Rolling ones are called by their length, calendar ones by their period."""
    assert window_words(window) == words


@pytest.mark.parametrize(
    ("seconds_long", "words"),
    [
        (0, "0 s"),
        (0.2, "less than a second"),
        (40, "40 s"),
        (59.7, "1 min"),
        (3599.9, "1 h"),
        (95, "1 min 35 s"),
        (11_100, "3 h 5 min"),
        (77_760, "21 h 36 min"),
        (86_399, "1 d"),
        (180_000, "2 d 2 h"),
        (30 * 86_400, "30 d"),
        (1e12, "more than a year"),
    ],
)
def test_lengths_of_time_have_two_units(seconds_long: float, words: str) -> None:
    """The two largest, rounded, carried over where they are full."""
    assert duration_words(seconds_long) == words


def test_numbers_are_rounded_to_what_means_something() -> None:
    """Shares never read as nothing or all where they aren't; counts are whole, minutes and rates have few decimals."""
    assert [percent_words(ratio) for ratio in (0, 0.0004, 0.042, 0.31, 0.9996, 1, 1.12, -0.2)] == [
        "0 %",
        "under 0.1 %",
        "4.2 %",
        "31 %",
        "over 99.9 %",
        "100 %",
        "112 %",
        "-20 %",
    ]
    assert [count_words(number) for number in (0, 9870, 0.5, 1_234_567.25)] == ["0", "9,870", "0.5", "1,234,567.2"]
    assert [minutes_words(minutes) for minutes in (43.2, 0.432, 432.4, 0, -6.8, -0.001)] == ["43.2", "0.43", "432", "0", "-6.8", "0"]
    assert [rate_words(rate) for rate in (14.2, 33.33, 720, 0, 0.001, 1)] == ["14.2x", "33.3x", "720x", "0x", "under 0.1x", "1x"]


@given(length_s=st.floats(1, 366 * 86_400))
def test_words_for_a_length_of_time_mean_that_length(length_s: float) -> None:
    """Read back, they are within half of their smaller unit."""
    units = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    parts = re.findall(r"(\d+) (d|h|min|s)", duration_words(length_s))
    assert duration_words(length_s) == " ".join(f"{number} {name}" for number, name in parts)
    smaller = {"d": 3600, "h": 60, "min": 1, "s": 1}[parts[0][1]]
    assert sum(int(number) * units[name] for number, name in parts) == pytest.approx(length_s, abs=max(30 if smaller == 60 else 0, smaller))
