"""
Where an alert goes on after the process was down.

A firing alert goes on firing: nothing has said that its condition no longer holds. A pending one goes on waiting, unless the process was
down for long (`outage_tolerance_s`), or its `for` is so short that it may as well begin anew (`for_grace_s`). The time down does not count
as waiting, and every alert waits `for_grace_s` at least, so that conditions that hold only because data is not there yet can pass.

Source: Prometheus documentation, command line flags `--rules.alert.for-outage-tolerance` and `--rules.alert.for-grace-period`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tocsin.alert.definition import AlertRule
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.rule_alert import AlertPhase, RuleAlert


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How long the process may have been down for pending alerts to go on, and how long each waits at least; seconds."""

    outage_s: float = 3600.0
    grace_s: float = 600.0


def restored(rule: AlertRule, alert: RuleAlert, *, down_at: Instant, at: Instant, tolerance: Tolerance) -> RuleAlert | None:
    """
    An alert as it goes on; None when it begins anew.

    Args:
        rule: Its rule as it is now.
        alert: As it was kept.
        down_at: When it was last evaluated.
        at: Now.
        tolerance: For pending ones.
    """
    alert = replace(alert, sent_at=None)
    if alert.phase is not AlertPhase.PENDING:
        return alert
    for_ns, grace_ns = round(rule.for_s * NANOSECONDS), round(tolerance.grace_s * NANOSECONDS)
    down_ns = max(0, at - down_at)
    if down_ns > tolerance.outage_s * NANOSECONDS or for_ns < grace_ns:
        return None
    left_ns = for_ns - (down_at - alert.active_at)
    if left_ns <= 0:  # it would have fired; the evaluation that comes now decides
        return alert
    if left_ns < grace_ns:
        return replace(alert, active_at=at + grace_ns - for_ns)
    return replace(alert, active_at=alert.active_at + down_ns)
