"""Groups of a Prometheus rule file, as the replay takes them."""

from __future__ import annotations

from pathlib import Path

from tocsin.alert.definition import AlertRule, Promql, RecordingRule, Rule, RuleGroup
from tocsin.query.rule_files import Rule as WrittenRule
from tocsin.query.rule_files import read_rule_file


def groups_of(*paths: Path) -> list[RuleGroup]:
    """The groups of some files, in order."""
    return [
        RuleGroup(
            name=group.name,
            file=str(path),
            rules=tuple(_rule(rule, dict(group.labels)) for rule in group.rules),
            interval_s=(group.interval_ms or 60_000) / 1000,
            offset_s=(group.query_offset_ms or 0) / 1000,
            limit=group.limit,
        )
        for path in paths
        for group in read_rule_file(path)
    ]


def _rule(rule: WrittenRule, labels: dict[str, str]) -> Rule:
    condition = Promql(rule.text, rule.expression)
    labels |= rule.labels
    if rule.record:
        return RecordingRule(rule.record, condition, labels)
    return AlertRule(
        rule.alert,
        condition,
        for_s=rule.for_ms / 1000,
        keep_firing_for_s=rule.keep_firing_for_ms / 1000,
        labels=labels,
        annotations=dict(rule.annotations),
    )
