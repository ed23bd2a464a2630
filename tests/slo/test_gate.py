"""The gate's word, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.model.budget import PolicyException
from tocsin.slo.answers import Budget, BudgetFigures, BudgetVerdict, BurnRate, Coverage, GateAnswer, GateReason, GateVerdict, PolicyStatus
from tocsin.slo.definition import Objective, RollingWindow, SeriesValue
from tocsin.slo.gate import decide
from tocsin.slo.options import GateOptions
from tocsin.slo.policy import POLICIES, THREE_STEP

AT = 1_795_000_000_000_000_000
BUDGET_MINUTES = 43.2


def objective(key: str = "checkout-availability", target: float = 0.999) -> Objective:
    """An objective of the service `checkout`."""
    return Objective(key, key, "checkout", target, SeriesValue("up"), RollingWindow(2_592_000))


def figures(left: float | None) -> BudgetFigures:
    """A budget of 43.2 minutes of which `left` are left; None for no data."""
    if left is None:
        return BudgetFigures("events", 0, 0, 0, None, 0, None, None, None, BUDGET_MINUTES, None, None)
    spent, bad = 1 - left / BUDGET_MINUTES, BUDGET_MINUTES - left
    return BudgetFigures(
        "events", 43_200 - bad, bad, 43_200, 1 - bad / 43_200, BUDGET_MINUTES, spent, 1 - spent, left, BUDGET_MINUTES, bad, left
    )


def budget(left: float | None, key: str = "checkout-availability", *, hour: float = 0.5, five: float = 0.5, known: float = 1.0) -> Budget:
    """A budget with `left` minutes that burns at these rates."""
    numbers = figures(left)
    rates = [BurnRate(300, five, 1, 2, 1), BurnRate(3600, hour, 1, 2, 1)]
    coverage = Coverage(43_200, 43_200, round(43_200 * known), 43_200, 0, known)
    return Budget(key, "checkout", "", 0.999, AT, 0, AT, BudgetVerdict.MET, numbers, numbers, 0, coverage, rates, None, "")


def status(deploys: str, key: str = "checkout-availability", policy: str = "four-step") -> PolicyStatus:
    """A policy's state that allows `deploys`."""
    step = next(step for step in POLICIES[policy].steps if step.deploys == deploys)
    return PolicyStatus(key, policy, step.name, deploys, AT, step.text)


def leave(kind: str = "other", **changes: object) -> PolicyException:
    """An exception that holds now."""
    whole = PolicyException("ex-1", "checkout", kind, "dana", "the law asks for it", AT - 10, AT + 10, 1)
    return replace(whole, **changes)  # type: ignore[arg-type]  # the changes are fields by name


def ask(
    *budgets: Budget,
    states: tuple[PolicyStatus, ...] = (),
    exceptions: tuple[PolicyException, ...] = (),
    risk: tuple[float, float] = (0, 1),
    options: GateOptions | None = None,
    target: float = 0.999,
) -> GateAnswer:
    """The gate's answer for `checkout`."""
    objectives = {one.objective: objective(one.objective, target) for one in budgets}
    by_key = {one.objective: one for one in states}
    return decide("checkout", AT, budgets, objectives, POLICIES, by_key, exceptions, *risk, options=options)


def test_a_migration_with_a_whole_budget_goes() -> None:
    """33.2 minutes left, 15 at risk with 30 %: go; the worst case leaves 18.2, the expected one 28.7."""
    answer = ask(budget(33.2), risk=(15, 0.3))
    assert (answer.verdict, answer.ok, answer.reason) == (GateVerdict.GO, True, GateReason.ENOUGH_BUDGET)
    assert answer.expected_cost_minutes == pytest.approx(4.5)
    assert answer.worst_case_minutes == 15
    assert answer.remaining_minutes == 33.2
    assert answer.sentence == (
        "Go: checkout-availability has 33.2 min of 43.2 min left (77%); even the worst case of 15.0 min leaves 18.2 min, "
        "the expected 4.5 min leave 28.7 min."
    )


def test_the_same_migration_at_the_end_of_the_month_waits() -> None:
    """8 minutes left, the same risk: no, for the worst case is more than that."""
    answer = ask(budget(8.0), risk=(15, 0.3))
    assert (answer.verdict, answer.ok, answer.reason) == (GateVerdict.NO_GO, False, GateReason.RISK_EXCEEDS_BUDGET)
    assert "8.0 min of 43.2 min left (19%); the worst case of 15.0 min is more than the 8.0 min left" in answer.sentence


def test_a_risk_that_just_fits_goes() -> None:
    """Only a worst case that exceeds what is left refuses; what fits to the minute is allowed."""
    assert ask(budget(30.0), risk=(30, 1)).verdict is GateVerdict.GO
    assert ask(budget(30.0), risk=(30.01, 1)).verdict is GateVerdict.NO_GO


@pytest.mark.parametrize(
    ("deploys", "verdict", "reason"),
    [
        ("all", GateVerdict.GO, GateReason.ENOUGH_BUDGET),
        ("canary", GateVerdict.CANARY, GateReason.POLICY_CANARY),
        ("fixes", GateVerdict.NO_GO, GateReason.POLICY_FREEZE),
        ("none", GateVerdict.NO_GO, GateReason.POLICY_EXHAUSTED),
    ],
)
def test_each_state_of_a_policy(deploys: str, verdict: GateVerdict, reason: GateReason) -> None:
    """What the policy's state says holds, whatever the budget says since: hysteresis is the policy's business."""
    answer = ask(budget(40.0), states=(status(deploys),))
    assert (answer.verdict, answer.reason, answer.ok) == (verdict, reason, verdict is not GateVerdict.NO_GO)
    assert answer.policy_state == status(deploys).state


def test_without_a_state_the_budget_is_judged() -> None:
    """Before the first state is written down, the policy is applied to what is left."""
    assert ask(budget(15.0)).verdict is GateVerdict.CANARY
    assert ask(budget(5.0)).reason is GateReason.POLICY_FREEZE
    assert "overspent its budget of 43.2 min by 2.0 min" in ask(budget(-2.0)).sentence


def test_the_weightiest_objective_decides() -> None:
    """All objectives must allow it; the one that refuses decides, the others are told."""
    answer = ask(budget(40.0, "a"), budget(15.0, "b"), budget(2.0, "c"), budget(3.0, "d"))
    assert (answer.objective, answer.verdict) == ("c", GateVerdict.NO_GO)
    assert [sentence.split(" has ")[0].split(": ")[1] for sentence in answer.others] == ["d", "b", "a"]


def test_other_services_have_no_say() -> None:
    """Objectives of another service are passed over."""
    foreign = replace(objective("search-availability"), service="search")
    objectives = {"search-availability": foreign, "checkout-availability": objective()}
    answer = decide("checkout", AT, [budget(-9.0, "search-availability"), budget(40.0)], objectives, POLICIES, {}, ())
    assert answer.verdict is GateVerdict.GO
    assert answer.others == []


def test_fast_burn_refuses_whatever_is_left() -> None:
    """A budget that burns fast over the hour and the last five minutes stops deployments; one of the two is not enough."""
    answer = ask(budget(43.0, hour=20, five=30))
    assert (answer.verdict, answer.reason) == (GateVerdict.NO_GO, GateReason.BURNING_FAST)
    assert "20.0x over the last hour and 30.0x over the last five minutes (14.4x is the limit)" in answer.sentence
    assert answer.burn == {"5m": 30, "1h": 20}
    assert ask(budget(43.0, hour=20, five=0.5)).verdict is GateVerdict.GO
    assert ask(budget(43.0, hour=5, five=30)).verdict is GateVerdict.GO


def test_a_total_failure_of_an_easy_target_is_fast() -> None:
    """With 90 % nothing burns faster than 10x, so that a limit of 14.4 would never hold: a total failure refuses all the same."""
    assert ask(budget(43.0, hour=10, five=10), target=0.9).reason is GateReason.BURNING_FAST
    assert ask(budget(43.0, hour=8, five=8), target=0.9).verdict is GateVerdict.GO


def test_an_exception_opens_a_freeze() -> None:
    """An exception that is signed for lets a deployment through, and the answer names it for the caller to use up."""
    answer = ask(budget(5.0), exceptions=(leave("security"),))
    assert (answer.verdict, answer.reason, answer.exception) == (GateVerdict.GO, GateReason.EXCEPTION, "ex-1")
    assert answer.sentence.startswith("Go by exception ex-1 (security), for which dana signed: the law asks for it. Without it: No go: ")


@pytest.mark.parametrize(
    "exception",
    [
        leave(expires=AT),
        leave(created=AT + 1),
        leave(uses_left=0),
        leave(service="search"),
        leave(kind="birthday"),
    ],
    ids=["expired", "not yet", "used up", "another service", "unknown kind"],
)
def test_an_exception_that_does_not_hold_opens_nothing(exception: PolicyException) -> None:
    """Expired, used up, of another service or of a kind that the policy does not accept: the freeze stays."""
    answer = ask(budget(5.0), exceptions=(exception,))
    assert (answer.verdict, answer.exception) == (GateVerdict.NO_GO, "")


def test_a_policy_may_accept_fewer_kinds() -> None:
    """What a policy does not list is no key to it."""
    policies = {"three-step": replace(THREE_STEP, exceptions=("security",))}
    held = {"checkout-availability": status("fixes", policy="three-step")}
    for kind, verdict in (("other", GateVerdict.NO_GO), ("security", GateVerdict.GO)):
        known = {"checkout-availability": objective()}
        assert decide("checkout", AT, [budget(2.0)], known, policies, held, (leave(kind),)).verdict is verdict


def test_an_ordinary_exception_does_not_lead_into_a_fire() -> None:
    """While the budget burns fast, only what mends something comes through."""
    burning = budget(5.0, hour=20, five=30)
    assert ask(burning, exceptions=(leave("other"),)).verdict is GateVerdict.NO_GO
    assert ask(burning, exceptions=(leave("other"), leave("incident-fix", id="ex-2"))).exception == "ex-2"


def test_an_exception_is_not_spent_without_need() -> None:
    """Where nothing refuses, no exception is used; where another objective asks for a canary, that remains."""
    assert ask(budget(40.0), exceptions=(leave(),)).exception == ""
    answer = ask(budget(5.0, "a"), budget(15.0, "b"), exceptions=(leave(),))
    assert (answer.verdict, answer.exception) == (GateVerdict.CANARY, "ex-1")


def test_of_several_exceptions_the_first_to_expire_is_used() -> None:
    """What would be lost soonest is used first."""
    assert ask(budget(5.0), exceptions=(leave(id="late", expires=AT + 99), leave(id="soon"))).exception == "soon"


@pytest.mark.parametrize(("word", "verdict"), [("go", GateVerdict.GO), ("no_go", GateVerdict.NO_GO)])
def test_without_data_the_setting_decides(word: str, verdict: GateVerdict) -> None:
    """A service whose objectives observed nothing, or know too little of the window, is judged by the setting."""
    options = GateOptions.model_validate({"without_data": word, "coverage_min": 0.5})
    for unknown in (budget(None), budget(40.0, known=0.2)):
        answer = ask(unknown, options=options)
        assert (answer.verdict, answer.reason) == (verdict, GateReason.NO_DATA)
    assert "only 20.0% of the window is known" in ask(budget(40.0, known=0.2), options=options).sentence


def test_an_objective_that_was_never_judged_is_one_without_data() -> None:
    """An objective without a budget is not one that agrees."""
    answer = decide("checkout", AT, [], {"checkout-availability": objective()}, POLICIES, {}, (), options=GateOptions(without_data="no_go"))
    assert (answer.verdict, answer.reason, answer.objective) == (GateVerdict.NO_GO, GateReason.NO_DATA, "checkout-availability")


def test_what_is_known_speaks_before_what_is_not() -> None:
    """With an open setting, an objective with data decides over one without."""
    assert ask(budget(None, "a"), budget(40.0, "b")).objective == "b"
    assert ask(budget(None, "a"), budget(40.0, "b"), options=GateOptions(without_data="no_go")).objective == "a"


@pytest.mark.parametrize(("word", "verdict"), [("go", GateVerdict.GO), ("no_go", GateVerdict.NO_GO)])
def test_without_an_objective_the_setting_decides(word: str, verdict: GateVerdict) -> None:
    """A service that promises nothing is judged by the setting, which the sentence names."""
    answer = ask(options=GateOptions.model_validate({"without_objective": word}))
    assert (answer.verdict, answer.reason, answer.objective) == (verdict, GateReason.NO_OBJECTIVE, "")
    assert "slo.gate.without_objective" in answer.sentence


@pytest.mark.parametrize("risk", [(-1, 0.5), (float("nan"), 0.5), (float("inf"), 0.5), (1, 1.5), (1, -0.1), (1, float("nan"))])
def test_an_impossible_risk_is_refused(risk: tuple[float, float]) -> None:
    """A risk is a number of minutes and a probability."""
    with pytest.raises(InvalidInput, match="found"):
        ask(budget(40.0), risk=risk)


LEFT = st.none() | st.floats(-50, BUDGET_MINUTES)
RATES = st.floats(0, 1000)


@given(st.lists(st.tuples(LEFT, RATES, RATES), min_size=1, max_size=4), st.floats(0, 60), st.floats(0, 1))
def test_what_goes_fits(many: list[tuple[float | None, float, float]], risk: float, probability: float) -> None:
    """Whatever the budgets: without an exception nothing goes that some objective could not bear, or while one burns fast."""
    budgets = [budget(left, f"o{index}", hour=hour, five=five) for index, (left, hour, five) in enumerate(many)]
    answer = ask(*budgets, risk=(risk, probability))
    assert answer.sentence
    assert len(answer.others) == len(many) - 1
    known = [(left, min(hour, five)) for left, hour, five in many if left is not None]
    if answer.ok:
        assert all(left > 0 and left >= risk and burning < 14.4 for left, burning in known)
    if any(left <= 0.25 * BUDGET_MINUTES for left, _ in known):
        assert not answer.ok


@given(st.floats(-50, BUDGET_MINUTES), st.floats(0, 50), st.floats(0, 60))
def test_more_left_never_refuses_what_less_allows(left: float, more: float, risk: float) -> None:
    """The gate is the more generous the more is left."""
    order = (GateVerdict.NO_GO, GateVerdict.CANARY, GateVerdict.GO)
    less = ask(budget(left), risk=(risk, 1))
    richer = ask(budget(min(left + more, BUDGET_MINUTES)), risk=(risk, 1))
    assert order.index(richer.verdict) >= order.index(less.verdict)


@given(st.floats(-50, BUDGET_MINUTES), RATES, st.sampled_from(["security", "incident-fix"]))
def test_what_mends_always_comes_through(left: float, rate: float, kind: str) -> None:
    """Whatever the budget and its rate, a fix that somebody signed for is let through; and no exception is used where none is needed."""
    one = budget(left, hour=rate, five=rate)
    answer = ask(one, exceptions=(leave(kind),))
    assert answer.ok
    assert (answer.exception == "ex-1") is not ask(one).ok


def anew(one: Budget, ratio: float = 0.4) -> Budget:
    """A budget of which so much was counted anew."""
    return replace(one, coverage=replace(one.coverage, recounted_ratio=ratio))


def test_what_is_counted_anew_is_never_better_than_what_was_recorded() -> None:
    """A recorded state holds although the budget looks full, or empty of events; the sentence says why."""
    for left in (40.0, None):
        answer = ask(anew(budget(left)), states=(status("none"),), options=GateOptions(coverage_min=1.0))
        assert (answer.verdict, answer.reason) == (GateVerdict.NO_GO, GateReason.POLICY_EXHAUSTED)
        assert "counted anew" in answer.sentence
        assert "40 % done, and until then no better state than 'exhausted' holds" in answer.sentence
    behind = ask(anew(budget(None)), states=(status("canary"),))
    assert (behind.verdict, behind.reason) == (GateVerdict.CANARY, GateReason.POLICY_CANARY)
    assert ask(anew(budget(None)), states=(status("all"),)).reason is GateReason.NO_DATA
    assert "counted anew" not in ask(budget(40.0), states=(status("none"),)).sentence


def test_mistakes_in_files_close_the_gate_of_a_service_without_objectives() -> None:
    """One of them may hold its objective; the first is named, and the option opens it."""
    mistakes = ["shop.yaml:3:5: wrong", "b.yaml: gone"]
    answer = decide("checkout", AT, [], {}, POLICIES, {}, [], mistakes=mistakes)
    assert (answer.verdict, answer.reason, answer.ok) == (GateVerdict.NO_GO, GateReason.BROKEN_FILES, False)
    assert "shop.yaml:3:5: wrong (and 1 more); slo.gate.with_mistakes is 'no_go'" in answer.sentence
    opened = decide("checkout", AT, [], {}, POLICIES, {}, [], mistakes=mistakes, options=GateOptions(with_mistakes="go"))
    assert (opened.verdict, opened.reason) == (GateVerdict.GO, GateReason.BROKEN_FILES)
    let = decide("checkout", AT, [], {}, POLICIES, {}, [leave()], mistakes=mistakes)
    assert (let.verdict, let.exception) == (GateVerdict.GO, "ex-1")


def test_mistakes_in_files_are_said_beside_objectives_in_force() -> None:
    """The verdict rests on what is in force."""
    one = budget(33.2)
    answer = decide("checkout", AT, [one], {one.objective: objective(one.objective, 0.999)}, POLICIES, {}, [], mistakes=["a.yaml:1:1: odd"])
    assert answer.verdict is GateVerdict.GO
    assert answer.sentence.endswith(" What was changed in SLO files is not in force: a.yaml:1:1: odd.")


def test_what_is_counted_for_the_first_time_is_not_known_to_be_good() -> None:
    """It is no go unless a setting says otherwise; what is known to refuse is named all the same."""
    young = replace(budget(40.0), coverage=replace(budget(40.0).coverage, complete=False))
    assert (ask(young).reason, ask(young).ok) == (GateReason.BEING_COUNTED, False)
    assert ask(young, options=GateOptions(while_counting="go")).ok
    assert ask(young, states=(status("canary"),)).reason is GateReason.BEING_COUNTED
    assert ask(young, risk=(41, 1)).reason is GateReason.RISK_EXCEEDS_BUDGET


def test_counts_that_stand_still_say_nothing_good() -> None:
    """An objective that the engine refuses to count keeps the figures that it had; the gate does not go by them."""
    one = budget(40.0)
    of_service = {one.objective: objective(one.objective, 0.999)}
    answer = decide("checkout", AT, [one], of_service, POLICIES, {}, [], uncounted={one.objective: "can't be counted: many-to-many"})
    assert (answer.ok, answer.reason) == (False, GateReason.BEING_COUNTED)
    assert "can't be counted: many-to-many; slo.gate.while_counting is 'no_go'" in answer.sentence
