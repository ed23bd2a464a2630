"""Facts, budgets and notifications for tests of pages."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.model.alert import Alert
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.model.instant import NANOSECONDS, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.slo.answers import Budget, BudgetFigures, BudgetVerdict, BurnRate, Coverage

NOW = parse_instant("2026-11-20T02:07:00Z")
BEGAN = parse_instant("2026-11-20T02:03:00Z")
MINUTE = 60 * NANOSECONDS
LABELS = {"alertname": "CheckoutBurns", "objective": "checkout-availability", "service": "checkout", "severity": "page"}


def alert(labels: Mapping[str, str] | None = None, *, ended_at: int | None = None, began_at: int = BEGAN, **annotations: str) -> Alert:
    """An alert since 02:03."""
    return Alert(Labels({**LABELS, **(labels or {})}), annotations, starts_at=began_at, ends_at=ended_at)


def told(
    *alerts: Alert,
    reason: NotificationReason = NotificationReason.FIRST,
    note: str = "",
    truncated: int = 0,
    quiet: Mapping[str, int] | None = None,
    group: Mapping[str, str] | None = None,
) -> Notification:
    """What a channel is told at 02:07."""
    return Notification(
        key="k", group_key="g", receiver="team", channel="slack/0", reason=reason, created_at=NOW,
        group_labels=Labels(group or {"alertname": "CheckoutBurns"}), alerts=alerts or (alert(),),
        note=note, truncated=truncated, quiet=quiet or {},
    )  # fmt: skip


def deployed(minutes_before: float = 6, *, version: str = "v2.3.1", status: DeploymentStatus = DeploymentStatus.SUCCEEDED) -> Deployment:
    """A deployment of checkout."""
    at = BEGAN - round(minutes_before * MINUTE)
    return Deployment("d1", "checkout", version, at, DeploymentSource.MARK, status=status, author="ana")


def budget(rate: float | None = 33.3, *, remaining: float | None = 0.31, gone_in_s: float | None = 76_000) -> Budget:
    """How checkout-availability stands."""
    figures = BudgetFigures("events", 1000.0, 700.0, 1700.0, 0.99, 1000.0, None, remaining, None, 43.2, None, None)
    return Budget(
        objective="checkout-availability", service="checkout", title="", target=0.999, at=NOW, window_start=NOW - 30 * 1440 * MINUTE,
        window_end=NOW, verdict=BudgetVerdict.MET, figures=figures, without_exclusions=figures, excluded_minutes=0,
        coverage=Coverage(43_200, 43_200, 43_200, 43_200, None, 1.0),
        burn_rates=[BurnRate(300, 40.0, 20.0, 500.0, 1.0), BurnRate(3600, rate, 214.0, 9870.0, 1.0)],
        exhausted_in_s=gone_in_s, sentence="",
    )  # fmt: skip
