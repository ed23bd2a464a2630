"""Budget policies: which state holds, and what is written down when it changes."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.model.budget import PolicyTransition
from tocsin.slo.definition import BudgetPolicy, Objective, PolicyStep, RollingWindow, SeriesValue
from tocsin.slo.policy import FOUR_STEP, POLICIES, THREE_STEP, advance, check_policy, policy_of, status_of, step_of


@pytest.mark.parametrize(
    ("policy", "remaining", "state", "deploys"),
    [
        ("four-step", 1.0, "healthy", "all"),
        ("four-step", 0.51, "healthy", "all"),
        ("four-step", 0.5, "caution", "canary"),
        ("four-step", 0.26, "caution", "canary"),
        ("four-step", 0.24, "freeze", "fixes"),
        ("four-step", 0.001, "freeze", "fixes"),
        ("four-step", 0.0, "exhausted", "none"),
        ("four-step", -3.0, "exhausted", "none"),
        ("three-step", 0.51, "healthy", "all"),
        ("three-step", 0.5, "caution", "canary"),
        ("three-step", 0.11, "caution", "canary"),
        ("three-step", 0.09, "freeze", "fixes"),
        ("three-step", -1.0, "freeze", "fixes"),
    ],
)
def test_the_ladders_of_the_course(policy: str, remaining: float, state: str, deploys: str) -> None:
    """Both ladders say for each share that is left what may be deployed; a bound itself belongs to the worse state."""
    step = step_of(POLICIES[policy], remaining)
    assert (step.name, step.deploys) == (state, deploys)


@pytest.mark.parametrize("name", POLICIES)
def test_what_ships_is_sound(name: str) -> None:
    """The policies that ship pass the check that files pass."""
    check_policy(POLICIES[name])
    assert POLICIES[name].name == name


def test_better_comes_later_than_worse() -> None:
    """A worse state is entered at its bound; a better one only when two percent more than its bound is left."""
    assert step_of(FOUR_STEP, 0.499, "healthy").name == "caution"
    assert step_of(FOUR_STEP, 0.51, "caution").name == "caution"
    assert step_of(FOUR_STEP, 0.521, "caution").name == "healthy"
    assert step_of(FOUR_STEP, 0.01, "exhausted").name == "exhausted"
    assert step_of(FOUR_STEP, 0.021, "exhausted").name == "freeze"


def test_a_recovery_may_take_several_steps_at_once() -> None:
    """When a window rolls on, an exhausted budget may be healthy again; where the best state is too near, the next one holds."""
    assert step_of(FOUR_STEP, 0.9, "exhausted").name == "healthy"
    assert step_of(FOUR_STEP, 0.51, "exhausted").name == "caution"


def test_an_unknown_state_is_judged_afresh() -> None:
    """A state that the policy no longer has holds nothing back."""
    assert step_of(FOUR_STEP, 0.51, "panic").name == "healthy"


def test_every_state_can_be_reached_again() -> None:
    """A bound near one leaves room for a recovery, whatever the hysteresis says."""
    policy = BudgetPolicy("strict", (PolicyStep("calm", 0.99, "all", ""), PolicyStep("tense", -inf, "fixes", "")), hysteresis=0.3)
    assert step_of(policy, 0.994, "tense").name == "tense"
    assert step_of(policy, 1.0, "tense").name == "calm"


@given(st.lists(st.floats(-2, 1), min_size=1, max_size=30), st.sampled_from(sorted(POLICIES)))
def test_a_state_never_promises_more_than_its_bound(walk: list[float], name: str) -> None:
    """Whatever way a budget took, the state is never better than what is left, and never worse than hysteresis explains."""
    policy = POLICIES[name]
    names = [step.name for step in policy.steps]
    state: str | None = None
    for remaining in walk:
        step = step_of(policy, remaining, state)
        plain = step_of(policy, remaining)
        assert names.index(step.name) >= names.index(plain.name)
        if step.name != plain.name:
            assert step_of(policy, remaining - policy.hysteresis).name != plain.name
        state = step.name


def test_a_change_is_told_once() -> None:
    """A transition is given when the state changes, and none while it stays."""
    first = advance(FOUR_STEP, "checkout", 0.8, None, 10)
    assert first == PolicyTransition("checkout", "four-step", "", "healthy", 10, 0.8)
    assert advance(FOUR_STEP, "checkout", 0.7, first, 20) is None
    second = advance(FOUR_STEP, "checkout", 0.2, first, 30)
    assert second == PolicyTransition("checkout", "four-step", "healthy", "freeze", 30, 0.2)


def test_no_data_keeps_the_state() -> None:
    """Nothing observed says nothing about the budget."""
    frozen = PolicyTransition("checkout", "four-step", "caution", "freeze", 10, 0.1)
    assert advance(FOUR_STEP, "checkout", None, frozen, 20) is None
    assert advance(FOUR_STEP, "checkout", None, None, 20) is None


def test_another_policy_is_a_change() -> None:
    """An objective that is given another policy is judged afresh by it, without hysteresis, and that is written down."""
    frozen = PolicyTransition("checkout", "four-step", "caution", "freeze", 10, 0.2)
    assert advance(THREE_STEP, "checkout", 0.51, frozen, 20) == PolicyTransition("checkout", "three-step", "freeze", "healthy", 20, 0.51)


def test_status_tells_since_when() -> None:
    """The status is the newest change's; before any, or with another policy, the best state holds from now on."""
    frozen = PolicyTransition("checkout", "four-step", "caution", "freeze", 10, 0.2)
    status = status_of(FOUR_STEP, "checkout", frozen, 99)
    assert (status.state, status.deploys, status.since) == ("freeze", "fixes", 10)
    assert status_of(FOUR_STEP, "checkout", None, 99).since == 99
    assert status_of(THREE_STEP, "checkout", frozen, 99).state == "healthy"
    assert status_of(FOUR_STEP, "checkout", replace(frozen, state="gone"), 99).state == "healthy"


def test_the_policy_of_an_objective() -> None:
    """An objective's own policy comes first, then the default one, then four-step."""
    objective = Objective("checkout", "checkout", "checkout", 0.999, SeriesValue("up"), RollingWindow(2_592_000), policy="three-step")
    assert policy_of(objective, POLICIES, "four-step") is THREE_STEP
    assert policy_of(replace(objective, policy=""), POLICIES, "three-step") is THREE_STEP
    assert policy_of(replace(objective, policy="gone"), POLICIES, "gone too") is FOUR_STEP


CALM = PolicyStep("calm", 0.5, "all", "")
LAST = PolicyStep("tense", -inf, "fixes", "")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (BudgetPolicy("p", ()), "must end with a step"),
        (BudgetPolicy("p", (CALM,)), "must end with a step"),
        (BudgetPolicy("p", (CALM, replace(CALM, name="b", above=0.6), LAST)), "calm above 0.5, b above 0.6"),
        (BudgetPolicy("p", (replace(CALM, above=50.0), LAST)), "below 1 .* found 50"),
        (BudgetPolicy("p", (replace(CALM, above=float("nan")), LAST)), "from the most budget left"),
        (BudgetPolicy("p", (CALM, replace(LAST, name="calm"))), "names a state twice"),
        (BudgetPolicy("p", (CALM, replace(LAST, deploys="some"))), "one of all, canary, fixes, none; found 'some'"),
        (BudgetPolicy("p", (CALM, LAST), hysteresis=0.7, place="slo.yaml:3"), r"p' \(slo.yaml:3\): hysteresis"),
    ],
)
def test_a_policy_with_a_gap_is_refused(policy: BudgetPolicy, said: str) -> None:
    """A policy that leaves a budget without a state, or names what there is not, says so."""
    with pytest.raises(InvalidInput, match=said):
        check_policy(policy)
