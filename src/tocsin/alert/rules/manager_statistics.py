"""What evaluation of rules counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tocsin.alert.rules.outcome import GroupOutcome, GroupStatus, Health
from tocsin.model.rule_alert import AlertPhase


@dataclass(frozen=True, slots=True)
class RuleStatistics:
    """
    Rules since the start.

    Args:
        groups: Gauge: groups in force.
        rules: Gauge: rules in them.
        rules_failing: Gauge: rules whose last evaluation failed.
        alerts_pending: Gauge: alerts that wait for their `for`.
        alerts_firing: Gauge: alerts that fire.
        iterations: Evaluations of groups.
        iterations_missed: Evaluations left out because the one before took too long, or the clock leapt.
        iterations_failed: Evaluations of groups that a bug ended.
        evaluations: Evaluations of rules.
        evaluations_failed: Evaluations of rules that failed.
        evaluation_s: Seconds that evaluations took, added up.
        samples: Samples that rules made.
        alerts_told: Alerts handed on, each as often as it was.
        tellings_failed: Times that alerts could not be handed on; they are again with the next evaluation.
        writes: Times that what must survive a restart was written.
        writes_failed: Times that it could not be.
    """

    groups: int = 0
    rules: int = 0
    rules_failing: int = 0
    alerts_pending: int = 0
    alerts_firing: int = 0
    iterations: int = 0
    iterations_missed: int = 0
    iterations_failed: int = 0
    evaluations: int = 0
    evaluations_failed: int = 0
    evaluation_s: float = 0.0
    samples: int = 0
    alerts_told: int = 0
    tellings_failed: int = 0
    writes: int = 0
    writes_failed: int = 0

    def plus(self, **counts: int) -> RuleStatistics:
        """With some counts raised."""
        raised: dict[str, Any] = {name: getattr(self, name) + count for name, count in counts.items()}
        return replace(self, **raised)

    def after(self, outcome: GroupOutcome) -> RuleStatistics:
        """With one more evaluation of a group."""
        counted = self.plus(iterations=1, evaluations=len(outcome.rules), evaluations_failed=outcome.failed, samples=len(outcome.samples))
        return replace(counted, evaluation_s=self.evaluation_s + outcome.duration_s)


def statistics_of(counts: RuleStatistics, groups: Sequence[GroupStatus]) -> RuleStatistics:
    """The counts with what is in force now."""
    rules = [rule for group in groups for rule in group.rules]
    phases = [alert.phase for rule in rules for alert in rule.alerts]
    return replace(
        counts,
        groups=len(groups),
        rules=len(rules),
        rules_failing=sum(rule.health is Health.ERROR for rule in rules),
        alerts_pending=sum(phase is AlertPhase.PENDING for phase in phases),
        alerts_firing=sum(phase is AlertPhase.FIRING for phase in phases),
    )
