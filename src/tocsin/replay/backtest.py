"""
A backtest: rules over a stretch of the past, from telemetry to the person who would have been woken, and how well that went.

    report = Backtest(Ground(source, evaluators_on, clock)).run(Trial("new", rules, config), TimeRange(start, end), incidents)

Memory holds one piece of the past at a time (a day), however long the stretch is; what comes out does not depend on where pieces meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Evaluator, Promql, RuleSet
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.template.rule_functions import RuleRender
from tocsin.clock import Clock
from tocsin.errors import LimitExceeded, Timeout
from tocsin.model.alert import Silence
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, format_instant
from tocsin.model.series import SeriesSource
from tocsin.oncall.roster import Roster
from tocsin.query.promql.engine import Promql as Engine
from tocsin.query.promql.options import PromqlOptions
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.held_series import HeldSeries, ShadowedSeries
from tocsin.replay.options import ReplayOptions
from tocsin.replay.rule_reach import reach_of_recordings, recorded_names
from tocsin.replay.rule_replay import RuleFailure, RuleReplay
from tocsin.replay.scoring import Evidence, Score, SpentBudget, score
from tocsin.replay.telling import Telling

NS_PER_MS = 1_000_000
Progress = Callable[[float], None]
"""Told how much of the stretch is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What a backtest stands on.

    Args:
        source: Where series come from.
        evaluators_on: Makes the evaluators of all conditions, given the one for PromQL.
        clock: For time limits.
        promql: Limits and switches of PromQL.
        options: Of replays.
        spent: The share of an objective's budget that was spent in a range of time; None where no objectives are.
    """

    source: SeriesSource
    evaluators_on: Callable[[PromqlEvaluator], Evaluator]
    clock: Clock
    promql: PromqlOptions = field(default_factory=PromqlOptions)
    options: ReplayOptions = field(default_factory=ReplayOptions)
    spent: SpentBudget | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """
    What is tried.

    Args:
        name: For people: the file that the rules come from.
        rules: The rules.
        config: Routes, receivers, inhibition.
        roster: Chains and schedules; None: pages go to nobody in particular.
        silences: That people had made; none by default: a rule that only silences keep quiet is not a good one.
        step_s: Least seconds between two evaluations; groups with a longer interval keep it.
    """

    name: str
    rules: RuleSet
    config: AlertingConfig
    roster: Roster | None = None
    silences: Sequence[Silence] = ()
    step_s: float = 60.0


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """
    How a set of rules did.

    Args:
        name: Of the trial.
        start, end: The stretch of the past.
        step_s: Seconds between two evaluations, at least.
        rules: Rules that were replayed.
        score: How well that went.
        notifications: What each receiver was told, pages among it.
        failures: Rules that could not be evaluated, in whole or in part.
        duration_s: Seconds that it took.
    """

    name: str
    start: Instant
    end: Instant
    step_s: float
    rules: int
    score: Score
    notifications: Mapping[str, int]
    failures: tuple[RuleFailure, ...] = ()
    duration_s: float = 0.0


class Backtest:
    """
    Runs trials; one at a time.

    Args:
        ground: What it stands on.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def run(
        self,
        trial: Trial,
        over: TimeRange,
        incidents: Sequence[KnownIncident] = (),
        *,
        progress: Progress = lambda _: None,
        time_limit_s: float | None = None,
    ) -> BacktestReport:
        """
        Replay a trial.

        Args:
            trial: What is tried.
            over: The stretch of the past.
            incidents: What there was; those outside of the stretch don't count.
            progress: Told how far it is.
            time_limit_s: Longest time that it may take, seconds; None: any.

        Raises:
            LimitExceeded: The stretch is longer, or there are more rules, than the options allow.
            Timeout: It took longer than `time_limit_s`.
        """
        self._check(trial, over)
        begun_s = self._ground.clock.monotonic_s()
        telling = Telling(trial.config, trial.silences, trial.roster)
        held = HeldSeries()
        rules = [rule for group in trial.rules.groups for rule in group.rules]
        source = ShadowedSeries(self._ground.source, held, recorded_names(rules))
        evaluator = PromqlEvaluator(source, self._ground.clock, self._ground.promql, share=False)
        engine = Engine(source, self._ground.promql, clock=self._ground.clock)
        try:
            replay = RuleReplay(
                trial.rules.groups,
                evaluators=self._ground.evaluators_on(evaluator),
                engine=engine,
                held=held,
                texts=Texts(RuleRender()),
                step_s=trial.step_s,
            )
            back_ns = round(reach_of_recordings(rules) * NANOSECONDS)
            self._warm_up(replay, over, back_ns)
            for piece in pieces(over, self._ground.options.piece_s):
                self._check_time(begun_s, time_limit_s, piece.start)
                telling.take(replay.piece(piece), piece.end)
                held.forget_before((piece.end - back_ns) // NS_PER_MS - 1)
                progress((piece.end - over.start) / over.duration_ns)
        finally:
            evaluator.close()
            engine.close()
        telling.finish()
        known = tuple(one for one in incidents if one.start < over.end and (one.end is None or one.end > over.start))
        evidence = Evidence(over, telling.firings, telling.pages, known, telling.waitings)
        return BacktestReport(
            name=trial.name,
            start=over.start,
            end=over.end,
            step_s=trial.step_s,
            rules=len(rules),
            score=score(evidence, self._ground.options, spent=self._ground.spent),
            notifications=dict(sorted(telling.notifications.items())),
            failures=replay.failures,
            duration_s=self._ground.clock.monotonic_s() - begun_s,
        )

    def _warm_up(self, replay: RuleReplay, over: TimeRange, back_ns: int) -> None:
        """Record what the first windows will look back into."""
        if back_ns:
            for piece in pieces(TimeRange(over.start - back_ns, over.start), self._ground.options.piece_s):
                replay.record(piece)

    def _check(self, trial: Trial, over: TimeRange) -> None:
        options = self._ground.options
        if over.duration_ns > options.range_max_s * NANOSECONDS:
            days = options.range_max_s / 86_400
            raise LimitExceeded(f"a backtest covers at most {days:g} days (replay.range_max_s); ask for less, or raise the option")
        count = sum(len(group.rules) for group in trial.rules.groups)
        if count > options.rules_max:
            raise LimitExceeded(f"{count} rules are more than a backtest takes, {options.rules_max} (replay.rules_max)")

    def _check_time(self, begun_s: float, limit_s: float | None, at: Instant) -> None:
        if limit_s is not None and self._ground.clock.monotonic_s() - begun_s > limit_s:
            raise Timeout(
                f"the backtest took longer than {limit_s:g} s (replay.time_limit_s) and had come to {format_instant(at)[:16]}; ask for a"
                " shorter stretch, a longer step or fewer rules"
            )


def pieces(over: TimeRange, piece_s: float) -> Iterator[TimeRange]:
    """A stretch in pieces."""
    step = round(piece_s * NANOSECONDS)
    for start in range(over.start, over.end, step):
        yield TimeRange(start, min(start + step, over.end))


def promql_alone(evaluator: PromqlEvaluator) -> Evaluators:
    """Evaluators for rules that ask nothing but PromQL."""
    return Evaluators({Promql: evaluator})
