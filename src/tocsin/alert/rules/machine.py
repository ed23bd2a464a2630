"""
The states of one rule's alerts, from one evaluation to the next. Pure.

    not there -> pending -> firing -> inactive (kept and said for 15 minutes) -> not there
                   |                     ^
                   +-> not there         +-- only after `keep_firing_for`, where the rule has one

An alert fires at the first evaluation that finds it and lies `for` or more after the first that did; without `for`, at once.
Source: Prometheus documentation, 'Alerting rules'; prometheus/compliance, alert generator specification, section 'Alert states'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tocsin.alert.definition import AlertRule, Vector
from tocsin.alert.rules.rendering import Render, TextData, expanded
from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.alert import ALERT_NAME
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.rule_alert import AlertPhase, RuleAlert

RESOLVED_KEPT_NS = 15 * 60 * NANOSECONDS  # an ended alert is said for so long, so that no one who was down misses its end
MEASURED = "measured"  # annotation that holds what a condition says of its element; a rule may have its own


@dataclass(frozen=True, slots=True)
class Texts:
    """
    What every rule of a server fills its texts in with.

    Args:
        render: Fills templates in.
        external_labels: `$externalLabels`.
        external_url: `$externalURL`; begins links, too.
    """

    render: Render
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one element of a vector makes of an alert."""

    value: float
    annotations: Mapping[str, str]


def findings(rule: AlertRule, vector: Vector, texts: Texts, at: Instant) -> dict[Labels, Finding]:
    """
    What a vector says, by the labels of the alerts: the element's without its name, the rule's over them, `alertname` last.

    Raises:
        InvalidInput: Two elements make the same alert.
    """
    found: dict[Labels, Finding] = {}
    name = f"__alert_{rule.name}"
    for element in vector:
        data = TextData(dict(element.labels), element.value, texts.external_labels, texts.external_url)
        pairs = {key: value for key, value in element.labels if key != METRIC_NAME}
        for key, text in rule.labels.items():
            pairs[key] = expanded(texts.render, name, text, data, at)
        pairs[ALERT_NAME] = rule.name
        labels = Labels(pairs)
        if labels in found:
            raise InvalidInput(
                f"vector contains metrics with the same labelset after applying alert labels: {labels!r}; aggregate the expression, or"
                " let the rule's labels tell its elements apart"
            )
        annotations = {key: expanded(texts.render, name, text, data, at) for key, text in rule.annotations.items()}
        if element.note:
            annotations.setdefault(MEASURED, element.note)
        found[labels] = Finding(element.value, annotations)
    return found


def advance(rule: AlertRule, alerts: Mapping[Labels, RuleAlert], found: Mapping[Labels, Finding], at: Instant) -> dict[Labels, RuleAlert]:
    """
    The rule's alerts after an evaluation.

    Args:
        rule: The rule.
        alerts: Those before, by their labels.
        found: What the evaluation found.
        at: Its instant.
    """
    after: dict[Labels, RuleAlert] = {}
    for labels, alert in alerts.items():
        if labels not in found and (ended := _missed(rule, alert, at)) is not None:
            after[labels] = ended
    for labels, finding in found.items():
        after[labels] = _seen(rule, labels, alerts.get(labels), finding, at)
    return after


def _seen(rule: AlertRule, labels: Labels, before: RuleAlert | None, finding: Finding, at: Instant) -> RuleAlert:
    if before is None or before.phase is AlertPhase.INACTIVE:
        alert = RuleAlert(labels, finding.annotations, finding.value, active_at=at)
    else:
        alert = replace(before, annotations=finding.annotations, value=finding.value, keep_firing_since=None)
    if alert.phase is AlertPhase.PENDING and at - alert.active_at >= _nanoseconds(rule.for_s):
        return replace(alert, phase=AlertPhase.FIRING, fired_at=at)
    return alert


def _missed(rule: AlertRule, alert: RuleAlert, at: Instant) -> RuleAlert | None:
    """An alert that was not found; None when nothing is left of it."""
    if alert.phase is AlertPhase.PENDING:
        return None
    if alert.phase is AlertPhase.INACTIVE:
        assert alert.resolved_at is not None
        return alert if at - alert.resolved_at <= RESOLVED_KEPT_NS else None
    keep_ns = _nanoseconds(rule.keep_firing_for_s)
    if keep_ns:
        since = at if alert.keep_firing_since is None else alert.keep_firing_since
        if at - since < keep_ns:
            return replace(alert, keep_firing_since=since)
    return resolved(alert, at)


def resolved(alert: RuleAlert, at: Instant) -> RuleAlert:
    """A firing alert that ends now."""
    return replace(alert, phase=AlertPhase.INACTIVE, resolved_at=at)


def check_limit(alerts: Mapping[Labels, RuleAlert], limit: int) -> None:
    """
    See that a rule has no more alerts than its group allows.

    Raises:
        LimitExceeded: It has.
    """
    active = sum(alert.phase is not AlertPhase.INACTIVE for alert in alerts.values())
    if limit and active > limit:
        raise LimitExceeded(f"exceeded limit of {limit} with {active} alerts; narrow the expression, or raise the group's limit")


def cleared(alerts: Mapping[Labels, RuleAlert], at: Instant) -> dict[Labels, RuleAlert]:
    """Alerts of a rule that has made too many: none is left, so whoever was told of one that fired is told that it has ended."""
    after = {}
    for labels, alert in alerts.items():
        if alert.phase is AlertPhase.FIRING:
            after[labels] = resolved(alert, at)
        elif alert.phase is AlertPhase.INACTIVE and alert.resolved_at is not None and at - alert.resolved_at <= RESOLVED_KEPT_NS:
            after[labels] = alert
    return after


def is_due(alert: RuleAlert, at: Instant, resend_ns: int) -> bool:
    """Whether an alert is to be handed on: when it begins to fire, when it has ended, and again after `resend_ns`."""
    if alert.phase is AlertPhase.PENDING:
        return False
    if alert.sent_at is None or at < alert.sent_at:  # the clock went back
        return True
    if alert.resolved_at is not None and alert.resolved_at > alert.sent_at:
        return True
    return at - alert.sent_at >= resend_ns


def before_instant(alert: RuleAlert, at: Instant) -> RuleAlert:
    """The alert with nothing later than `at`, for a clock that went back: what would wait for the old time to come again begins now."""
    return replace(
        alert,
        active_at=min(alert.active_at, at),
        fired_at=_earlier(alert.fired_at, at),
        resolved_at=_earlier(alert.resolved_at, at),
        keep_firing_since=_earlier(alert.keep_firing_since, at),
        sent_at=None if alert.sent_at is None or alert.sent_at > at else alert.sent_at,
    )


def _earlier(instant: Instant | None, at: Instant) -> Instant | None:
    return None if instant is None else min(instant, at)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
