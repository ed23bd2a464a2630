"""What a rule remembers of one alert between two evaluations, and across a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.instant import Instant
from tocsin.model.labels import Labels


class AlertPhase(Enum):
    """How far an alert has come; the value is Prometheus' word in `alertstate` and in its API."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class RuleAlert:
    """
    One alert of one rule.

    Args:
        labels: Identify it among the rule's alerts.
        annotations: As they were filled in last.
        value: What the condition gave last.
        phase: Pending, firing, or inactive: it fired, has ended, and is said for a while yet.
        active_at: Since when its condition holds.
        fired_at: When it began to fire; None while it is pending.
        resolved_at: When it ended; None before that.
        keep_firing_since: Since when it fires although its condition no longer holds; None otherwise.
        sent_at: When it was last handed on; None: not since the start of the process.
    """

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float = 0.0
    phase: AlertPhase = AlertPhase.PENDING
    active_at: Instant = 0
    fired_at: Instant | None = None
    resolved_at: Instant | None = None
    keep_firing_since: Instant | None = None
    sent_at: Instant | None = None

    @property
    def lasting(self) -> tuple[object, ...]:
        """What must survive a restart; the rest comes anew with the first evaluation."""
        return self.labels, self.phase, self.active_at, self.fired_at, self.resolved_at, self.keep_firing_since


@dataclass(frozen=True, slots=True)
class KeptRuleAlert:
    """
    A rule's alert as it is kept.

    Args:
        group: Key of the rule's group.
        rule: Name of the rule.
        family: Names the rule by its group, name and labels: it stays when the expression is edited.
        content: Names it by everything that it asks, too.
        alert: The alert.
    """

    group: str
    rule: str
    family: str
    content: str
    alert: RuleAlert


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """
    What is kept of one group.

    Args:
        group: Its key.
        evaluated_at: About when it was last evaluated; not later than that.
        alerts: Of all its rules.
    """

    group: str
    evaluated_at: Instant
    alerts: tuple[KeptRuleAlert, ...] = ()
