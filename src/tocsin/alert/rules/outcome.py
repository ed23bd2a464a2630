"""What an evaluation of a group says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tocsin.alert.definition import AlertRule, Rule, RuleGroup
from tocsin.model.alert import Alert
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase, KeptRuleAlert, RuleAlert
from tocsin.query.series.recent import SeriesSample


class Health(Enum):
    """How the last evaluation of a rule went; the value is Prometheus' word."""

    UNKNOWN = "unknown"
    OK = "ok"
    ERROR = "err"


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """
    How a rule stands.

    Args:
        rule: The rule.
        health: How its last evaluation went.
        error: Why it failed; empty otherwise.
        evaluated_at: When it was last evaluated; None before the first time.
        duration_s: How long that took, seconds.
        alerts: Its alerts that are pending or firing, in the order in which they began.
    """

    rule: Rule
    health: Health = Health.UNKNOWN
    error: str = ""
    evaluated_at: Instant | None = None
    duration_s: float = 0.0
    alerts: tuple[RuleAlert, ...] = ()

    @property
    def phase(self) -> AlertPhase:
        """The worst state of its alerts."""
        phases = {alert.phase for alert in self.alerts}
        return next((phase for phase in (AlertPhase.FIRING, AlertPhase.PENDING) if phase in phases), AlertPhase.INACTIVE)

    @property
    def alerting(self) -> bool:
        """Whether it makes alerts rather than series."""
        return isinstance(self.rule, AlertRule)


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """
    How a group stands.

    Args:
        group: The group.
        evaluated_at: Instant of its last evaluation; None before the first.
        duration_s: How long that took, seconds.
        rules: Of each rule, in order.
        missed: Evaluations that were left out because the one before took too long, or the clock leapt.
    """

    group: RuleGroup
    evaluated_at: Instant | None
    duration_s: float
    rules: tuple[RuleStatus, ...]
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What is to be kept, and dropped, of a group's alerts.

    Args:
        kept: Alerts that are new or have changed in what must survive a restart.
        gone: Alerts that there are no more: content of their rule, and labels.
    """

    kept: tuple[KeptRuleAlert, ...] = ()
    gone: tuple[tuple[str, Labels], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kept or self.gone)


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """
    What one evaluation of a group came to.

    Args:
        at: Its instant.
        alerts: To be handed on: those that fire and those that have ended, when they change, and again after a while.
        pending: Those that may fire soon; nobody is told.
        samples: To be stored, in the order of the rules.
        rules: How each rule stands now.
        changes: What is to be kept.
        duration_s: How long it took, seconds.
    """

    at: Instant
    alerts: tuple[Alert, ...]
    pending: tuple[Alert, ...]
    samples: Sequence[SeriesSample]
    rules: tuple[RuleStatus, ...]
    changes: Changes
    duration_s: float

    @property
    def failed(self) -> int:
        """Rules that could not be evaluated."""
        return sum(status.health is Health.ERROR for status in self.rules)
