"""
Unit tests of rules, run: series in memory, the groups stepped as they are live, and what came of it compared with what was expected.

Source: Prometheus documentation, 'Unit testing for rules': every group is evaluated at every `evaluation_interval` from the beginning of
the test, whatever interval it has; a question at an instant between two evaluations is about the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Promql, RuleGroup
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.run import GroupRun
from tocsin.alert.template.rule_functions import Query, RuleRender
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model.alert import ALERT_NAME
from tocsin.model.instant import Instant
from tocsin.model.rule_alert import AlertPhase, RuleAlert
from tocsin.query.promql.engine import Promql as Engine
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.overlaid import OverlaidSeries
from tocsin.query.series.recent import RecentSeries
from tocsin.replay.rule_tests.comparison import alert_difference, answer_difference
from tocsin.replay.rule_tests.definition import AlertCase, CaseOutcome, QueryCase, RuleTest, RuleTestFile

NS_PER_MS = 1_000_000
FOR_EVER_S = 1e12


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What tests run on.

    Args:
        clock: For timeouts and durations.
        options: Limits and switches of PromQL.
    """

    clock: Clock
    options: PromqlOptions


def run_tests(file: RuleTestFile, groups: Sequence[RuleGroup], bench: Bench) -> tuple[CaseOutcome, ...]:
    """
    Every test of a file against the groups of its rule files.

    Args:
        file: The tests.
        groups: The rules, as they stand in the files.
        bench: What they run on.
    """
    ordered = _in_order(groups, file.group_order)
    return tuple(outcome for test in file.tests for outcome in _run(test, file, ordered, bench))


def _in_order(groups: Sequence[RuleGroup], first: Sequence[str]) -> list[RuleGroup]:
    places = {name: place for place, name in enumerate(first)}
    return sorted(groups, key=lambda group: places.get(group.name, len(places)))


def _run(test: RuleTest, file: RuleTestFile, groups: Sequence[RuleGroup], bench: Bench) -> list[CaseOutcome]:
    recent = RecentSeries(kept_s=FOR_EVER_S)
    source = OverlaidSeries(_loaded(test), recent)
    evaluator = PromqlEvaluator(source, bench.clock, bench.options, share=False)
    engine = Engine(source, bench.options, clock=bench.clock)
    texts = Texts(RuleRender(_asker(engine)), test.external_labels, test.external_url)
    evaluators = Evaluators({Promql: evaluator})
    runs = [GroupRun(group, evaluators, texts=texts, recent=recent, clock=bench.clock) for group in groups]
    try:
        outcomes = _alert_outcomes(test, file, runs)
        outcomes += [
            _outcome(test, case, f"{case.query} at {_words(case.at_ms)}", _query_difference(engine, test, case, file))
            for case in test.queries
        ]
    finally:
        evaluator.close()
        engine.close()
    return outcomes


def _asker(engine: Engine) -> Query:
    """Queries in templates."""

    def ask(text: str, at: Instant) -> list[tuple[Mapping[str, str], float]]:
        answer = engine.instant(text, time_ms=at // NS_PER_MS)
        return [(dict(one.labels), float(one.values[0])) for one in answer.series if len(one.values)]

    return ask


def _loaded(test: RuleTest) -> MemorySeries:
    series = MemorySeries()
    for written in test.series:
        samples = {test.start_ms + number * test.interval_ms: point for number, point in enumerate(written.points) if point is not None}
        series.add(written.labels, samples)
    return series


def _alert_outcomes(test: RuleTest, file: RuleTestFile, runs: Sequence[GroupRun]) -> list[CaseOutcome]:
    """Step every group to the end of the test, and look at the alerts where somebody asks."""
    asked: dict[int, list[AlertCase]] = {}
    for case in test.alerts:
        asked.setdefault(case.at_ms // file.interval_ms, []).append(case)
    outcomes = []
    for step in range(test.length_ms // file.interval_ms + 1):
        at = (test.start_ms + step * file.interval_ms) * NS_PER_MS
        errors = {status.rule.name: status.error for run in runs for status in run.step(at).rules if status.error}
        outcomes += [
            _outcome(test, case, f"{case.alert} at {_words(case.at_ms)}", _alert_case_difference(case, runs, errors))
            for case in asked.get(step, ())
        ]
    return outcomes


def _alert_case_difference(case: AlertCase, runs: Sequence[GroupRun], errors: Mapping[str, str]) -> str:
    found: dict[AlertPhase, list[RuleAlert]] = {AlertPhase.FIRING: [], AlertPhase.PENDING: []}
    for run in runs:
        for status in run.status().rules:
            for alert in status.alerts:
                if alert.labels.get(ALERT_NAME) == case.alert:
                    found[alert.phase].append(alert)
    differences = [alert_difference("firing", case.alert, case.firing, found[AlertPhase.FIRING])]
    if case.pending is not None:
        differences.append(alert_difference("pending", case.alert, case.pending, found[AlertPhase.PENDING]))
    said = [one for one in differences if one]
    if said and case.alert in errors:
        said.append(f"the rule could not be evaluated: {errors[case.alert]}")
    return "\n".join(said)


def _query_difference(engine: Engine, test: RuleTest, case: QueryCase, file: RuleTestFile) -> str:
    try:
        answer = engine.instant(case.query, time_ms=test.start_ms + case.at_ms)
    except TocsinError as error:
        return f"the query fails: {error}"
    return answer_difference(case.samples, answer, fuzzy=file.fuzzy)


def _outcome(test: RuleTest, case: AlertCase | QueryCase, name: str, difference: str) -> CaseOutcome:
    return CaseOutcome(test.name or test.place, name, case.place, difference)


def _words(at_ms: int) -> str:
    """`90000` as `1m30s`."""
    if not at_ms:
        return "0s"
    parts = []
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, at_ms = divmod(at_ms, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
