"""
Prometheus' rule groups as ours: owner, runbook, service and whether a rule rests on a symptom come from labels and annotations.

    labels: {severity: page, owner: team-shop}                 owner, or team
    annotations: {runbook_url: checkout.md, symptom: "true"}    runbook_url or runbook; owner; symptom
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.alert.definition import AlertRule, Promql, RecordingRule, Rule, RuleGroup
from tocsin.query.rule_files import Rule as FileRule
from tocsin.query.rule_files import RuleGroup as FileGroup

OWNER_LABELS = ("owner", "team")
RUNBOOKS = ("runbook_url", "runbook")
SYMPTOM = "symptom"
MS_PER_S = 1000
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def group_of(group: FileGroup, file: str, *, interval_s: float) -> RuleGroup:
    """
    A group as we evaluate it.

    Args:
        group: As the file says.
        file: Where it stands.
        interval_s: For groups that say nothing, seconds.
    """
    return RuleGroup(
        group.name,
        file,
        tuple(_rule(rule, group.labels, file) for rule in group.rules),
        interval_s if group.interval_ms is None else group.interval_ms / MS_PER_S,
        (group.query_offset_ms or 0) / MS_PER_S,
        group.limit,
    )


def _rule(rule: FileRule, shared: Mapping[str, str], file: str) -> Rule:
    labels, place = {**shared, **rule.labels}, f"{file}:{rule.line}"
    condition = Promql(rule.text, rule.expression)
    if rule.record:
        return RecordingRule(rule.record, condition, labels, place)
    return AlertRule(
        rule.alert,
        condition,
        rule.for_ms / MS_PER_S,
        rule.keep_firing_for_ms / MS_PER_S,
        labels,
        rule.annotations,
        TRUTHS.get(_first((SYMPTOM,), rule.annotations, labels).lower()),
        _plain(_first(OWNER_LABELS, labels, rule.annotations)),
        _first(RUNBOOKS, rule.annotations, labels),
        _plain(labels.get("service", "")),
        place,
    )


def _first(names: tuple[str, ...], *texts: Mapping[str, str]) -> str:
    """The first of several names that one of the mappings has, the first mapping before the others."""
    return next((text[name] for text in texts for name in names if text.get(name)), "")


def _plain(text: str) -> str:
    """A text without templates; one with them is known only when it is filled in."""
    return "" if "{{" in text else text
