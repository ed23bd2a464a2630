"""
Budget policies: what a team may deploy, given how much of an error budget is left.

    four-step                                      three-step
    > 50 %      healthy    all deployments          > 50 %      healthy    all deployments
    25 - 50 %   caution    behind a canary only     10 - 50 %   caution    behind a canary only
    < 25 %      freeze     fixes only               < 10 %      freeze     fixes only
    0 %         exhausted  none, but by exception

`fixes` and `none` both stop features. The difference is what a fix needs: under `fixes` the gate lets it through with an exception of
a kind that the policy accepts and that somebody signed for, under `none` the text says besides that nothing but reliability work goes on.
A bound itself belongs to the worse of the two states. A worse state is entered at its bound at once; a better one only when
`hysteresis` more than its bound is left, so that a budget that hovers around a bound does not open and close the gate by the minute.

Source: SRE Workbook, ch. 2 and appendix B ('Example Error Budget Policy'), for the idea.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf
from types import MappingProxyType

from tocsin.errors import InvalidInput
from tocsin.model.budget import PolicyTransition
from tocsin.slo.answers import PolicyStatus
from tocsin.slo.definition import BudgetPolicy, Objective, PolicyStep

DEPLOYS = ("all", "canary", "fixes", "none")  # from the most that is allowed to the least

FOUR_STEP = BudgetPolicy(
    name="four-step",
    steps=(
        PolicyStep("healthy", 0.5, "all", "Full speed: ship features, run experiments, do migrations."),
        PolicyStep("caution", 0.25, "canary", "Every deployment goes behind a canary; no risky experiments."),
        PolicyStep("freeze", 0.0, "fixes", "Nothing but bug fixes is deployed; work on reliability comes first."),
        PolicyStep(
            "exhausted", -inf, "none", "Nothing but reliability work until the budget has recovered; exceptions need a name and a reason."
        ),
    ),
)
THREE_STEP = BudgetPolicy(
    name="three-step",
    steps=(
        PolicyStep("healthy", 0.5, "all", "Work on features; risks are acceptable."),
        PolicyStep("caution", 0.1, "canary", "Balance reliability with features; deploy behind a canary."),
        PolicyStep("freeze", -inf, "fixes", "Reliability comes first; risky features wait."),
    ),
)

POLICIES: Mapping[str, BudgetPolicy] = MappingProxyType({policy.name: policy for policy in (FOUR_STEP, THREE_STEP)})


def check_policy(policy: BudgetPolicy) -> None:
    """
    Refuse a policy that does not say for every budget what holds.

    Raises:
        InvalidInput: It has no step, its bounds don't descend to -inf from below 1, a name stands twice, `deploys` is no word of `DEPLOYS`,
            or its hysteresis is not in 0 to 0.5.
    """
    where = f"policy {policy.name!r}" + (f" ({policy.place})" if policy.place else "")
    if not policy.steps or policy.steps[-1].above != -inf:
        raise InvalidInput(f"{where} must end with a step that holds for whatever is left: leave out its bound")
    if any(not better.above > worse.above for better, worse in pairwise(policy.steps)):
        bounds = ", ".join(f"{step.name} above {step.above:g}" for step in policy.steps)
        raise InvalidInput(f"{where} must list its steps from the most budget left to the least; found {bounds}")
    if policy.steps[0].above >= 1:
        raise InvalidInput(f"{where}: bounds are shares of the budget below 1 (0.5 or 50%); found {policy.steps[0].above:g}")
    names = [step.name for step in policy.steps]
    if len(set(names)) != len(names):
        raise InvalidInput(f"{where} names a state twice: {', '.join(names)}")
    for step in policy.steps:
        if step.deploys not in DEPLOYS:
            raise InvalidInput(f"{where}, state {step.name!r}: deploys must be one of {', '.join(DEPLOYS)}; found {step.deploys!r}")
    if not 0 <= policy.hysteresis <= 0.5:
        raise InvalidInput(f"{where}: hysteresis is a share of the budget, 0 to 0.5; found {policy.hysteresis:g}")


def policy_of(objective: Objective, policies: Mapping[str, BudgetPolicy], default: str) -> BudgetPolicy:
    """The policy that applies to an objective: its own, else the one called `default`; four-step where neither is known."""
    return policies.get(objective.policy or default) or policies.get(default) or FOUR_STEP


def step_of(policy: BudgetPolicy, remaining_ratio: float, previous: str | None = None) -> PolicyStep:
    """
    The state that a budget is in.

    Args:
        policy: Which.
        remaining_ratio: Share of the budget that is left, at most 1; negative when it is overspent.
        previous: Name of the state so far, None (or a name that the policy does not have) for a first judgement, without hysteresis.
    """
    reached = next(index for index, step in enumerate(policy.steps) if remaining_ratio > step.above or index == len(policy.steps) - 1)
    held = next((index for index, step in enumerate(policy.steps) if step.name == previous), reached)
    for index in range(reached, held):
        if remaining_ratio > _bound_of_return(policy, policy.steps[index]):
            return policy.steps[index]
    return policy.steps[max(reached, held)]


def _bound_of_return(policy: BudgetPolicy, step: PolicyStep) -> float:
    """What must be left for a better state to hold again: never more than half way to a full budget, or no recovery could reach it."""
    return min(step.above + policy.hysteresis, (step.above + 1) / 2)


def advance(
    policy: BudgetPolicy, objective: str, remaining_ratio: float | None, newest: PolicyTransition | None, at: int
) -> PolicyTransition | None:
    """
    What to write down when a budget is judged anew.

    Args:
        policy: The policy that applies now.
        objective: Key of the objective.
        remaining_ratio: Share of its budget that is left; None without data, which keeps the state.
        newest: The last change that was written down, None for none.
        at: The present instant, nanoseconds since 1970.

    Returns:
        The change; None when the state, and the policy, are what they were.
    """
    if remaining_ratio is None:
        return None
    known = newest.state if newest and newest.policy == policy.name else None
    step = step_of(policy, remaining_ratio, known)
    if step.name == known:
        return None
    return PolicyTransition(objective, policy.name, newest.state if newest else "", step.name, at, remaining_ratio)


def worsens(policy: BudgetPolicy, change: PolicyTransition) -> bool:
    """Whether a change leads to a worse state of its policy than the one before; the first state of all, or of a policy, does too."""
    names = [step.name for step in policy.steps]
    return change.previous not in names or names.index(change.state) > names.index(change.previous)


def status_of(policy: BudgetPolicy, objective: str, newest: PolicyTransition | None, at: int) -> PolicyStatus:
    """
    How an objective's policy stands.

    Before the first change was written down, or after the policy was exchanged and nothing was observed since, nothing is known
    to be spent: the best state holds, since `at`.
    """
    if newest is not None and newest.policy == policy.name:
        for step in policy.steps:
            if step.name == newest.state:
                return PolicyStatus(objective, policy.name, step.name, step.deploys, newest.at, step.text)
    best = policy.steps[0]
    return PolicyStatus(objective, policy.name, best.name, best.deploys, at, best.text)
