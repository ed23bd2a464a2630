"""Rules as people ask for them: what each says, how it stands, what it found, and what is probably wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from tocsin.alert.definition import AlertRule
from tocsin.alert.files.lint import Finding
from tocsin.alert.files.rule_set import CheckedRules
from tocsin.alert.rules.condition_text import condition_text
from tocsin.alert.rules.outcome import GroupStatus, Health, RuleStatus
from tocsin.model.alert import SEVERITY
from tocsin.model.instant import Instant
from tocsin.model.rule_alert import AlertPhase


class RuleKind(Enum):
    """What a rule makes."""

    ALERT = "alert"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class FoundAlert:
    """
    An alert of a rule that is pending or fires.

    Args:
        labels: Identify it.
        annotations: Filled in.
        state: How far it has come.
        value: What its condition gave last.
        active_at: Since when its condition holds.
        fired_at: Since when it fires; None while it is pending.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: AlertPhase
    value: float
    active_at: Instant
    fired_at: Instant | None


@dataclass(frozen=True, slots=True)
class RuleView:
    """
    A rule.

    Args:
        name: Becomes `alertname`, or the name of the series.
        kind: What it makes.
        condition: What it asks, in one line.
        state: The worst state of its alerts; `inactive` for a recording rule.
        health: How its last evaluation went.
        error: Why that failed; empty otherwise.
        severity: As its label says; empty for none.
        symptom: Whether it rests on what users notice; None where nobody can tell.
        owner, runbook, service: As the rule says; empty for none.
        for_s, keep_firing_for_s: How long it waits, and fires on, seconds.
        labels, annotations: As written, with their templates.
        place: File and line.
        evaluated_at: When it was last evaluated; None before.
        duration_s: How long that took, seconds.
        alerts: Those that are pending or fire.
    """

    name: str
    kind: RuleKind
    condition: str
    state: AlertPhase
    health: Health
    error: str = ""
    severity: str = ""
    symptom: bool | None = None
    owner: str = ""
    runbook: str = ""
    service: str = ""
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    evaluated_at: Instant | None = None
    duration_s: float = 0.0
    alerts: Sequence[FoundAlert] = ()


@dataclass(frozen=True, slots=True)
class RuleGroupView:
    """
    A group of rules.

    Args:
        name: Unique in its file.
        file: Where it stands; `objectives` for those that objectives bring.
        interval_s, offset_s: Between evaluations, and how far in the past they lie, seconds.
        limit: Alerts or series that one rule may make; 0 for any number.
        evaluated_at: Last evaluation; None before the first.
        duration_s: How long that took, seconds.
        missed: Evaluations that were left out.
        rules: In order.
    """

    name: str
    file: str
    interval_s: float
    offset_s: float
    limit: int
    evaluated_at: Instant | None
    duration_s: float
    missed: int
    rules: Sequence[RuleView]


@dataclass(frozen=True, slots=True)
class RuleProblems:
    """
    What is wrong with rules.

    Args:
        mistakes: Of files; with one a file's last good rules are in force.
        findings: What lint says of the rules in force.
        failed: Whether there is a mistake, or a finding that is an error.
    """

    mistakes: Sequence[str]
    findings: Sequence[Finding]
    failed: bool


def view_of(status: GroupStatus) -> RuleGroupView:
    """How a group stands."""
    group = status.group
    return RuleGroupView(
        group.name,
        group.file,
        group.interval_s,
        group.offset_s,
        group.limit,
        status.evaluated_at,
        status.duration_s,
        status.missed,
        [_rule(rule) for rule in status.rules],
    )


def problems_of(checked: CheckedRules) -> RuleProblems:
    """What is wrong with rules."""
    return RuleProblems(checked.rules.mistakes, checked.findings, checked.failed)


def _rule(status: RuleStatus) -> RuleView:
    rule = status.rule
    alerts = [
        FoundAlert(dict(one.labels), one.annotations, one.phase, one.value, one.active_at, one.fired_at)
        for one in status.alerts
        if one.phase is not AlertPhase.INACTIVE
    ]
    view = RuleView(
        rule.name,
        RuleKind.RECORDING,
        condition_text(rule.condition),
        status.phase,
        status.health,
        status.error,
        labels=rule.labels,
        place=rule.place,
        evaluated_at=status.evaluated_at,
        duration_s=status.duration_s,
        alerts=alerts,
    )
    return _alerting(view, rule) if isinstance(rule, AlertRule) else view


def _alerting(view: RuleView, rule: AlertRule) -> RuleView:
    return replace(
        view,
        kind=RuleKind.ALERT,
        severity=rule.labels.get(SEVERITY, ""),
        symptom=rule.symptom,
        owner=rule.owner,
        runbook=rule.runbook,
        service=rule.service,
        for_s=rule.for_s,
        keep_firing_for_s=rule.keep_firing_for_s,
        annotations=rule.annotations,
    )
