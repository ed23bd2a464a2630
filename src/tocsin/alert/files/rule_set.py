"""
All rules that are in force: those of the files, and those that objectives bring.

What `lint` finds is among the remarks: a server evaluates such rules all the same, and shows what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tocsin.alert.definition import AlertRule, Rule, RuleSet
from tocsin.alert.files.conditions import Known
from tocsin.alert.files.lint import Code, Finding, Level, lint, recordings
from tocsin.alert.files.reading import FileRules, read_rule_files
from tocsin.alert.files.symptoms import Basis, Metrics, metrics_known, verdict_on
from tocsin.alert.options import AlertOptions
from tocsin.alert.profiles import FILE, PROFILES, burn_groups, profile_named
from tocsin.errors import InvalidInput
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Objective

SYMPTOMS = {Basis.SYMPTOM: True, Basis.CAUSE: False, Basis.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """
    Rules with what is to be said about them.

    Args:
        rules: What is evaluated.
        findings: What lint says of it, by group.
    """

    rules: RuleSet = field(default_factory=RuleSet)
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a file has mistakes, or a rule an error."""
        return bool(self.rules.mistakes) or any(finding.level is Level.ERROR for finding in self.findings)


def read_rule_set(
    paths: Sequence[Path], objectives: Mapping[str, Objective], options: AlertOptions | None = None, promql: PromqlOptions | None = None
) -> CheckedRules:
    """
    Everything that files and objectives say.

    Args:
        paths: Rule files.
        objectives: Those in force, by key.
        options: Interval, burn-rate profile, floor of bad events.
        promql: What is switched on.
    """
    options, promql = options or AlertOptions(), promql or PromqlOptions()
    known = Known(objectives, promql, options.bad_events_min)
    return assemble(read_rule_files(paths, known, interval_s=options.interval_s), objectives, options)


def assemble(files: Sequence[FileRules], objectives: Mapping[str, Objective], options: AlertOptions) -> CheckedRules:
    """Files that were read, the rules of objectives behind them, and what is to be said of all."""
    mistakes = [str(mistake) for one in files for mistake in one.mistakes]
    try:
        profile = profile_named(options.burn_profile)
    except InvalidInput as error:
        mistakes.append(f"alert.burn_profile: {error}")
        profile = PROFILES["none"]
    burns, gaps = burn_groups(objectives.values(), profile, bad_min=options.bad_events_min, interval_s=options.interval_s)
    groups = (*(group for one in files for group in one.groups), *burns)
    findings = (*lint(groups, objectives), *(_gap(gap) for gap in gaps))
    metrics = metrics_known(objectives.values(), recordings(groups))
    judged = tuple(replace(group, rules=tuple(_judged(rule, metrics) for rule in group.rules)) for group in groups)
    remarks = [remark for one in files for remark in one.remarks]
    return CheckedRules(RuleSet(judged, tuple(mistakes), (*remarks, *map(str, findings))), findings)


def _gap(text: str) -> Finding:
    return Finding(Code.UNFIT_WINDOWS, Level.WARNING, "", FILE, "", text)


def _judged(rule: Rule, metrics: Metrics) -> Rule:
    """A rule that knows whether it rests on a symptom; what its author says stands."""
    if not isinstance(rule, AlertRule) or rule.symptom is not None:
        return rule
    return replace(rule, symptom=SYMPTOMS[verdict_on(rule.condition, metrics).basis])
