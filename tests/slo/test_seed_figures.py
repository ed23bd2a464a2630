"""
Every worked figure of the texts that this project grew from, computed by the calculators.

`004` is the lesson 'Observability & Operations' (by chapter), `003` the track 'Observability, Reliability & SRE'.
Where a text rounds or is off, the exact figure stands here, and what the text says beside it.
"""

from __future__ import annotations

import pytest

from tocsin.slo.calculators.availability import availability_of_downtime, dependency_limit, downtime, equal_dependencies, serial
from tocsin.slo.calculators.budget import (
    alert_window,
    budget_left,
    burn_rate,
    burn_rate_of_exhaustion,
    error_budget,
    exhaustion,
    risk_decision,
)
from tocsin.slo.calculators.volume import average_lies, percentile_chance, trace_volume
from tocsin.slo.policy import FOUR_STEP, THREE_STEP, step_of

HOUR_S, DAY_S = 3600, 86_400


def exact(value: float) -> object:
    """The figure to the last digits that a float holds."""
    return pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("target", "per_month_s", "per_year_s"),
    [
        (0.99, 7.2 * HOUR_S, 3.65 * DAY_S),  # the text: 7.3 hours, which is a twelfth of a year; see the next test
        (0.999, 43.2 * 60, 8.76 * HOUR_S),
        (0.9995, 21.6 * 60, 4.38 * HOUR_S),
        (0.9999, 4.32 * 60, 52.56 * 60),  # the text: 52.6 minutes a year
        (0.99999, 25.92, 5.256 * 60),  # the text: 26 seconds a month, 5.26 minutes a year
    ],
)
def test_the_nines(target: float, per_month_s: float, per_year_s: float) -> None:
    """004 ch. 3, 'The Nines': downtime per month of 30 days and per year of 365."""
    found = downtime(target)
    assert found.per_month_s == exact(per_month_s)
    assert found.per_year_s == exact(per_year_s)


def test_seven_point_three_hours_are_an_average_month() -> None:
    """004 ch. 3: 99 % is 7.3 hours of a twelfth of a year, but 7.2 of the 30 days that the table's other rows use; the note says so."""
    found = downtime(0.99)
    assert found.per_average_month_s == exact(7.3 * HOUR_S)
    assert "7.2 hours" in found.note
    assert "7.3 hours" in found.note


def test_forty_three_minutes() -> None:
    """003, 'Reliability Concepts': 99.9 % allows 43 minutes a month, exactly 43.2; the other way round, that is three nines."""
    assert downtime(0.999).per_month_s / 60 == exact(43.2)
    found = availability_of_downtime(43.2)
    assert (found.availability, found.nines) == (exact(0.999), exact(3.0))


def test_a_nine_more_leaves_a_tenth() -> None:
    """004 ch. 3, 'Each additional 9': the downtime that is left shrinks ten times."""
    assert downtime(0.999).per_year_s / downtime(0.9999).per_year_s == exact(10)


def test_what_a_database_and_a_cloud_allow() -> None:
    """004 ch. 3, 'The dependency rule': 99.95 % x 99.99 % is 99.940005 %; the text says 99.94 %."""
    found = serial((0.9995, 0.9999))
    assert found.availability == exact(0.99940005)
    assert found.weakest == 0.9995
    assert "99.940005 %" in found.note
    assert found.availability < found.weakest


def test_an_impossible_target() -> None:
    """004 ch. 3: a target of 99.99 % can't be kept with a database of 99.95 %."""
    found = dependency_limit(0.9999, 0.9995)
    assert found.count == 0
    assert "can't be kept" in found.note


@pytest.mark.parametrize(("count", "combined"), [(3, 0.997002999), (5, 0.995009990004999), (10, 0.990044880209748)])
def test_many_dependencies(count: int, combined: float) -> None:
    """004 ch. 3: dependencies of 99.9 % each; the text says 99.7, 99.5 and 99.0 %."""
    found = equal_dependencies(0.999, count)
    assert found.availability == exact(combined)
    assert round(found.availability, 3) == {3: 0.997, 5: 0.995, 10: 0.990}[count]


def test_the_budget_of_a_month() -> None:
    """004 ch. 4 and 003, 'Error Budget Management': 43,200 minutes x 0.001 = 43.2 minutes."""
    found = error_budget(0.999)
    assert (found.bad_ratio, found.budget_minutes) == (0.001, exact(43.2))


def test_a_latency_objective_has_a_budget_too() -> None:
    """004 ch. 3: 99 % within 300 ms lets 1 % of the requests be slower: 10,000 of a million."""
    found = error_budget(0.99, events=1_000_000)
    assert (found.bad_ratio, found.budget_events) == (0.01, exact(10_000))


def test_the_quiz_of_day_fifteen() -> None:
    """004 ch. 3, quiz: 99.9 % over 30 days, 35 minutes down by day 15: 8.2 of 43.2 minutes are left, 19 %."""
    found = budget_left(0.999, 35, 30, elapsed_days=15)
    assert found.remaining_minutes == exact(8.2)
    assert found.remaining_ratio == exact(8.2 / 43.2)
    assert found.burn_rate == exact(35 / 43.2 * 2)
    assert found.exhausted_in_days == exact(8.2 / 35 * 15)
    assert "8.2 of 43.2 minutes are left" in found.note


def test_the_budget_of_four_weeks() -> None:
    """004 ch. 4, 'Spending the budget': 5, 3 and 20 minutes leave 38.2, 35.2 and 15.2."""
    left = [budget_left(0.999, spent).remaining_minutes for spent in (5, 8, 28)]
    assert left == [exact(38.2), exact(35.2), exact(15.2)]


def test_the_fourth_week_is_caution_by_the_ladder() -> None:
    """
    004 ch. 4: with 15.2 of 43.2 minutes left (35 %) the text freezes risky deployments; its own ladder freezes below 25 % and asks for
    a canary up to 50 %, which is what the policy says.
    """
    assert step_of(FOUR_STEP, budget_left(0.999, 28).remaining_ratio).name == "caution"


def test_the_quiz_of_day_twenty() -> None:
    """004 ch. 4, quiz: 5 minutes left on day 20 are 11.6 %: a freeze for features by one ladder, care by the other."""
    ratio = budget_left(0.999, 38.2).remaining_ratio
    assert ratio == exact(5 / 43.2)
    assert step_of(FOUR_STEP, ratio).deploys == "fixes"
    assert step_of(THREE_STEP, ratio).deploys == "canary"


def test_a_migration_with_a_whole_budget() -> None:
    """004 ch. 4: 10 of 43.2 spent (23 %; 33.2 left, 77 %), 15 at risk with 30 %: 28.7 left on average, 18.2 in the worst case; proceed."""
    spent = budget_left(0.999, 10)
    assert (spent.consumed_ratio, spent.remaining_ratio) == (exact(10 / 43.2), exact(33.2 / 43.2))
    assert (round(spent.consumed_ratio, 2), round(spent.remaining_ratio, 2)) == (0.23, 0.77)
    found = risk_decision(0.999, 10, 15, 0.3)
    assert (found.proceed, found.remaining_minutes, found.expected_cost_minutes) == (True, exact(33.2), exact(4.5))
    assert (found.worst_left_minutes, found.expected_left_minutes) == (exact(18.2), exact(28.7))
    assert found.note.startswith("Proceed: even the worst case leaves 18.2 minutes")


def test_the_same_migration_at_the_end_of_the_month() -> None:
    """004 ch. 4: with 8 minutes left the worst case of 15 is more than that; defer."""
    found = risk_decision(0.999, 35.2, 15, 0.3)
    assert (found.proceed, found.remaining_minutes, found.expected_cost_minutes) == (False, exact(8.0), exact(4.5))
    assert found.note == "Defer: the worst case of 15 minutes is more than the 8 that are left."


def test_a_month_in_an_hour() -> None:
    """004 ch. 4 and 5: a month's budget within an hour is a burn rate of 720, by what was consumed as by the time that it lasts."""
    assert burn_rate(0.999, 43.2, 60).burn_rate == exact(720)
    assert burn_rate_of_exhaustion(1 / 24).burn_rate == exact(720)


def test_two_minutes_in_an_hour() -> None:
    """004 ch. 4: (2 / 43.2) x 720 = 33.3x (exactly 33 1/3), and 30 days / 33.3 = 21.6 hours."""
    found = burn_rate(0.999, 2, 60)
    assert found.burn_rate == exact(100 / 3)
    assert found.exhausted_in_hours == exact(21.6)
    assert exhaustion(100 / 3).hours == exact(21.6)


@pytest.mark.parametrize(("rate", "days"), [(14.4, 50 / 24), (6, 5), (3, 10), (1, 30)])
def test_the_ladder_of_alerts(rate: float, days: float) -> None:
    """004 ch. 4, 'Alert thresholds': 14.4x is gone in 50 hours, 2.08 days (the text: 2 days), 6x in 5 days, 3x in 10, 1x in 30."""
    assert exhaustion(rate).days == exact(days)


@pytest.mark.parametrize(("days", "rate"), [(3, 10), (10, 3)])
def test_a_month_in_some_days(days: float, rate: float) -> None:
    """004 ch. 5: a month's budget in 3 days is a burn rate of 10, in 10 days one of 3."""
    assert burn_rate_of_exhaustion(days).burn_rate == exact(rate)


@pytest.mark.parametrize(
    ("rate", "hours", "seconds", "spent"), [(14.4, 1, 51.84, 0.02), (6, 6, 129.6, 0.05), (3, 24, 259.2, 0.1), (1, 72, 259.2, 0.1)]
)
def test_what_is_spent_when_an_alert_fires(rate: float, hours: float, seconds: float, spent: float) -> None:
    """SRE Workbook, ch. 5: detection of a total failure, and the budget spent by then, of the recommended windows at 99.9 %."""
    found = alert_window(0.999, rate, hours)
    assert (found.detection_s, found.budget_spent) == (exact(seconds), exact(spent))
    assert found.highest_burn_rate == exact(1000)


def test_an_average_that_hides_the_slow() -> None:
    """
    004 ch. 1, 'Why Averages Lie': 99 requests of 10 ms and one of 4,050 average 50.4 ms ('same average' as 50: nearly).

    The text's p99 of 4,050 ms is what begins behind the p99: 99 of 100 requests do not exceed 10 ms.
    """
    found = average_lies(10, 4050)
    assert (found.average_ms, found.p50_ms, found.p99_ms, found.p999_ms) == (exact(50.4), 10, 10, 4050)
    assert average_lies(10, 4050, 0.0101).p99_ms == 4050
    uniform = average_lies(50, 50)
    assert (uniform.average_ms, uniform.p50_ms, uniform.p99_ms) == (50, 50, 50)


def test_averages_of_the_introduction() -> None:
    """004 ch. 1: 99 % of 10 ms and 1 % of 4 s average 49.9 ms (the text: 50); 2 s are 40 times an average of 50 ms."""
    assert average_lies(10, 4000).average_ms == exact(49.9)
    assert average_lies(30 / 0.99, 2000).rare_to_average == exact(40)


def test_twenty_requests_against_the_p99() -> None:
    """004 ch. 1: 1 - 0.99^20 = 18.2 % (the text: 18 %, nearly 1 in 5)."""
    found = percentile_chance(20)
    assert found.chance == exact(1 - 0.99**20)
    assert round(found.chance, 3) == 0.182


def test_every_request_traced() -> None:
    """004 ch. 7: 8 x 500 bytes = 4 kB; 10,000 a second are 40 MB/s and 3.456 TB a day (the text: 3.4; 3.54 with 1,024 bytes to the kB)."""
    found = trace_volume(10_000)
    assert (found.bytes_per_trace, found.bytes_per_s, found.terabytes_per_day) == (4000, 40e6, exact(3.456))
    assert "3539 with 1,024" in found.note


def test_one_percent_traced() -> None:
    """004 ch. 7: 1 % is 100 traces and 400 kB a second, 34.56 GB a day (the text: 34)."""
    found = trace_volume(10_000, sampled_share=0.01)
    assert (found.traces_kept_per_s, found.bytes_per_s, found.gigabytes_per_day) == (exact(100), exact(400e3), exact(34.56))


def test_one_percent_and_all_errors_traced() -> None:
    """
    004 ch. 7: the text adds 100 + 10 traces a second: 440 kB/s, 38.016 GB a day (it says 37). One in a hundred errors is in the sample
    already, so that 109.9 traces are kept: 439.6 kB/s, 37.98 GB.
    """
    found = trace_volume(10_000, sampled_share=0.01, error_share=0.001)
    assert found.traces_kept_per_s == exact(109.9)
    assert found.bytes_per_s == exact(439_600)
    assert found.gigabytes_per_day == exact(37.98144)
    assert found.traces_kept_per_s + found.errors_sampled_anyway_per_s == exact(110)
    assert (found.traces_kept_per_s + found.errors_sampled_anyway_per_s) * found.bytes_per_trace == exact(440_000)
    assert "twice: 38.02" in found.note
