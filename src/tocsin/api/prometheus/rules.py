"""
Rules and their alerts, as Prometheus lists them.

Source: Prometheus documentation, 'HTTP API', sections 'Rules' and 'Alerts'; its answers to wrong parameters as observed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

from tocsin.alert.definition import AlertRule
from tocsin.alert.rules.condition_text import condition_text
from tocsin.alert.rules.outcome import GroupStatus, RuleStatus
from tocsin.api.context import Context
from tocsin.api.prometheus.parameters import BadParameter, Parameters
from tocsin.api.prometheus.render import success
from tocsin.model.instant import Instant, format_instant
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import RuleAlert
from tocsin.model.series import Matcher

NEVER = "0001-01-01T00:00:00Z"
TRUE, FALSE = frozenset({"1", "t", "T", "TRUE", "true", "True"}), frozenset({"0", "f", "F", "FALSE", "false", "False"})


def rules(context: Context, parameters: Parameters) -> bytes:
    """`rules`: every group with its rules and how they stand; parameters narrow it, a limit cuts it into pages."""
    kind = parameters.text("type")
    if kind not in {"", "alert", "record"}:
        raise BadParameter(f'invalid parameter "type": not supported value "{kind[:100]}"')
    with_alerts = not _flag(parameters, "exclude_alerts")
    limit, token = _page(parameters)
    wanted = _Wanted(parameters, kind)
    groups: list[dict[str, Any]] = []
    next_token = ""
    waiting = bool(token)
    for group in _groups(context):
        if waiting and _token(group) != token:
            continue
        waiting = False
        if not wanted.group(group) or not (chosen := [status for status in group.rules if wanted.rule(status)]):
            continue
        if limit and len(groups) == limit:
            next_token = _token(group)
            break
        groups.append(_group(group, [_rule(status, with_alerts=with_alerts) for status in chosen]))
    if waiting:
        raise BadParameter(f"invalid parameter \"group_next_token\": invalid group_next_token '{token[:100]}'. were rule groups changed?")
    return success({"groups": groups, **({"groupNextToken": next_token} if next_token else {})})


def alerts(context: Context, _parameters: Parameters) -> bytes:
    """`alerts`: those of all rules that are pending or firing."""
    return success({"alerts": [_alert(alert) for group in _groups(context) for status in group.rules for alert in status.alerts]})


class _Wanted:
    """Which groups and rules the parameters ask for."""

    def __init__(self, parameters: Parameters, kind: str) -> None:
        self._kind = kind
        self._names = frozenset(parameters.texts("rule_name[]"))
        self._groups = frozenset(parameters.texts("rule_group[]"))
        self._files = frozenset(parameters.texts("file[]"))
        self._selectors: Sequence[Sequence[Matcher]] = parameters.selectors()

    def group(self, status: GroupStatus) -> bool:
        """Whether a group is looked at."""
        group = status.group
        return (not self._groups or group.name in self._groups) and (not self._files or group.file in self._files)

    def rule(self, status: RuleStatus) -> bool:
        """Whether a rule is shown."""
        if self._kind and status.alerting != (self._kind == "alert"):
            return False
        if self._names and status.rule.name not in self._names:
            return False
        labels = Labels(status.rule.labels)
        return not self._selectors or any(all(one.matches(labels.get(one.name)) for one in matchers) for matchers in self._selectors)


def _groups(context: Context) -> Sequence[GroupStatus]:
    return () if context.rules is None else context.rules()


def _page(parameters: Parameters) -> tuple[int, str]:
    text, token = parameters.text("group_limit"), parameters.text("group_next_token")
    if not text:
        if token:
            raise BadParameter('invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups')
        return 0, ""
    if not text.isdecimal() or len(text) > 18 or int(text) == 0:
        raise BadParameter('invalid parameter "group_limit": group_limit needs to be greater than 0')
    return int(text), token


def _token(group: GroupStatus) -> str:
    return hashlib.blake2b(group.group.key.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def _flag(parameters: Parameters, name: str) -> bool:
    text = parameters.text(name)
    if text and text not in TRUE | FALSE:
        raise BadParameter(f'invalid parameter "{name}": expected true or false, found "{text[:100]}"')
    return text in TRUE


def _group(status: GroupStatus, shown: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": status.group.name,
        "file": status.group.file,
        "rules": shown,
        "interval": _plain(status.group.interval_s),
        "limit": status.group.limit,
        "evaluationTime": status.duration_s,
        "lastEvaluation": _instant(status.evaluated_at),
    }


def _rule(status: RuleStatus, *, with_alerts: bool) -> dict[str, Any]:
    return dict(_alerting(status, status.rule, with_alerts=with_alerts) if isinstance(status.rule, AlertRule) else _recording(status))


def _alerting(status: RuleStatus, rule: AlertRule, *, with_alerts: bool) -> Iterator[tuple[str, Any]]:
    yield "state", status.phase.value
    yield "name", rule.name
    yield "query", condition_text(rule.condition)
    yield "duration", _plain(rule.for_s)
    yield "keepFiringFor", _plain(rule.keep_firing_for_s)
    yield "labels", dict(rule.labels)
    yield "annotations", dict(rule.annotations)
    if with_alerts:
        yield "alerts", [_alert(alert) for alert in status.alerts]
    yield from _evaluation(status)
    yield "type", "alerting"


def _recording(status: RuleStatus) -> Iterator[tuple[str, Any]]:
    yield "name", status.rule.name
    yield "query", condition_text(status.rule.condition)
    if status.rule.labels:
        yield "labels", dict(status.rule.labels)
    yield from _evaluation(status)
    yield "type", "recording"


def _evaluation(status: RuleStatus) -> Iterator[tuple[str, Any]]:
    yield "health", status.health.value
    if status.error:
        yield "lastError", status.error
    yield "evaluationTime", status.duration_s
    yield "lastEvaluation", _instant(status.evaluated_at)


def _alert(alert: RuleAlert) -> dict[str, Any]:
    shown = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.phase.value,
        "activeAt": format_instant(alert.active_at),
    }
    if alert.keep_firing_since is not None:
        shown["keepFiringSince"] = format_instant(alert.keep_firing_since)
    return {**shown, "value": exponent(alert.value)}


def _instant(instant: Instant | None) -> str:
    return NEVER if instant is None else format_instant(instant)


def _plain(seconds: float) -> float:
    return int(seconds) if float(seconds).is_integer() else seconds


def exponent(value: float) -> str:
    """
    A number as Prometheus writes the value of an alert: the shortest digits, with an exponent.

    `0.5` is `5e-01`, `1500` is `1.5e+03`.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            return text
    return f"{value:.16e}"
