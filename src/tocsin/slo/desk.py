"""
The desk of objectives: every question about budgets as a Python method, and the gate.

    slos.budgets(service="checkout")                     how all of its objectives stand
    slos.ledger("checkout-availability")                 what spent one of them
    slos.gate("checkout", risk_minutes=15)               may it be deployed?
    slos.decisions.exclude(service="checkout", start=..., end=..., author="ada", reason="database upgrade")

It holds nothing but the last round of `watch`: definitions come from files, counts from the store, decisions from the relational state,
and the judgements are the pure functions of this room. Questions change nothing; what does is `watch`, `gate(record=True)` and decisions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tocsin.clock import Clock, Entropy
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.budget import Exclusion, GateRecord, PolicyException, PolicyTransition
from tocsin.model.deployment import Deployment
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, format_instant
from tocsin.model.signals import ServiceBurn
from tocsin.model.spelling import did_you_mean
from tocsin.slo.answers import Attribution, Budget, GateAnswer, GateReason, GateVerdict, Ledger, PolicyStatus
from tocsin.slo.budget import judge_budgets
from tocsin.slo.burn_down import BurnDownPoint, burn_down
from tocsin.slo.decisions import Decisions
from tocsin.slo.definition import Definitions, Objective
from tocsin.slo.desk_records import DefinitionProblems, SloStatistics, objective_statistics
from tocsin.slo.gate import FIRST_COUNT, decide
from tocsin.slo.ledger import keep_ledger, ledger_range
from tocsin.slo.minutes import CountSource
from tocsin.slo.options import SloOptions
from tocsin.slo.policy import advance, policy_of, status_of, worsens
from tocsin.slo.service_burns import burn_by_service
from tocsin.slo.summary import ObjectiveSummary, summary_of
from tocsin.slo.window import window_at
from tocsin.state.state import State

RECORD_ID_BYTES = 8
AHEAD_S = 300  # the clocks of those who ask may be a little ahead


class DeploymentSource(Protocol):
    """Where deployments are found, told ones and those seen in the telemetry alike; `query.deployments.Deployments` is one."""

    def between(self, start: Instant, end: Instant, *, service: str | None = None) -> Sequence[Deployment]:
        """Those of one service in [start, end), in any order."""
        ...


class Attributing(Protocol):
    """What tells which attribute values stand out among bad events; `attribution.Attributor` is one."""

    def attribute(
        self, objective: Objective, start: Instant, end: Instant, *, exclusions: Sequence[Exclusion] = (), limit: int = 20
    ) -> Attribution:
        """Of one objective's events in [start, end)."""
        ...


class SloDesk:
    """
    Answers questions about objectives. Safe to use from several threads.

    Args:
        definitions: What the files say now.
        counts: Counts per minute.
        state: Decisions, states of policies, answers of the gate.
        clock: The present.
        entropy: For ids of what is written down.
        options: Defaults of policies, ledger and gate.
        deployments: Where deployments are found; without it the ledger blames none.
        attributor: What attributes bad events; without it the question is refused.
        mistakes: What is wrong with the files now.
        refused: Objectives that can't be counted now, by key, and why.
    """

    def __init__(
        self,
        definitions: Callable[[], Definitions],
        counts: CountSource,
        state: State,
        *,
        clock: Clock,
        entropy: Entropy,
        options: SloOptions | None = None,
        deployments: DeploymentSource | None = None,
        attributor: Attributing | None = None,
        mistakes: Callable[[], Iterable[object]] = tuple,
        refused: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._definitions = definitions
        self._counts = counts
        self._state = state
        self._clock = clock
        self._entropy = entropy
        self._options = options or SloOptions()
        self._deployments = deployments
        self._attributor = attributor
        self._mistakes = mistakes
        self._refused = refused
        self.decisions = Decisions(definitions, state, clock=clock, entropy=entropy, policy=self._options.policy)
        self._lock = threading.Lock()
        self._statistics = SloStatistics()

    def objectives(self, *, service: str | None = None) -> list[ObjectiveSummary]:
        """What each objective says, in the order of the files."""
        return [summary_of(objective) for objective in self._objectives(service)]

    def objective(self, key: str) -> ObjectiveSummary:
        """
        What one objective says.

        Raises:
            NotFound: There is none with this key; names the one that was probably meant.
        """
        return summary_of(self._objective(key))

    def budgets(self, *, service: str | None = None, at: Instant | None = None) -> list[Budget]:
        """
        How every objective stands, or those of one service, now unless `at` says otherwise.

        Raises:
            InvalidInput: `at` lies in the future; as everywhere here.
        """
        return self._judge(self._objectives(service), self._at(at))

    def budget(self, key: str, *, at: Instant | None = None) -> Budget:
        """
        How one objective stands.

        Raises:
            NotFound: There is none with this key.
        """
        return self._judge([self._objective(key)], self._at(at))[0]

    def burn_down(self, key: str, *, points: int = 200, at: Instant | None = None) -> list[BurnDownPoint]:
        """
        How much was left over the window, at most so many points, 2 to 5000.

        Raises:
            NotFound: There is no objective with this key.
            InvalidInput: So many points are not drawn.
        """
        return burn_down(self._objective(key), self._counts, self._at(at), self.decisions.exclusions(), points)

    def ledger(self, key: str, *, at: Instant | None = None) -> Ledger:
        """
        What consumed a budget.

        Raises:
            NotFound: There is no objective with this key.
        """
        objective, instant = self._objective(key), self._at(at)
        within = ledger_range(objective, instant)
        start, end = within.start_s * NANOSECONDS, within.end_s * NANOSECONDS
        exclusions = self.decisions.exclusions()
        return keep_ledger(
            objective,
            self._counts.minutes(key, within),
            judge_budgets([objective], self._counts, instant, exclusions)[0].figures,
            instant,
            deployments=self._deployments.between(start, end, service=objective.service) if self._deployments else (),
            marks=self.decisions.marks(objective),
            exclusions=exclusions,
            blame_s=self._options.deploy_blame_s,
        )

    def attribution(self, key: str, *, start: Instant | None = None, end: Instant | None = None, limit: int = 20) -> Attribution:
        """
        Which attribute values stand out among the bad events, of the objective's window unless `start` and `end` say otherwise.

        Raises:
            NotFound: There is no objective with this key, or nothing here reads events.
            InvalidInput: The range ends before it starts, or the objective counts minutes rather than events.
        """
        objective = self._objective(key)
        if self._attributor is None:
            raise NotFound("nothing behind this desk reads events, so budgets can't be attributed to their attributes here")
        last = self._at(end)
        first = start if start is not None else window_at(objective.window, last // NANOSECONDS).start_s * NANOSECONDS
        TimeRange(first, last)
        return self._attributor.attribute(objective, first, last, exclusions=self.decisions.exclusions(), limit=limit)

    def policies(self) -> list[PolicyStatus]:
        """How the budget policy of each objective stands now; writes nothing down."""
        at = self._clock.now_ns()
        objectives = self._objectives(None)
        return list(self._statuses(objectives, self._judge(objectives, at), at).values())

    def policy_history(self, key: str) -> list[PolicyTransition]:
        """
        How an objective's policy changed, the newest first.

        Raises:
            NotFound: There is no objective with this key.
        """
        return list(self._state.policies.history(self._objective(key).key))

    def watch(self) -> list[PolicyTransition]:
        """
        One round: judge every objective, write down the policies' states that changed, and return those.

        While an objective is counted anew its figures are a mixture of two definitions, and while it is counted for the first time what is
        older is to come: its state stays what it was until that is done.
        """
        definitions, at = self._definitions(), self._clock.now_ns()
        budgets = self._judge(list(definitions.objectives.values()), at)
        newest = self._state.policies.newest_of_all()
        changed = []
        for budget in budgets:
            if not budget.coverage.settled:
                continue
            policy = policy_of(definitions.objectives[budget.objective], definitions.policies, self._options.policy)
            transition = advance(policy, budget.objective, budget.figures.remaining_ratio, newest.get(budget.objective), at)
            if transition is not None and self._state.policies.record(transition):
                changed.append(transition)
        with self._lock:
            last = self._statistics
            known = {budget.objective: objective_statistics(budget) for budget in budgets}
            self._statistics = replace(last, rounds=last.rounds + 1, transitions=last.transitions + len(changed), objectives=known)
        return changed

    def gate(self, service: str, *, risk_minutes: float = 0.0, probability: float = 1.0, record: bool = True) -> GateAnswer:
        """
        May a service be deployed now?

        Args:
            service: Which.
            risk_minutes: Minutes of total failure that it costs in the worst case, >= 0.
            probability: Chance that it goes wrong, 0 to 1.
            record: The deployment begins now: write the answer down, and use up the exception that lets it through. Of two that need
                the last use of one exception, one gets it.

        Raises:
            InvalidInput: A risk below 0, or a probability outside of 0 to 1.
        """
        at = self._clock.now_ns()
        definitions = self._definitions()
        objectives = {key: one for key, one in definitions.objectives.items() if one.service == service}
        budgets = self._judge(list(objectives.values()), at)
        states = self._statuses(list(objectives.values()), budgets, at)
        doubts = self._doubts(budgets)
        taken: set[str] = set()  # by somebody else, between reading and using
        while True:
            exceptions: list[PolicyException] = [one for one in self._state.exceptions.list(service, at) if one.id not in taken]
            answer = decide(
                service,
                at,
                budgets,
                objectives,
                definitions.policies,
                states,
                exceptions,
                risk_minutes,
                probability,
                self._options.gate,
                [str(mistake) for mistake in self._mistakes()],
                doubts,
            )
            if not record or not answer.exception or self._state.exceptions.use(answer.exception, at, detail=f"deployment of {service}"):
                break
            taken.add(answer.exception)
        if answer.reason in (GateReason.NO_OBJECTIVE, GateReason.BROKEN_FILES):
            meant = did_you_mean(service, sorted({one.service for one in definitions.objectives.values()}))
            answer = replace(answer, sentence=f"{answer.sentence.removesuffix('.')}{meant}" if meant else answer.sentence)
        if record:
            self._record(answer, risk_minutes, probability)
        return answer

    def problems(self) -> DefinitionProblems:
        """What is wrong with the files, and what is probably not meant."""
        definitions = self._definitions()
        refused = [f"{key} can't be counted: {why}" for key, why in self._refused().items() if key in definitions.objectives]
        return DefinitionProblems([str(mistake) for mistake in self._mistakes()], [*refused, *definitions.remarks])

    def burn_by_service(self, *, at: Instant | None = None) -> dict[str, ServiceBurn]:
        """For each service its objective that burns fastest over an hour, read from that hour alone; not later than now."""
        now = self._clock.now_ns()
        instant = now if at is None else min(at, now)
        return burn_by_service(self._objectives(None), self._counts, instant, self.decisions.exclusions())

    def statistics(self) -> SloStatistics:
        """Counters, and how the last round of `watch` found each objective."""
        with self._lock:
            return self._statistics

    def _at(self, at: Instant | None) -> Instant:
        """The instant that is asked about: the present one, or one before it."""
        now = self._clock.now_ns()
        if at is not None and at > now + AHEAD_S * NANOSECONDS:
            raise InvalidInput(f"at must not lie in the future, for nothing is known of it; found {format_instant(at)}")
        return now if at is None else at

    def _objectives(self, service: str | None) -> list[Objective]:
        return [one for one in self._definitions().objectives.values() if service is None or one.service == service]

    def _objective(self, key: str) -> Objective:
        objectives = self._definitions().objectives
        if key in objectives:
            return objectives[key]
        raise NotFound(f"no objective is called {key!r}{did_you_mean(key, objectives) or '; `tocsin slo` lists all'}")

    def _judge(self, objectives: Sequence[Objective], at: Instant) -> list[Budget]:
        return judge_budgets(objectives, self._counts, at, self.decisions.exclusions()) if objectives else []

    def _statuses(self, objectives: Sequence[Objective], budgets: Sequence[Budget], at: Instant) -> dict[str, PolicyStatus]:
        """
        How policies stand by these budgets, by key: as `watch` will write it down.

        Of an objective that is being counted a worse state than the recorded one shows at once, a better one only once that is done.
        """
        policies, newest = self._definitions().policies, self._state.policies.newest_of_all()
        found = {}
        for objective, budget in zip(objectives, budgets, strict=True):
            policy, known = policy_of(objective, policies, self._options.policy), newest.get(objective.key)
            change = advance(policy, objective.key, budget.figures.remaining_ratio, known, at)
            if change is not None and not budget.coverage.settled and not worsens(policy, change):
                change = None
            found[objective.key] = status_of(policy, objective.key, change or known, at)
        return found

    def _doubts(self, budgets: Sequence[Budget]) -> dict[str, str]:
        """Why counts can't be relied on now, by key: one that was never whole does not become so by a change of its definition."""
        recorded = self._state.policies.newest_of_all()
        never_whole = {one.objective: FIRST_COUNT for one in budgets if one.coverage.recounting and one.objective not in recorded}
        refused = {key: f"can't be counted: {why}" for key, why in self._refused().items()}
        return never_whole | refused

    def _record(self, answer: GateAnswer, risk_minutes: float, probability: float) -> None:
        identity = f"gate-{self._entropy.token_hex(RECORD_ID_BYTES)}"
        self._state.gate.record(
            GateRecord(
                identity, answer.service, answer.at, answer.verdict.value, answer.reason.value, risk_minutes, probability, answer.exception
            )
        )
        go = answer.verdict is not GateVerdict.NO_GO
        with self._lock:
            last = self._statistics
            self._statistics = replace(
                last,
                gate_go=last.gate_go + go,
                gate_no_go=last.gate_no_go + (not go),
                exceptions_used=last.exceptions_used + bool(answer.exception),
            )
