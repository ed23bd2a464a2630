"""
Guards, run: each on a stage of its own that holds nothing but its telemetry, on a clock that only the replay turns.

    must_fire        the rule fires within N minutes of the start
    must_not_fire    it fires at no instant of a quiet stretch
    query            an expression holds, a count is what it should be
    unit_test        a file of rule tests passes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import AlertRule, Evaluator, RecordingRule, Rule, RuleGroup, RuleSet
from tocsin.alert.files.conditions import Known
from tocsin.alert.files.rule_set import read_rule_set
from tocsin.alert.options import AlertOptions
from tocsin.alert.rules.machine import Texts
from tocsin.alert.template.rule_functions import RuleRender
from tocsin.clock import Clock
from tocsin.errors import InvalidInput, TocsinError
from tocsin.model.incident import GuardKind
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, format_instant
from tocsin.model.labels import Labels
from tocsin.model.series import SeriesSource
from tocsin.model.spelling import did_you_mean
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql as Engine
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.syntax import ValueType
from tocsin.replay.backtest import NS_PER_MS, pieces, promql_alone
from tocsin.replay.guards.definition import GuardFile, GuardOutcome, GuardQuery
from tocsin.replay.guards.freeze import LATE_NS
from tocsin.replay.guards.slice_files import held_series, is_series
from tocsin.replay.held_series import HeldSeries, ShadowedSeries
from tocsin.replay.options import ReplayOptions
from tocsin.replay.rule_reach import reach_of_recordings, reads_of, recorded_names
from tocsin.replay.rule_replay import STATE_SERIES, ChangeKind, RuleReplay
from tocsin.replay.rule_tests.files import run_test_file
from tocsin.replay.rule_tests.run import Bench
from tocsin.slo.definition import Objective

DIFFERENCES_SHOWN = 3


class Stage(Protocol):
    """What a guard is run on: its telemetry, and who answers questions about it."""

    @property
    def source(self) -> SeriesSource:
        """Its series."""
        ...

    def evaluators_on(self, promql: PromqlEvaluator) -> Evaluator:
        """Evaluators of all conditions, given the one for PromQL."""
        ...

    def rules(self, paths: Sequence[Path]) -> RuleSet:
        """
        The rules of some files.

        Raises:
            InvalidInput: Something in them is wrong.
        """
        ...

    def count(self, query: GuardQuery, within: TimeRange) -> int:
        """How many records a query finds."""
        ...


OpenStage = Callable[[GuardFile], AbstractContextManager[Stage]]
AskLive = Callable[[GuardQuery], bool]


@dataclass(frozen=True, slots=True)
class SeriesStage:
    """A stage for guards whose telemetry is series alone: no engine is started for it."""

    source: HeldSeries
    promql: PromqlOptions

    def evaluators_on(self, promql: PromqlEvaluator) -> Evaluator:
        """Nothing but PromQL."""
        return promql_alone(promql)

    def rules(self, paths: Sequence[Path]) -> RuleSet:
        """The rules of some files; raises InvalidInput."""
        return rules_of(paths, {}, AlertOptions(), self.promql)

    def count(self, query: GuardQuery, within: TimeRange) -> int:  # noqa: ARG002 - a Stage
        """No records."""
        return 0


@contextmanager
def open_series_stage(guard: GuardFile, promql: PromqlOptions, options: ReplayOptions) -> Iterator[SeriesStage]:
    """A stage with the guard's series."""
    yield SeriesStage(held_series(guard.telemetry, bytes_max=round(options.slice_mb_max * 1e6)), promql)


def needs_store(guard: GuardFile) -> bool:
    """Whether a guard's telemetry, or what it asks, is more than series."""
    asks_records = guard.query is not None and not guard.query.promql
    return bool(guard.objectives) or asks_records or not all(is_series(path) for path in guard.telemetry)


def rules_of(paths: Sequence[Path], objectives: Mapping[str, Objective], options: AlertOptions, promql: PromqlOptions) -> RuleSet:
    """
    The rules of some files, and those that objectives bring.

    Raises:
        InvalidInput: Something in them is wrong; all of it is said.
    """
    rules = read_rule_set(paths, objectives, options, promql).rules
    if rules.mistakes:
        raise InvalidInput("\n".join(rules.mistakes))
    return rules


class GuardRunner:
    """
    Runs guards, one after another.

    Args:
        open_stage: Makes a stage for a guard, with its telemetry loaded.
        clock: For durations.
        promql: Limits and switches of PromQL.
        ask_live: Answers queries that are about the running server; None where none is asked.
    """

    def __init__(self, open_stage: OpenStage, clock: Clock, promql: PromqlOptions, *, ask_live: AskLive | None = None) -> None:
        self._open_stage = open_stage
        self._clock = clock
        self._promql = promql
        self._ask_live = ask_live

    def run(self, guard: GuardFile) -> GuardOutcome:
        """How a guard goes; whatever keeps it from being run is its outcome's `error`."""
        begun_s = self._clock.monotonic_s()
        outcome = GuardOutcome(guard.name, str(guard.folder), guard.kind, guard.incident, passed=False, sentence="")
        try:
            outcome = self._run(guard, outcome)
        except TocsinError as error:
            outcome = replace(outcome, error=str(error), sentence=f"it could not be run: {error}")
        return replace(outcome, duration_s=self._clock.monotonic_s() - begun_s)

    def _run(self, guard: GuardFile, outcome: GuardOutcome) -> GuardOutcome:
        if guard.kind is GuardKind.UNIT_TEST:
            return self._unit_test(guard, outcome)
        if guard.kind is GuardKind.QUERY:
            return self._query(guard, outcome)
        with self._open_stage(guard) as stage:
            firings, failures = self._firings(guard, stage)
        outcome = replace(outcome, remarks=failures)
        return _judge_fires(guard, firings, outcome) if guard.kind is GuardKind.MUST_FIRE else _judge_quiet(guard, firings, outcome)

    def _firings(self, guard: GuardFile, stage: Stage) -> tuple[list[tuple[Instant, Instant | None]], tuple[str, ...]]:
        """When the guard's alert began to fire and when it ended; why rules could not be evaluated."""
        groups = _relevant(stage.rules(guard.rules), guard)
        rules = [rule for group in groups for rule in group.rules]
        held = HeldSeries()
        source = ShadowedSeries(stage.source, held, recorded_names(rules))
        evaluator = PromqlEvaluator(source, self._clock, self._promql, share=False)
        engine = Engine(source, self._promql, clock=self._clock)
        try:
            evaluators = stage.evaluators_on(evaluator)
            replay = RuleReplay(groups, evaluators=evaluators, engine=engine, held=held, texts=Texts(RuleRender()), step_s=guard.step_s)
            back_ns = round(reach_of_recordings(rules) * NANOSECONDS)
            if back_ns:
                replay.record(TimeRange(guard.evaluate_from - back_ns, guard.evaluate_from))
            until = guard.end + (LATE_NS if guard.kind is GuardKind.MUST_FIRE else 0)
            found: dict[Labels, list[tuple[Instant, Instant | None]]] = {}
            for piece in pieces(TimeRange(guard.evaluate_from, until + 1), ReplayOptions().piece_s):
                for change in replay.piece(piece):
                    _note(found, change.kind, change.alert.labels, change.at, guard)
                held.forget_before((piece.end - back_ns) // NS_PER_MS - 1)
        finally:
            evaluator.close()
            engine.close()
        firings = sorted(one for some in found.values() for one in some)
        return firings, tuple(f"{one.rule} could not be evaluated: {one.message}" for one in replay.failures)

    def _query(self, guard: GuardFile, outcome: GuardOutcome) -> GuardOutcome:
        query = guard.query
        assert query is not None, "the reader asks for one"
        if guard.live:
            if self._ask_live is None:
                return replace(outcome, passed=True, sentence="not asked: no server is given to ask", remarks=("skipped",))
            holds = self._ask_live(query)
            return replace(outcome, passed=holds, sentence=f"{_words(query)} {'holds' if holds else 'does not hold'} on the server")
        with self._open_stage(guard) as stage:
            if not query.promql:
                count = stage.count(query, TimeRange(guard.start, guard.end))
                return replace(outcome, passed=compares(count, query), sentence=f"{_words(query)}: found {count}")
            engine = Engine(stage.source, self._promql, clock=self._clock)
            try:
                holds = is_true(engine.instant(query.promql, time_ms=guard.end // NS_PER_MS))
            finally:
                engine.close()
        return replace(outcome, passed=holds, sentence=f"{_words(query)} {'holds' if holds else 'does not hold'}")

    def _unit_test(self, guard: GuardFile, outcome: GuardOutcome) -> GuardOutcome:
        known = Known({}, self._promql, AlertOptions().bad_events_min)
        files = [run_test_file(path, known, Bench(self._clock, self._promql)) for path in guard.tests]
        mistakes = [mistake for file in files for mistake in file.mistakes]
        if mistakes:
            raise InvalidInput("; ".join(mistakes))
        cases = [case for file in files for case in file.cases]
        failed = [case for case in cases if not case.passed]
        if failed:
            shown = "\n".join(f"{case.test}: {case.name}\n{case.difference}" for case in failed[:DIFFERENCES_SHOWN])
            return replace(outcome, sentence=f"{len(failed)} of {len(cases)} questions are answered differently\n{shown}")
        return replace(outcome, passed=True, sentence=f"{len(cases)} questions are answered as expected")


def compares(count: float, query: GuardQuery) -> bool:
    """Whether a count is what a query wants."""
    match query.comparison.value:
        case ">":
            return count > query.threshold
        case ">=":
            return count >= query.threshold
        case "<":
            return count < query.threshold
    return count <= query.threshold


def is_true(answer: QueryAnswer) -> bool:
    """Whether an answer holds: a vector with an element, a number that is not nought."""
    if answer.type is ValueType.SCALAR:
        return bool(answer.scalar)
    return bool(answer.series)


def _relevant(rules: RuleSet, guard: GuardFile) -> list[RuleGroup]:
    """Groups with the guard's rule and whatever it may need; raises InvalidInput when no rule is called so."""
    alerts = [rule for group in rules.groups for rule in group.rules if isinstance(rule, AlertRule)]
    names = sorted({rule.name for rule in alerts})
    if guard.rule not in names:
        there = did_you_mean(guard.rule, names) or (f"; there are {', '.join(names[:10])}" if names else "; there are no rules at all")
        raise InvalidInput(f"no rule is called {guard.rule!r}{there}")
    reads_states = any(reads_of(rule).names & set(STATE_SERIES) for rule in alerts if rule.name == guard.rule)

    def needed(rule: Rule) -> bool:
        return reads_states or isinstance(rule, RecordingRule) or rule.name == guard.rule

    return [replace(group, rules=kept) for group in rules.groups if (kept := tuple(rule for rule in group.rules if needed(rule)))]


def _note(
    found: dict[Labels, list[tuple[Instant, Instant | None]]], kind: ChangeKind, labels: Labels, at: Instant, guard: GuardFile
) -> None:
    if labels.get("alertname") != guard.rule or any(labels.get(name) != value for name, value in guard.labels):
        return
    if kind is ChangeKind.FIRED:
        found.setdefault(labels, []).append((at, None))
    elif kind is ChangeKind.RESOLVED and labels in found:
        begun, _ = found[labels].pop()
        found[labels].append((begun, at))


def _judge_fires(guard: GuardFile, firings: Sequence[tuple[Instant, Instant | None]], outcome: GuardOutcome) -> GuardOutcome:
    seen = [(begun, ended) for begun, ended in firings if ended is None or ended > guard.start]
    allowed = _length(guard.end - guard.start)
    if not seen:
        why = "".join(f"; {remark}" for remark in outcome.remarks)
        return replace(outcome, sentence=f"{guard.rule} does not fire; it must within {allowed} of {_time(guard.start)}{why}")
    begun = seen[0][0]
    if begun > guard.end:
        late = f"{guard.rule} fires {_length(begun - guard.start)} after {_time(guard.start)}, {_length(begun - guard.end)} too late"
        return replace(outcome, sentence=f"{late}: it must within {allowed}", fired_at=begun)
    after = f"{_length(begun - guard.start)} after" if begun >= guard.start else f"{_length(guard.start - begun)} before"
    return replace(outcome, passed=True, sentence=f"{guard.rule} fires {after} {_time(guard.start)}; allowed are {allowed}", fired_at=begun)


def _judge_quiet(guard: GuardFile, firings: Sequence[tuple[Instant, Instant | None]], outcome: GuardOutcome) -> GuardOutcome:
    if outcome.remarks:  # a rule that can't be evaluated is quiet, and guards nothing
        return replace(outcome, sentence="; ".join(outcome.remarks))
    loud = [begun for begun, ended in firings if begun < guard.end and (ended is None or ended > guard.start)]
    stretch = f"{_time(guard.start)} to {_time(guard.end)}"
    if loud:
        times = f"{len(loud)} times" if len(loud) > 1 else "once"
        return replace(
            outcome, sentence=f"{guard.rule} fires {times} in a quiet stretch, {stretch}: first at {_time(loud[0])}", fired_at=loud[0]
        )
    return replace(outcome, passed=True, sentence=f"{guard.rule} does not fire from {stretch}")


def _words(query: GuardQuery) -> str:
    if query.promql:
        return query.promql
    return f"{query.signal} {query.query or '*'} {query.comparison.value} {query.threshold:g}"


def _time(at: Instant) -> str:
    return format_instant(at)[:19] + "Z"


def _length(ns: int) -> str:
    """`90 s` as `1m30s`."""
    minutes, seconds = divmod(round(ns / NANOSECONDS), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count) or "0s"
