"""
Rules over the past, in bulk: each condition is asked about a whole piece of time at once, then its alerts go through their states step by
step, with the very machine that runs them live.

    piece of a day:   recording rules -> series in memory -> conditions over all steps -> states of alerts -> changes, in order of time

Rules are taken in an order in which whoever records comes before whoever reads, across groups: live, a reader sees what was recorded up to
one interval before; here, what was recorded at that very instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from graphlib import CycleError, TopologicalSorter

import numpy as np

from tocsin.alert.definition import AlertRule, Evaluator, RecordingRule, Rule, RuleGroup, Vector
from tocsin.alert.rules.machine import Texts, advance, check_limit, cleared, findings
from tocsin.alert.rules.samples import ALERTS, ALERTS_FOR_STATE, alert_samples
from tocsin.errors import LimitExceeded, TocsinError
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.rule_alert import AlertPhase, RuleAlert
from tocsin.query.promql.answer import SeriesAnswer
from tocsin.query.promql.engine import Promql as Engine
from tocsin.replay.held_series import HeldSeries
from tocsin.replay.rule_reach import reads_of

NS_PER_MS = 1_000_000
STATE_SERIES = (ALERTS, ALERTS_FOR_STATE)


class ChangeKind(Enum):
    """What happened to an alert of a rule."""

    FIRED = "fired"
    RESOLVED = "resolved"
    CALMED = "calmed"  # it was pending and did not become more


@dataclass(frozen=True, slots=True)
class Change:
    """
    What happened to an alert of a rule.

    Args:
        at: When.
        kind: What.
        group: The rule's group.
        rule: The rule.
        alert: The alert then; for one that calmed, as it was at last.
    """

    at: Instant
    kind: ChangeKind
    group: RuleGroup
    rule: AlertRule
    alert: RuleAlert


@dataclass(slots=True)
class _Replayed:
    """One rule on its way through the past: its alerts, why it failed, and the series that it wrote at its last evaluation."""

    group: RuleGroup
    rule: Rule
    alerts: dict[Labels, RuleAlert] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    lasting: frozenset[Labels] = frozenset()


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that could not be evaluated: `rule` is `group/name`, and `pieces` of the past are missing from the result."""

    rule: str
    message: str
    pieces: int


class RuleReplay:
    """
    The rules of a set on their way through the past.

    Args:
        groups: The rules.
        evaluators: Answer conditions; their PromQL reads `held` where rules record.
        engine: Answers recording rules, from the same series.
        held: Takes what they record.
        texts: Fills templates in.
        step_s: Least seconds between two evaluations; groups with a longer interval keep it.
    """

    def __init__(
        self,
        groups: Sequence[RuleGroup],
        *,
        evaluators: Evaluator,
        engine: Engine,
        held: HeldSeries,
        texts: Texts,
        step_s: float,
    ) -> None:
        self._rules = [_Replayed(group, rule) for group, rule in in_order(groups)]
        self._evaluators = evaluators
        self._engine = engine
        self._held = held
        self._texts = texts
        self._step_ns = round(step_s * NANOSECONDS)
        self._state_read = any(set(STATE_SERIES) & reads_of(rule).names for group in groups for rule in group.rules)

    @property
    def failures(self) -> tuple[RuleFailure, ...]:
        """What could not be evaluated."""
        return tuple(
            RuleFailure(f"{one.group.name}/{one.rule.name}", message, pieces)
            for one in self._rules
            for message, pieces in one.failures.items()
        )

    @property
    def alerts(self) -> Iterator[tuple[RuleGroup, AlertRule, RuleAlert]]:
        """Alerts that are pending or firing now."""
        for one in self._rules:
            if isinstance(one.rule, AlertRule):
                yield from ((one.group, one.rule, alert) for alert in one.alerts.values() if alert.phase is not AlertPhase.INACTIVE)

    def record(self, piece: TimeRange) -> None:
        """Only the recording rules, over what lies before the replay: later windows reach back into it."""
        for one in self._rules:
            if isinstance(one.rule, RecordingRule):
                self._run(one, piece)

    def piece(self, piece: TimeRange) -> list[Change]:
        """Every rule over a piece of time that follows the last one; what happened, in order of time."""
        changes = [change for one in self._rules for change in self._run(one, piece)]
        return sorted(changes, key=lambda change: (change.at, change.kind is not ChangeKind.RESOLVED))

    def _run(self, one: _Replayed, piece: TimeRange) -> list[Change]:
        times = self.times(one.group, piece)
        if not times:
            return []
        try:
            if isinstance(one.rule, RecordingRule):
                self._record(one, one.rule, times)
                return []
            return list(self._judge(one, one.rule, times))
        except TocsinError as error:
            one.failures[str(error)] = one.failures.get(str(error), 0) + 1
            return []

    def times(self, group: RuleGroup, piece: TimeRange) -> range:
        """When a group is evaluated in a piece: at whole multiples of its interval, so that pieces meet without a seam."""
        step_ns = max(round(group.interval_s * NANOSECONDS), self._step_ns)
        return range(-(-piece.start // step_ns) * step_ns, piece.end, step_ns)

    def _record(self, one: _Replayed, rule: RecordingRule, times: range) -> None:
        offset_ms = round(one.group.offset_s * 1000)
        answer = self._engine.range(
            rule.condition.text,
            start_ms=times[0] // NS_PER_MS - offset_ms,
            end_ms=times[-1] // NS_PER_MS - offset_ms,
            step_ms=times.step // NS_PER_MS,
            tree=rule.condition.expression,
        )
        series = {Labels({**dict(found.labels), METRIC_NAME: rule.name, **rule.labels}): found for found in answer.series}
        steps_ms = np.arange(len(times), dtype=np.int64) * (times.step // NS_PER_MS) + (times[0] // NS_PER_MS - offset_ms)
        one.lasting = self._held.add_evaluated(series, steps_ms, one.lasting)

    def _judge(self, one: _Replayed, rule: AlertRule, times: range) -> Iterator[Change]:
        offset_ns = round(one.group.offset_s * NANOSECONDS)
        vectors = self._evaluators.over(rule.condition, [at - offset_ns for at in times])
        states: dict[Labels, list[tuple[int, float]]] = {}
        for at, vector in zip(times, vectors, strict=True):
            if not vector and not one.alerts:
                continue
            before = one.alerts
            one.alerts = self._advanced(one, rule, vector, at)
            yield from _changes(one, rule, before, at)
            if self._state_read:
                _note_states(one.alerts, states, at)
        if self._state_read:
            series = {labels: _answer(labels, samples) for labels, samples in states.items()}
            steps_ms = np.arange(len(times), dtype=np.int64) * (times.step // NS_PER_MS) + times[0] // NS_PER_MS
            one.lasting = self._held.add_evaluated(series, steps_ms, one.lasting)

    def _advanced(self, one: _Replayed, rule: AlertRule, vector: Vector, at: Instant) -> dict[Labels, RuleAlert]:
        try:
            after = advance(rule, one.alerts, findings(rule, vector, self._texts, at), at)
            check_limit(after, one.group.limit)
        except LimitExceeded as error:
            one.failures.setdefault(str(error), 1)
            return cleared(one.alerts, at)
        except TocsinError as error:  # a failed evaluation leaves the alerts as they were
            one.failures.setdefault(str(error), 1)
            return one.alerts
        return {labels: alert for labels, alert in after.items() if alert.phase is not AlertPhase.INACTIVE or alert.resolved_at == at}


def _changes(one: _Replayed, rule: AlertRule, before: Mapping[Labels, RuleAlert], at: Instant) -> Iterator[Change]:
    """What an evaluation changed."""
    for labels, alert in one.alerts.items():
        was = before.get(labels)
        if alert.phase is AlertPhase.FIRING and (was is None or was.phase is not AlertPhase.FIRING):
            yield Change(at, ChangeKind.FIRED, one.group, rule, alert)
        elif alert.phase is AlertPhase.INACTIVE and was is not None and was.phase is AlertPhase.FIRING:
            yield Change(at, ChangeKind.RESOLVED, one.group, rule, alert)
    for labels, was in before.items():
        if was.phase is AlertPhase.PENDING and labels not in one.alerts:
            yield Change(at, ChangeKind.CALMED, one.group, rule, was)


def _note_states(alerts: Mapping[Labels, RuleAlert], states: dict[Labels, list[tuple[int, float]]], at: Instant) -> None:
    """What rules write about their alerts, for rules that read it."""
    for sample in alert_samples(alerts, at // NS_PER_MS):
        assert isinstance(sample.value, float)
        states.setdefault(sample.labels, []).append((sample.timestamp_ms, sample.value))


def _answer(labels: Labels, samples: Sequence[tuple[int, float]]) -> SeriesAnswer:
    times_ms, values = zip(*samples, strict=True)
    return SeriesAnswer(labels, np.array(times_ms, dtype=np.int64), np.array(values, dtype=np.float64))


def in_order(groups: Sequence[RuleGroup]) -> list[tuple[RuleGroup, Rule]]:
    """All rules, each after those that record what it reads; those that record for each other in a circle stay as they stand."""
    rules = [(group, rule) for group in groups for rule in group.rules]
    makers: dict[str, list[int]] = {}
    for number, (_, rule) in enumerate(rules):
        for name in [rule.name] if isinstance(rule, RecordingRule) else STATE_SERIES:
            makers.setdefault(name, []).append(number)
    needs = {
        number: {maker for name in reads_of(rule).names for maker in makers.get(name, ()) if maker != number}
        for number, (_, rule) in enumerate(rules)
    }
    try:
        sorter = TopologicalSorter(needs)
        sorter.prepare()
    except CycleError:
        return rules
    order: list[int] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return [rules[number] for number in order]
