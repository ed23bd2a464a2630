"""
The gate: may this service be deployed now?

    33.2 of 43.2 minutes left, a risk of 15 minutes with 30 %   -> go, even the worst case leaves 18.2 (28.7 are expected)
     8.0 of 43.2 minutes left, the same risk                    -> no_go, the worst case is more than what is left

Each objective of the service is judged by itself; all must allow it, and the weightiest of their reasons is the answer's. An exception that
somebody signed for opens what a policy or a risk closes; a budget that burns fast is opened only by an exception that mends something
(`security`, `incident-fix`), so that one which was given for a feature last week does not let it into an outage.
Everything that is known is passed in: nothing here reads a clock, a file or a table, and using up the exception is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.errors import InvalidInput
from tocsin.model.budget import PolicyException
from tocsin.model.instant import format_instant
from tocsin.slo.answers import Budget, GateAnswer, GateReason, GateVerdict, PolicyStatus
from tocsin.slo.definition import BudgetPolicy, Objective
from tocsin.slo.options import GateOptions
from tocsin.slo.policy import DEPLOYS, FOUR_STEP, step_of
from tocsin.slo.words import recount_words

FAST_WINDOWS_S = (3600, 300)  # both must burn fast: the hour says that it matters, the five minutes that it still goes on
MENDING = ("security", "incident-fix")
EXCEPTION_KINDS = (*MENDING, "other")
TOTAL_FAILURE = 0.999  # of the highest possible burn rate: with an easy target even a total failure may not reach the limit itself
FIRST_COUNT = "is being counted for the first time, and what is older may have spent its budget"

# The weightiest first: what is on fire, what is gone, what does not fit, what was agreed, what is not known.
WEIGHT = (
    GateReason.BURNING_FAST,
    GateReason.POLICY_EXHAUSTED,
    GateReason.RISK_EXCEEDS_BUDGET,
    GateReason.POLICY_FREEZE,
    GateReason.BROKEN_FILES,
    GateReason.BEING_COUNTED,
    GateReason.NO_OBJECTIVE,
    GateReason.NO_DATA,
    GateReason.POLICY_CANARY,
    GateReason.EXCEPTION,
    GateReason.ENOUGH_BUDGET,
)


@dataclass(frozen=True, slots=True)
class Risk:
    """
    What a deployment may cost.

    Args:
        minutes: Minutes of total failure in the worst case, >= 0.
        probability: Chance that it goes wrong, 0 to 1.
    """

    minutes: float = 0.0
    probability: float = 1.0

    @property
    def expected_minutes(self) -> float:
        """What it costs on average: minutes times probability."""
        return self.minutes * self.probability


@dataclass(frozen=True, slots=True)
class Opinion:
    """
    What one objective says.

    Args:
        objective: Its key, empty where there is none.
        verdict: go, canary or no_go.
        reasons: All that speak for the verdict, the weightiest first.
        sentence: The same in words.
        kinds: Kinds of exception that open it when it refuses.
        budget: What it rests on; None when nothing was judged.
        state: State of its policy, empty where nothing is known.
    """

    objective: str
    verdict: GateVerdict
    reasons: tuple[GateReason, ...]
    sentence: str
    kinds: tuple[str, ...] = EXCEPTION_KINDS
    budget: Budget | None = None
    state: str = ""


def decide(
    service: str,
    at: int,
    budgets: Sequence[Budget],
    objectives: Mapping[str, Objective],
    policies: Mapping[str, BudgetPolicy],
    states: Mapping[str, PolicyStatus],
    exceptions: Sequence[PolicyException],
    risk_minutes: float = 0.0,
    probability: float = 1.0,
    options: GateOptions | None = None,
    mistakes: Sequence[str] = (),
    uncounted: Mapping[str, str] | None = None,
) -> GateAnswer:
    """
    May a service be deployed?

    Args:
        service: Which.
        at: The present instant, nanoseconds since 1970.
        budgets: Of its objectives, as they are now; those of other services are passed over.
        objectives: By key; those of other services are passed over.
        policies: By name.
        states: How the objectives' policies stand, by the objectives' keys; one that is missing is judged from its budget.
        exceptions: Those that exist; what has expired, is used up or is for others is passed over.
        risk_minutes: Minutes of total failure that it costs in the worst case, >= 0.
        probability: Chance that it goes wrong, 0 to 1.
        options: What holds when nothing is known, and what burning fast is.
        mistakes: What is wrong with the SLO files now, each with its place: what they were to say is not in force.
        uncounted: Why counts of an objective can't be relied on now, by key, to follow its name in a sentence.

    Returns:
        The answer; `exception` names the one to use up.

    Raises:
        InvalidInput: A risk below 0, or a probability outside of 0 to 1.
    """
    if not 0 <= risk_minutes < float("inf"):
        raise InvalidInput(f"risk_minutes is how long the worst case lasts, 0 or more minutes; found {risk_minutes:g}")
    if not 0 <= probability <= 1:
        raise InvalidInput(f"probability is the chance that it goes wrong, 0 to 1; found {probability:g}")
    options = options or GateOptions()
    risk = Risk(risk_minutes, probability)
    of_service = {key: objective for key, objective in objectives.items() if objective.service == service}
    known = {budget.objective: budget for budget in budgets}
    doubts = {budget.objective: FIRST_COUNT for budget in budgets if not budget.coverage.complete} | dict(uncounted or {})
    opinions = [
        _opinion(objective, known.get(key), policies, states.get(key), risk, options, doubts.get(key, ""))
        for key, objective in of_service.items()
    ]
    if not opinions:
        return _answer(service, at, [_without_objective(service, options, mistakes)], exceptions, risk)
    answer = _answer(service, at, sorted(opinions, key=_order), exceptions, risk)
    if mistakes:
        answer = replace(answer, sentence=f"{answer.sentence} What was changed in SLO files is not in force: {_listed(mistakes)}.")
    return answer


def _order(opinion: Opinion) -> tuple[int, int, float]:
    """The opinion that decides comes first: what refuses, by weight of its reason, and the smallest budget among equals."""
    verdicts = (GateVerdict.NO_GO, GateVerdict.CANARY, GateVerdict.GO)
    left = opinion.budget.figures.remaining_ratio if opinion.budget else None
    weight = WEIGHT.index(opinion.reasons[0])
    if opinion.verdict is GateVerdict.GO and opinion.reasons[0] is GateReason.NO_DATA:
        weight = len(WEIGHT)  # a budget that is known says more than one that is not
    return verdicts.index(opinion.verdict), weight, left if left is not None else 2.0


def _answer(service: str, at: int, opinions: Sequence[Opinion], exceptions: Sequence[PolicyException], risk: Risk) -> GateAnswer:
    """The answer of opinions in their order of weight."""
    first = opinions[0]
    verdict, reason, sentence = first.verdict, first.reasons[0], first.sentence
    leave = _leave(service, at, [opinion for opinion in opinions if opinion.verdict is GateVerdict.NO_GO], exceptions)
    if leave is not None:
        wants_canary = any(opinion.verdict is GateVerdict.CANARY for opinion in opinions)
        verdict, reason = GateVerdict.CANARY if wants_canary else GateVerdict.GO, GateReason.EXCEPTION
        signed = f"{leave.author} signed: {leave.reason.rstrip('.')}"
        sentence = f"{_WORDS[verdict]} by exception {leave.id} ({leave.kind}), for which {signed}. Without it: {sentence}"
    budget = first.budget
    return GateAnswer(
        service=service,
        at=at,
        verdict=verdict,
        ok=verdict is not GateVerdict.NO_GO,
        reason=reason,
        sentence=sentence,
        objective=first.objective,
        budget_remaining=budget.figures.remaining_ratio if budget else None,
        remaining_minutes=budget.figures.remaining_minutes if budget else None,
        expected_cost_minutes=risk.expected_minutes,
        worst_case_minutes=risk.minutes,
        burn={_window_name(burn.window_s): burn.rate for burn in budget.burn_rates} if budget else {},
        policy_state=first.state,
        exception=leave.id if leave else "",
        others=[opinion.sentence for opinion in opinions[1:]],
    )


def _leave(service: str, at: int, refusals: Sequence[Opinion], exceptions: Sequence[PolicyException]) -> PolicyException | None:
    """The exception that opens all that refuse; of several the one that expires first."""
    if not refusals:
        return None
    kinds = set.intersection(*(set(opinion.kinds) for opinion in refusals))
    valid = [
        exception
        for exception in exceptions
        if exception.service == service
        and exception.kind in kinds
        and exception.uses_left > 0
        and exception.created <= at < exception.expires
    ]
    return min(valid, key=lambda exception: (exception.expires, exception.id), default=None)


def _without_objective(service: str, options: GateOptions, mistakes: Sequence[str]) -> Opinion:
    """What holds for a service that promises nothing, or whose promise stands in a file that could not be read."""
    if mistakes:
        verdict = GateVerdict(options.with_mistakes)
        sentence = (
            f"{_WORDS[verdict]}: no objective of {service} is in force, and one may stand in a file with mistakes: {_listed(mistakes)}; "
            f"slo.gate.with_mistakes is {options.with_mistakes!r}."
        )
        return Opinion("", verdict, (GateReason.BROKEN_FILES,), sentence)
    verdict = GateVerdict(options.without_objective)
    sentence = (
        f"{_WORDS[verdict]}: {service} has no objective, so nothing says what it may still break; slo.gate.without_objective is "
        f"{options.without_objective!r}."
    )
    return Opinion("", verdict, (GateReason.NO_OBJECTIVE,), sentence)


def _without_data(objective: Objective, budget: Budget | None, state: str, why: str, options: GateOptions, doubt: str) -> Opinion:
    """What holds for an objective of which too little is known, or, with a `doubt`, whose counts can't be relied on."""
    if doubt:
        verdict = GateVerdict(options.while_counting)
        sentence = f"{_WORDS[verdict]}: {objective.key} {doubt}; slo.gate.while_counting is {options.while_counting!r}."
        return Opinion(objective.key, verdict, (GateReason.BEING_COUNTED,), sentence, budget=budget, state=state)
    verdict = GateVerdict(options.without_data)
    sentence = f"{_WORDS[verdict]}: of {objective.key} {why}; slo.gate.without_data is {options.without_data!r}."
    return Opinion(objective.key, verdict, (GateReason.NO_DATA,), sentence, budget=budget, state=state)


def _opinion(
    objective: Objective,
    budget: Budget | None,
    policies: Mapping[str, BudgetPolicy],
    status: PolicyStatus | None,
    risk: Risk,
    options: GateOptions,
    doubt: str,
) -> Opinion:
    """What one objective says; `doubt` is why its counts can't be relied on, empty when they can."""
    why = _unknown(budget, options)
    held = status is not None and budget is not None and not budget.coverage.settled
    if budget is None or (why and not held):
        return _without_data(objective, budget, status.state if status else "", why, options, doubt)
    policy = policies.get(status.policy if status else objective.policy, FOUR_STEP)
    if status is None:
        step = step_of(policy, budget.figures.remaining_ratio or 0.0)
        status = PolicyStatus(objective.key, policy.name, step.name, step.deploys, budget.at, step.text)
    if why and status.deploys == DEPLOYS[0]:
        return _without_data(objective, budget, status.state, why, options, doubt)
    minutes_left = budget.figures.remaining_minutes or 0.0
    found: dict[GateReason, str] = {}
    rates = [next((burn.rate for burn in budget.burn_rates if burn.window_s == window_s), None) for window_s in FAST_WINDOWS_S]
    limit = min(options.fast_burn, TOTAL_FAILURE / objective.allowed_ratio)
    if all(rate is not None and rate >= limit for rate in rates):
        found[GateReason.BURNING_FAST] = _burning(rates, limit)
    if risk.minutes > 0 and risk.minutes > minutes_left:
        found[GateReason.RISK_EXCEEDS_BUDGET] = f"the worst case of {_minutes(risk.minutes)} is more than the {_minutes(minutes_left)} left"
    by_policy = _BY_DEPLOYS.get(status.deploys)
    if by_policy is not None:
        found[by_policy] = _policy_words(status)
    refusing = [reason for reason in WEIGHT if reason in found and reason is not GateReason.POLICY_CANARY]
    if not refusing and doubt:
        return _without_data(objective, budget, status.state, why, options, doubt)
    if not refusing:
        return _allowing(objective, budget, status, risk)
    words = "; ".join([*(found[reason] for reason in refusing), *_held(budget, status)])
    kinds = tuple(kind for kind in policy.exceptions if kind in MENDING or GateReason.BURNING_FAST not in found)
    opened = f" An exception opens it ({', '.join(kinds)})." if kinds else ""
    sentence = f"{_WORDS[GateVerdict.NO_GO]}: {_left(objective, budget)}; {words}.{opened}"
    return Opinion(objective.key, GateVerdict.NO_GO, tuple(refusing), sentence, kinds, budget, status.state)


def _unknown(budget: Budget | None, options: GateOptions) -> str:
    """Why too little is known of a budget to judge by it; empty when enough is."""
    if budget is None or budget.figures.remaining_ratio is None:
        return "nothing was observed in its window"
    if budget.coverage.ratio < options.coverage_min:
        return f"only {budget.coverage.ratio:.1%} of the window is known, and slo.gate.coverage_min asks for {options.coverage_min:.1%}"
    return ""


def _held(budget: Budget, status: PolicyStatus) -> list[str]:
    """That an objective is being counted, and what follows; nothing when it is not."""
    words = recount_words(budget.coverage)
    return [f"{words}, and until then no better state than {status.state!r} holds"] if words else []


def _allowing(objective: Objective, budget: Budget, status: PolicyStatus, risk: Risk) -> Opinion:
    """What an objective says that refuses nothing."""
    left = budget.figures.remaining_minutes or 0.0
    canary = status.deploys == "canary"
    verdict = GateVerdict.CANARY if canary else GateVerdict.GO
    words = [_left(objective, budget)]
    if risk.minutes > 0:
        words.append(
            f"even the worst case of {_minutes(risk.minutes)} leaves {_minutes(left - risk.minutes)}, "
            f"the expected {_minutes(risk.expected_minutes)} leave {_minutes(left - risk.expected_minutes)}"
        )
    if canary:
        words.append(_policy_words(status))
    words += _held(budget, status)
    reason = GateReason.POLICY_CANARY if canary else GateReason.ENOUGH_BUDGET
    return Opinion(objective.key, verdict, (reason,), f"{_WORDS[verdict]}: {'; '.join(words)}.", budget=budget, state=status.state)


_WORDS = {GateVerdict.GO: "Go", GateVerdict.CANARY: "Go, but behind a canary", GateVerdict.NO_GO: "No go"}
_BY_DEPLOYS = {"canary": GateReason.POLICY_CANARY, "fixes": GateReason.POLICY_FREEZE, "none": GateReason.POLICY_EXHAUSTED}


def _left(objective: Objective, budget: Budget) -> str:
    """`checkout-availability has 33.2 min of 43.2 min left (77 %)`."""
    figures = budget.figures
    if figures.remaining_ratio is None:
        return f"of {objective.key} nothing was observed in its window"
    ratio, minutes = figures.remaining_ratio, figures.remaining_minutes or 0.0
    if minutes < 0:
        return f"{objective.key} has overspent its budget of {_minutes(figures.budget_minutes)} by {_minutes(-minutes)} ({-ratio:.0%})"
    return f"{objective.key} has {_minutes(minutes)} of {_minutes(figures.budget_minutes)} left ({ratio:.0%})"


def _listed(mistakes: Sequence[str]) -> str:
    """The first mistake, and how many more there are."""
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{mistakes[0].rstrip('.')}{more}"


def _burning(rates: Sequence[float | None], limit: float) -> str:
    hour, five = (rate or 0.0 for rate in rates)
    return f"the budget burns {hour:.1f}x over the last hour and {five:.1f}x over the last five minutes ({limit:.1f}x is the limit)"


def _policy_words(status: PolicyStatus) -> str:
    since = format_instant(status.since)[:16].replace("T", " ")
    return f"policy {status.policy} says {status.state!r} since {since} UTC: {status.text.rstrip('.')}"


def _minutes(minutes: float) -> str:
    """One decimal; more where that would say nothing: `33.2 min`, `0.04 min`."""
    return f"{minutes:.1f} min" if abs(minutes) >= 0.1 or minutes == 0 else f"{minutes:.2g} min"


def _window_name(window_s: int) -> str:
    """`300` as `5m`, `3600` as `1h`, `259200` as `3d`."""
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if window_s % unit_s == 0:
            return f"{window_s // unit_s}{unit}"
    return f"{window_s}s"
