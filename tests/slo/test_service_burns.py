"""How fast services burn: the same rates as budgets have, out of the last hour alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slo.stories import instant, maintenance, objective, seconds, traffic

from tocsin.model.signals import ServiceBurn
from tocsin.slo.budget import judge_budgets
from tocsin.slo.definition import Budgeting, Objective, Occurrences, RatioTimeslices, Timeslices
from tocsin.slo.minutes import MinuteCounts
from tocsin.slo.service_burns import burn_by_service
from tocsin.testing.counts import MemoryCounts

AT = "2026-11-20 12:00"


def named(key: str, service: str, budgeting: Budgeting | None = None) -> Objective:
    """An objective of a service."""
    return replace(objective(budgeting=budgeting or Occurrences()), key=key, slo=key, service=service)


def test_nobody_burns_nothing() -> None:
    """Without objectives nothing is asked."""
    counts = MemoryCounts()
    assert (burn_by_service([], counts, instant(AT)), counts.statements) == ({}, 0)


def test_a_service_without_events_has_no_rate() -> None:
    """It is named all the same."""
    assert burn_by_service([named("a", "shop")], MemoryCounts(), instant(AT)) == {"shop": ServiceBurn(None, "a", 3600)}


def test_two_hundred_objectives_are_two_statements() -> None:
    """One for all that count events, however many maintenances there are, and one for all with slices."""
    many = [named(f"o{number}", f"s{number // 2}", Timeslices(60, 0.9) if number % 2 else None) for number in range(200)]
    counts = MemoryCounts()
    for one in many:
        counts.fill(one.key, seconds(AT) - 3600, seconds(AT), good=99, total=100)
    planned = [replace(maintenance("2026-11-20 11:10", "2026-11-20 11:20"), id=str(n), slo=f"o{n}", service="") for n in range(0, 80, 2)]
    burns = burn_by_service(many, counts, instant(AT), planned)
    assert counts.statements == 2
    assert len(burns) == 100
    assert burns["s0"].rate == pytest.approx(10)
    assert burns["s0"].objective == "o0"


def test_maintenances_of_many_services_share_a_statement() -> None:
    """Forty services with a different hour each: what is excluded from one is not excluded from another."""
    many = [named(f"o{number}", f"s{number}") for number in range(40)]
    counts = MemoryCounts()
    for one in many:
        counts.fill(one.key, seconds("2026-10-01 00:00"), seconds(AT), good=99, total=100)
    planned = [
        replace(
            maintenance(f"2026-11-{1 + n // 4:02} {n % 4:02}:10", f"2026-11-{1 + n // 4:02} {n % 4:02}:40"),
            id=str(n),
            slo=f"o{n}",
            service="",
        )
        for n in range(40)
    ]
    budgets = judge_budgets(many, counts, instant(AT), planned)
    assert counts.statements == 1
    assert {(budget.excluded_minutes, budget.figures.total, budget.without_exclusions.total) for budget in budgets} == {
        (30, 4_317_000.0, 4_320_000.0)
    }


@settings(max_examples=60)
@given(
    widths=st.lists(st.sampled_from([0, 60, 300, 1800, 7200, 86_400]), min_size=1, max_size=5),
    cuts=st.lists(st.tuples(st.integers(-200, 10), st.integers(1, 100), st.integers(0, 4)), max_size=4),
    now=st.integers(0, 1440),
    seed=st.integers(0, 2**32 - 1),
)
def test_rates_are_those_of_the_budgets(widths: list[int], cuts: list[tuple[int, int, int]], now: int, seed: int) -> None:
    """Whatever is counted, sliced and excluded."""
    random, counts = np.random.default_rng(seed), MemoryCounts()
    at_s = seconds("2026-11-20 00:00") + now * 60
    many = [named(f"o{number}", f"s{number}", RatioTimeslices(width) if width else None) for number, width in enumerate(widths)]
    for one in many:
        total = random.integers(0, 5, 4000) * random.integers(0, 2, 4000)
        good, noughts = random.integers(0, total + 1), np.zeros(4000)
        counts.put(one.key, MinuteCounts(at_s - 240_000, good.astype(float), total.astype(float), noughts, noughts))
    planned = [
        replace(
            maintenance(AT, AT),
            id=str(n),
            slo=f"o{of}",
            service="",
            start=(at_s + begin * 60) * 10**9,
            end=(at_s + (begin + length) * 60) * 10**9,
        )
        for n, (begin, length, of) in enumerate(cuts)
    ]
    burns = burn_by_service(many, counts, at_s * 10**9, planned)
    for one, budget in zip(many, judge_budgets(many, counts, at_s * 10**9, planned, windows=(3600,)), strict=True):
        assert burns[one.service].rate == pytest.approx(budget.burn_rates[0].rate)
        assert burns[one.service].objective == one.key


def test_the_fastest_objective_stands_for_its_service() -> None:
    """Of equal ones the first."""
    counts = traffic("2026-11-20 00:00", AT)
    for key, good in (("calm", 100), ("slow", 99), ("fast", 90), ("fast too", 90)):
        counts.fill(key, seconds(AT) - 3600, seconds(AT), good=good, total=100)
    burns = burn_by_service([named(key, "shop") for key in ("none", "calm", "slow", "fast", "fast too")], counts, instant(AT))
    assert burns["shop"].objective == "fast"
    assert burns["shop"].rate == pytest.approx(100)
