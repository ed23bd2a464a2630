"""What an SLO can promise given its dependencies."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.slo.definition import ExternalDependency, Objective, RollingWindow, SeriesValue
from tocsin.slo.files.dependencies import achievable, cycle_through, dependency_targets, excess_sentence


def objective(key: str, target: float, *dependencies: str, outer: tuple[ExternalDependency, ...] = ()) -> Objective:
    """An SLO with dependencies."""
    return Objective(key, key, "s", target, SeriesValue("a"), RollingWindow(60), dependencies=dependencies, external_dependencies=outer)


def test_the_product_of_a_database_and_a_network() -> None:
    """99.95 % and 99.99 % allow 99.94 %, computed in decimals."""
    assert achievable([0.9995, 0.9999]) == 0.99940005
    assert achievable([]) == 1.0


@given(st.lists(st.floats(0.0, 1.0), max_size=6))
def test_the_product_never_exceeds_the_weakest(targets: list[float]) -> None:
    """It is what the product of floats is, but for rounding."""
    most = achievable(targets)
    assert most == pytest.approx(prod(targets))
    assert most <= min(targets, default=1.0)


def test_an_excess_is_said_with_its_numbers() -> None:
    """One dependency needs no product; what keeps within them has no sentence."""
    cloud = ExternalDependency("cloud", 0.9999)
    objectives = {"database": objective("database", 0.9995), "cache": objective("cache", 0.99)}
    high = objective("shop", 0.9999, "database", outer=(cloud,))
    assert dependency_targets(high, objectives) == {"database": 0.9995, "cloud": 0.9999}
    assert "the target 99.99 % is above what its dependencies allow: 99.95 % x 99.99 % = 99.94 % (database, cloud)" in excess_sentence(
        high, objectives
    )
    assert "allow: 99 % (cache)" in excess_sentence(objective("shop", 0.995, "cache"), objectives)
    assert excess_sentence(objective("shop", 0.999, "database"), objectives) == ""
    assert excess_sentence(objective("shop", 0.999), objectives) == ""


def test_circles_are_found_from_each_of_their_members() -> None:
    """And not from what only leads into one."""
    objectives = {key: objective(key, 0.9, following) for key, following in {"a": "b", "b": "c", "c": "a", "d": "a"}.items()}
    assert cycle_through("a", objectives) == ["a", "b", "c", "a"]
    assert cycle_through("c", objectives) == ["c", "a", "b", "c"]
    assert cycle_through("d", objectives) == []
    assert cycle_through("e", {"e": objective("e", 0.9, "e", "gone")}) == ["e", "e"]
