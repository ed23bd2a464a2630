"""What this room answers: budgets, burn rates, ledgers, verdicts. Frozen, JSON by pydantic's ordinary rules, shared by API and terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.attribution import AttributionValue
from tocsin.model.budget import CauseKind
from tocsin.model.instant import Instant


class BudgetVerdict(Enum):
    """How an objective stands over its window."""

    MET = "met"
    BREACHED = "breached"  # more than the whole budget is spent
    NO_DATA = "no_data"  # no event was observed: neither met nor breached


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    How much of a window the figures rest on.

    Args:
        window_minutes: Minutes of the whole window.
        elapsed_minutes: Those that have passed; fewer only in a calendar window.
        known_minutes: Those that were counted: since the data, or the counting of it, began.
        observed_minutes: Those with at least one event.
        known_from: The first minute that is known; None when nothing is.
        ratio: known_minutes / elapsed_minutes, 0 to 1.
        recounted_ratio: Share of the known part that was counted as the definition and its exclusions say now, 0 to 1. Below 1 while they
            changed and the objective is being counted anew, newest first: what is older still holds what was counted before the change.
        complete: Whether all of the window that is stored was counted. False while a new objective is counted for the first time, newest
            first: what is older than `known_from` may say something else.
    """

    window_minutes: int
    elapsed_minutes: int
    known_minutes: int
    observed_minutes: int
    known_from: Instant | None
    ratio: float
    recounted_ratio: float = 1.0
    complete: bool = True

    @property
    def recounting(self) -> bool:
        """Whether a part of the figures still follows an earlier definition."""
        return self.recounted_ratio < 1.0

    @property
    def settled(self) -> bool:
        """Whether all that is stored was counted as the definition says now; else the figures may still change without any new event."""
        return self.complete and not self.recounting


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """
    One budget in numbers. `unit` says what is counted: `events` or `slices`.

    Args:
        good, bad, total: What was counted in the window.
        sli: good / total, None without events.
        allowed: How many may be bad over the whole window: the budget in events. Where only a part of the window has passed or is known,
            the rest is expected to bring as many events as that part did.
        consumed_ratio: Share of the budget that is spent, may exceed 1; None without events.
        remaining_ratio: 1 - consumed_ratio, may be negative; None without events.
        remaining: How many more may be bad.
        budget_minutes: The budget as minutes of total failure over the whole window.
        consumed_minutes, remaining_minutes: The same shares of it, None without events.
    """

    unit: str
    good: float
    bad: float
    total: float
    sli: float | None
    allowed: float
    consumed_ratio: float | None
    remaining_ratio: float | None
    remaining: float | None
    budget_minutes: float
    consumed_minutes: float | None
    remaining_minutes: float | None


@dataclass(frozen=True, slots=True)
class BurnRate:
    """
    How fast the budget goes: 1 spends exactly all of it in a window. None without events in these last `window_s` seconds.

    Where slices are longer than that, it is about the last whole slice: a fire is seen when its first slice ends, and until the first
    slice without it ends. `coverage` is the share of that time that is known, 0 to 1.
    """

    window_s: int
    rate: float | None
    bad: float
    total: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Budget:
    """
    One objective at one instant.

    Args:
        objective: Its key.
        service: Whose.
        title: For people.
        target: What is promised.
        at: For which instant this holds.
        window_start, window_end: The whole window; `window_end` lies ahead in a calendar window.
        verdict: How it stands.
        figures: What counts.
        without_exclusions: The same had nothing been excluded; equal to `figures` when nothing was.
        excluded_minutes: Minutes of the window that exclusions without a query take out.
        coverage: What the figures rest on.
        burn_rates: Over 5m, 30m, 1h, 2h, 6h, 1d, 3d; the shortest first.
        exhausted_in_s: Seconds until nothing is left at the present rate; 0 when it is spent, None when it lasts.
        sentence: All of it for a person at night.
    """

    objective: str
    service: str
    title: str
    target: float
    at: Instant
    window_start: Instant
    window_end: Instant
    verdict: BudgetVerdict
    figures: BudgetFigures
    without_exclusions: BudgetFigures
    excluded_minutes: int
    coverage: Coverage
    burn_rates: list[BurnRate]
    exhausted_in_s: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """
    One thing that consumed budget.

    Args:
        kind: What sort of thing.
        cause: Which: `checkout v2.3.1`, `INC-12`, `database upgrade`; empty for what nobody knows.
        start, end: The first minute it spent something, and the end of the last.
        bad: What it cost, events or slices.
        minutes: The same as minutes of the budget.
        share: The same as a share of the whole budget.
        excluded: It was excluded, so it cost nothing; `bad` is what it would have cost.
        detail: Who said so and why, or how it was found.
    """

    kind: CauseKind
    cause: str
    start: Instant
    end: Instant
    bad: float
    minutes: float
    share: float
    excluded: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What consumed a budget, the dearest first. Entries that are not excluded add up to `bad` exactly."""

    objective: str
    at: Instant
    unit: str
    bad: float
    entries: list[LedgerEntry]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who spent the budget: the values that stand out most, first. `start` tells how far back the events themselves are still stored."""

    objective: str
    start: Instant
    end: Instant
    bad: float
    total: float
    values: list[AttributionValue]
    sentence: str


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The state of an objective's budget policy: what may be deployed (`all`, `canary`, `fixes`, `none`) since when, and what to do."""

    objective: str
    policy: str
    state: str
    deploys: str
    since: Instant
    text: str


class GateVerdict(Enum):
    """The gate's word; the value is its name in JSON."""

    GO = "go"
    CANARY = "canary"  # go, but only behind a canary
    NO_GO = "no_go"


class GateReason(Enum):
    """Why the gate said so; the value is its name in JSON."""

    ENOUGH_BUDGET = "enough_budget"
    POLICY_CANARY = "policy_canary"
    POLICY_FREEZE = "policy_freeze"
    POLICY_EXHAUSTED = "policy_exhausted"
    RISK_EXCEEDS_BUDGET = "risk_exceeds_budget"
    BURNING_FAST = "burning_fast"
    NO_OBJECTIVE = "no_objective"
    BROKEN_FILES = "broken_files"  # no objective is in force, and files have mistakes: there may be one
    NO_DATA = "no_data"
    BEING_COUNTED = "being_counted"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """
    May SERVICE be deployed now?

    Args:
        service: Which.
        at: When it was asked.
        verdict: go, canary or no_go.
        ok: Whether a pipeline may go on: for `go` and `canary`. For Argo Rollouts: `successCondition: result.ok`.
        reason: The weightiest of the objectives' reasons.
        sentence: The same in words, with the numbers.
        objective: The objective that decided, empty when none did.
        budget_remaining: Share of that objective's budget that is left; None without data.
        remaining_minutes: The same in minutes.
        expected_cost_minutes: risk minutes times probability.
        worst_case_minutes: risk minutes.
        burn: Its burn rates by window (`5m`, `1h`); None without events.
        policy_state: State of its policy.
        exception: Id of the exception that let it through, empty without one.
        others: What the other objectives of the service say, one sentence each.
    """

    service: str
    at: Instant
    verdict: GateVerdict
    ok: bool
    reason: GateReason
    sentence: str
    objective: str = ""
    budget_remaining: float | None = None
    remaining_minutes: float | None = None
    expected_cost_minutes: float = 0.0
    worst_case_minutes: float = 0.0
    burn: dict[str, float | None] = field(default_factory=dict)
    policy_state: str = ""
    exception: str = ""
    others: list[str] = field(default_factory=list)
