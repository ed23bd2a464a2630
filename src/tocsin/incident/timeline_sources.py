"""What other rooms know of an incident's time: alerts, pages with their attempts, deployments, budget policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from tocsin.model.alert import AlertEvent, AlertEventKind
from tocsin.model.budget import PolicyTransition
from tocsin.model.deployment import Deployment, DeploymentStatus
from tocsin.model.incident import Entry, EntryKind
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.notification import Attempt, DeliveryState, Notification
from tocsin.model.severity import level_of

EVENTS_MAX = 5000
PAGES_MAX = 500
STATUS_WORDS = {
    DeploymentStatus.STARTED: "is being deployed",
    DeploymentStatus.SUCCEEDED: "deployed",
    DeploymentStatus.FAILED: "failed to deploy",
    DeploymentStatus.ROLLED_BACK: "rolled back",
    DeploymentStatus.REMOVED: "removed",
}


class AlertHistory(Protocol):
    """Alerts that began and ended; `state.alerting` is one."""

    def events(
        self, start: Instant | None = None, end: Instant | None = None, *, fingerprint: str | None = None, limit: int = EVENTS_MAX
    ) -> Sequence[AlertEvent]:
        """The last `limit` in [start, end), oldest first."""
        ...


class AlertEntries:
    """Alerts of a service that began and ended: pages and tickets, for both tell what happened."""

    def __init__(self, history: AlertHistory) -> None:
        self._history = history

    def between(self, start: Instant, end: Instant, services: Sequence[str], _group_keys: Sequence[str]) -> list[Entry]:
        """Those of these services."""
        events = self._history.events(start, end, limit=EVENTS_MAX)
        return [_alert_entry(event) for event in events if event.labels.get("service") in services]


def _alert_entry(event: AlertEvent) -> Entry:
    level = level_of(event.labels.get("severity"))
    fires = event.kind is AlertEventKind.FIRED
    text = f"{event.labels.get('alertname') or 'an alert'} {'fires' if fires else 'is resolved'}"
    text += f" ({level.severity.value})" if level is not None and fires else ""
    summary = event.annotations.get("summary", "").strip() if fires else ""
    return Entry(event.at, EntryKind.ALERT, f"{text}: {summary}" if summary else text)


class Delivered(Protocol):
    """A notification and how far it has come."""

    @property
    def notification(self) -> Notification:
        """What was told."""
        ...

    @property
    def state(self) -> DeliveryState:
        """How far it is."""
        ...


class Outbox(Protocol):
    """Notifications and attempts; `state.alerting.outbox` is one."""

    def entries(
        self, *, group_key: str | None = None, start: Instant | None = None, end: Instant | None = None, limit: int = PAGES_MAX
    ) -> Sequence[Delivered]:
        """Those that were decided in [start, end), the newest first."""
        ...

    def attempts(self, keys: Collection[str]) -> Mapping[str, Sequence[Attempt]]:
        """Attempts by the notification's key."""
        ...


class PageEntries:
    """Who was told what of an incident's groups, and how often that had to be tried."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def between(self, start: Instant, end: Instant, _services: Sequence[str], group_keys: Sequence[str]) -> list[Entry]:
        """Those of these groups."""
        told = [entry for key in group_keys for entry in self._outbox.entries(group_key=key, start=start, end=end, limit=PAGES_MAX)]
        attempts = self._outbox.attempts([entry.notification.key for entry in told])
        return [_page_entry(entry, attempts.get(entry.notification.key, ())) for entry in told]


def _page_entry(entry: Delivered, attempts: Sequence[Attempt]) -> Entry:
    notification = entry.notification
    at, outcome = notification.created_at, entry.state.value
    if attempts:
        last = attempts[-1]
        at = last.at + round(last.duration_s * NANOSECONDS) if entry.state is DeliveryState.DELIVERED else at
        if len(attempts) > 1 or entry.state is not DeliveryState.DELIVERED:
            failed = next((attempt.detail for attempt in reversed(attempts) if attempt.outcome != "delivered"), "")
            tries = f"{len(attempts)} {'attempt' if len(attempts) == 1 else 'attempts'}"
            outcome = f"{outcome} after {tries}{f', last failure: {failed}' if failed else ''}"
    count = len(notification.firing)
    what = f"{count} firing" if count else "all resolved"
    return Entry(at, EntryKind.PAGE, f"{notification.channel} of {notification.receiver}: {what} ({notification.reason.value}), {outcome}")


class DeploymentSource(Protocol):
    """Where deployments are found; `query.deployments.Deployments` is one."""

    def between(self, start: Instant, end: Instant, *, service: str | None = None) -> Sequence[Deployment]:
        """Those in [start, end)."""
        ...


class DeploymentEntries:
    """Deployments of every service: the cause of one service's trouble is often another's new version."""

    def __init__(self, deployments: DeploymentSource) -> None:
        self._deployments = deployments

    def between(self, start: Instant, end: Instant, services: Sequence[str], _group_keys: Sequence[str]) -> list[Entry]:
        """All of them, those of other services said to be so."""
        return [_deployment_entry(one, services) for one in self._deployments.between(start, end)]


def _deployment_entry(one: Deployment, services: Sequence[str]) -> Entry:
    version = f" {one.previous_version} -> {one.version}" if one.previous_version and one.version else f" {one.version}".rstrip()
    where = f" in {one.environment}" if one.environment else ""
    other = "" if one.service in services else ", another service"
    return Entry(one.at, EntryKind.DEPLOYMENT, f"{one.service}{version} {STATUS_WORDS[one.status]}{where}{other}", one.author, one.url)


class PolicyHistory(Protocol):
    """How policies changed their states; `state.policies` is one."""

    def history(self, objective: str, limit: int = 1000) -> Sequence[PolicyTransition]:
        """The last ones of an objective, the newest first."""
        ...


class BudgetEntries:
    """
    Changes of budget policies of the services' objectives.

    Args:
        policies: Their history.
        objectives: Keys of a service's objectives now.
    """

    def __init__(self, policies: PolicyHistory, objectives: Callable[[str], Sequence[str]]) -> None:
        self._policies = policies
        self._objectives = objectives

    def between(self, start: Instant, end: Instant, services: Sequence[str], _group_keys: Sequence[str]) -> list[Entry]:
        """Those of the objectives of these services."""
        keys = [key for service in services for key in self._objectives(service)]
        return [_budget_entry(transition) for key in keys for transition in self._policies.history(key) if start <= transition.at < end]


def _budget_entry(transition: PolicyTransition) -> Entry:
    came = f"{transition.previous} to {transition.state}" if transition.previous else transition.state
    ratio = transition.remaining_ratio
    left = "" if math.isnan(ratio) else f", {ratio * 100:.1f} % of the budget left"
    link = f"/api/slos/{quote(transition.objective, safe='/')}"
    return Entry(transition.at, EntryKind.BUDGET, f"budget policy of {transition.objective}: {came}{left}", "", link)


def sources_of(
    *,
    alerting: Any = None,
    deployments: DeploymentSource | None = None,
    policies: PolicyHistory | None = None,
    objectives: Callable[[str], Sequence[str]] | None = None,
) -> list[tuple[str, Any]]:
    """
    The sources that stand, with the names that problems give them.

    Args:
        alerting: `state.alerting`.
        deployments: All that are known.
        policies: `state.policies`.
        objectives: Keys of a service's objectives.
    """
    found: list[tuple[str, Any]] = []
    if alerting is not None:
        found += [("alerts", AlertEntries(alerting)), ("pages", PageEntries(alerting.outbox))]
    if deployments is not None:
        found.append(("deployments", DeploymentEntries(deployments)))
    if policies is not None and objectives is not None:
        found.append(("budgets", BudgetEntries(policies, objectives)))
    return found
