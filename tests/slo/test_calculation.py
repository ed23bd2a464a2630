"""Calculators as such: what they ask for, what they refuse, and how their answers hang together."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput, NotFound
from tocsin.slo.calculators.availability import (
    Downtime,
    availability_of_downtime,
    dependency_limit,
    downtime,
    equal_dependencies,
    redundant,
    serial,
)
from tocsin.slo.calculators.budget import alert_window, budget_left, burn_rate, exhaustion, risk_decision
from tocsin.slo.calculators.calculation import Calculator
from tocsin.slo.calculators.catalog import CALCULATORS, calculator_named
from tocsin.slo.calculators.volume import percentile_chance, storage_cost, trace_volume

SHARES = st.floats(0.001, 0.99999)
CALCULATOR = pytest.mark.parametrize("calculator", CALCULATORS, ids=lambda one: one.name)


@CALCULATOR
def test_every_calculator_says_what_it_asks_for(calculator: Calculator) -> None:
    """Each has a question as its summary, and each parameter a sentence and bounds; names are words joined with hyphens."""
    assert calculator.summary.endswith("?")
    assert calculator.name == calculator.name.lower().replace("_", "-")
    assert calculator.parameters
    for parameter in calculator.parameters:
        assert parameter.about.endswith(".")
        assert parameter.bounds


@CALCULATOR
@given(data=st.data())
def test_whatever_is_asked_is_answered_or_refused(calculator: Calculator, data: st.DataObject) -> None:
    """Any numbers and texts give an answer of finite numbers, or `InvalidInput`."""
    anything = (
        st.floats(0, 1)
        | st.floats()
        | st.integers()
        | st.text(max_size=8)
        | st.sampled_from(["99.9%", "1e400", "sNaN", "-0", "1e-320", 5e-324, 1e15])
    )
    arguments = {parameter.name: data.draw(anything | st.lists(anything, max_size=3)) for parameter in calculator.parameters}
    try:
        answer = calculator.run(arguments)
    except InvalidInput:
        return
    assert all(math.isfinite(value) for value in asdict(answer).values() if isinstance(value, float))


def test_texts_and_numbers_mean_the_same() -> None:
    """A percentage as people write it is the share exactly."""
    calculator = calculator_named("downtime")
    answers = [calculator.run({"target": target}) for target in ("99.9%", " 99.9 % ", "0.999", 0.999)]
    assert set(answers) == {downtime(0.999)}
    assert isinstance(answers[0], Downtime)


def test_lists_as_text_and_as_lists() -> None:
    """Several values come as one text with commas, or one by one."""
    calculator = calculator_named("serial")
    assert calculator.run({"availabilities": "99.95%,99.99%"}) == calculator.run({"availabilities": [0.9995, "99.99%"]})
    assert calculator.run({"availabilities": 0.9995}).availability == 0.9995


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("downtime", {"target": 99.9}, "target must be above 0 and below 1: .* Found 99.9; write 99.9% or 0.999"),
        ("downtime", {"target": 1}, "above 0 and below 1"),
        ("downtime", {"target": "100%"}, "above 0 and below 1"),
        ("downtime", {"target": "three nines"}, "target must be a number such as 0.999, 99.9% or 43.2; found 'three nines'"),
        ("downtime", {"target": "9" * 101}, "must be a number"),
        ("downtime", {"tagret": 0.9}, "no parameter 'tagret'; did you mean 'target'"),
        ("downtime", {"qq": 0.9}, "it knows target"),
        ("downtime", {}, "needs target: The share"),
        ("serial", {"availabilities": ""}, "must be a number"),
        ("serial", {"availabilities": []}, "1 to 1000 values; found 0"),
        ("percentile-chance", {"requests": 1.5}, "requests must be a whole number; found 1.5"),
        ("percentile-chance", {"requests": True}, "must be a number"),
        ("budget", {"target": 0.9, "window_days": 1e300}, "above 0 and at most 36500"),
        ("budget", {"target": 0.9, "events": 1e16}, r"0 or more, at most 1e\+15"),
        ("exhaustion", {"burn_rate": 5e-324}, "so large or so small"),
    ],
)
def test_what_is_wrong_is_said(name: str, arguments: dict[str, object], said: str) -> None:
    """A wrong name or value is answered with what was expected and what was found."""
    with pytest.raises(InvalidInput, match=said):
        calculator_named(name).run(arguments)


def test_an_unknown_calculator_names_its_neighbour() -> None:
    """A misspelt name is answered with the one that was meant, a strange one with all."""
    with pytest.raises(NotFound, match="did you mean 'burn-rate'"):
        calculator_named("burnrate")
    with pytest.raises(NotFound, match="there are downtime, "):
        calculator_named("zzz")


def test_python_calls_are_checked_too() -> None:
    """A function called from code refuses what the terminal refuses."""
    with pytest.raises(InvalidInput, match="target must be"):
        downtime(1.5)
    with pytest.raises(InvalidInput, match="probability must be 0 to 1"):
        risk_decision(0.999, 0, 5, probability=2)


@given(SHARES)
def test_downtime_and_target_are_inverse(target: float) -> None:
    """The downtime that a target allows gives the target back."""
    assert availability_of_downtime(downtime(target).per_month_s / 60).availability == pytest.approx(target, rel=1e-9)


def test_no_downtime_and_nothing_but() -> None:
    """No downtime is not a number of nines, and more than there is time is none."""
    assert availability_of_downtime(0).nines is None
    assert availability_of_downtime(50_000).availability == 0
    assert "longer than the window" in availability_of_downtime(50_000).note


@given(st.lists(SHARES, min_size=1, max_size=6))
def test_chains_are_weaker_and_doubles_stronger_than_any_part(parts: list[float]) -> None:
    """What needs all is at most as good as its weakest part, what needs one at least as good as its best."""
    assert serial(parts).availability <= min(parts)
    assert redundant(parts).availability >= max(parts) - 1e-12
    assert equal_dependencies(parts[0], len(parts)).availability == pytest.approx(serial([parts[0]] * len(parts)).availability)


def test_two_of_two_nines_are_four() -> None:
    """Two parts of 99 % of which one suffices are 99.99 %."""
    assert redundant([0.99, 0.99]).availability == pytest.approx(0.9999)


@given(SHARES, st.integers(1, 50))
def test_the_limit_of_dependencies_is_one(availability: float, count: int) -> None:
    """As many dependencies as are said keep the target; one more does not."""
    target = availability**count
    if 0 < target < 1 and availability < 1:
        assert dependency_limit(target, availability).count == count


def test_dependencies_that_never_or_always_fail() -> None:
    """What never fails bears any number; what never works bears none."""
    assert dependency_limit(0.999, 1.0).count is None
    assert dependency_limit(0.999, 0.0).count == 0


def test_a_budget_that_lasts_and_one_that_is_gone() -> None:
    """A slow pace is not exhausted within the window, an overspent budget already is."""
    assert budget_left(0.999, 5, 30, elapsed_days=15).exhausted_in_days is None
    overspent = budget_left(0.999, 50, 30, elapsed_days=15)
    assert overspent.exhausted_in_days == 0
    assert overspent.remaining_minutes == pytest.approx(-6.8)
    assert "overspent by 6.8" in overspent.note
    assert budget_left(0.999, 0, 30, elapsed_days=15).burn_rate == 0


def test_no_more_than_the_window_has_passed() -> None:
    """40 of 30 days are refused, with the window in the words; all 30 are fine."""
    with pytest.raises(InvalidInput, match=r"elapsed_days must be 0 to 30, the days of the window: found 40"):
        budget_left(0.999, 5, 30, elapsed_days=40)
    assert budget_left(0.999, 43.2, 30, elapsed_days=30).burn_rate == pytest.approx(1)


@given(SHARES, st.floats(0.1, 1000), st.floats(1, 10_000))
def test_rate_and_exhaustion_agree(target: float, consumed: float, over: float) -> None:
    """The time that a burn rate leaves is the same from either calculator."""
    found = burn_rate(target, consumed, over)
    assert found.exhausted_in_days == pytest.approx(exhaustion(found.burn_rate).days)


def test_nothing_consumed_lasts() -> None:
    """Without consumption the rate is nought and no time is named; more than a total failure is pointed out."""
    assert burn_rate(0.999, 0, 60).exhausted_in_hours is None
    assert "can't be" in burn_rate(0.999, 120, 60).note
    assert "can't be" not in burn_rate(0.999, 60, 60).note


def test_an_alert_that_can_never_fire() -> None:
    """With 90 % nothing burns faster than 10x; and a failure below an alert's ratio does not reach it."""
    assert alert_window(0.9, 14.4, 1).reachable is False
    weak = alert_window(0.999, 14.4, 1, error_ratio=0.01)
    assert (weak.reachable, weak.detection_s) == (True, None)
    assert alert_window(0.999, 14.4, 1, error_ratio=0.0144).detection_s == pytest.approx(3600)


def test_even_chance() -> None:
    """From 69 requests on, meeting the slowest hundredth is as likely as not."""
    assert percentile_chance(20).requests_for_even_chance == 69
    assert percentile_chance(69).chance >= 0.5 > percentile_chance(68).chance


@given(st.floats(0, 1), st.floats(0, 1))
def test_sampling_keeps_no_more_than_there_is(sampled: float, errors: float) -> None:
    """Whatever is sampled, every trace is kept at most once, and every failed one exactly so."""
    found = trace_volume(1000, sampled_share=sampled, error_share=errors)
    assert max(sampled, errors) - 1e-9 <= found.kept_ratio <= 1 + 1e-9


def test_what_storage_costs() -> None:
    """34.56 GB a day for 30 days at 0.10 are 103.68 a month; compression divides it."""
    assert storage_cost(34.56, 0.10).cost_per_month == pytest.approx(103.68)
    assert storage_cost(34.56, 0.10, compression=10).stored_gigabytes == pytest.approx(103.68)
