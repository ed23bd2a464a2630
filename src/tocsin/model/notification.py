"""
Notifications: what one channel is to be told about one group of alerts, kept until it was told.

A notification is written down in the transaction that decides it, with a key that is the same however often it is sent: receivers that
drop repeats by their key see it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.alert import Alert
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels


class NotificationReason(Enum):
    """Why a channel is told something now."""

    FIRST = "first_notification"
    NEW_ALERTS = "new_alerts_in_group"
    NEW_RESOLVED = "new_resolved_in_group"
    ALL_RESOLVED = "all_resolved"
    REPEAT = "repeat_interval_elapsed"
    ESCALATION = "not_acknowledged_in_time"
    FALLBACK = "another_channel_failed"
    ACKNOWLEDGED = "acknowledged"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notification:
    """
    What one channel is told.

    Args:
        key: The same however often it is sent: a hash over group, channel and transition.
        group_key: Names the group of alerts; the same from its first alert to its last.
        receiver: Name in the configuration.
        channel: Which of the receiver's channels: kind and index (`slack/0`), `chain/shop` for a chain of escalation, `person/ana/slack/0`.
        reason: Why now.
        created_at: When it was decided.
        group_labels: What its alerts have in common because they were grouped by it.
        alerts: Those of the group at that instant, firing and just resolved.
        truncated: How many alerts more there are than `alerts` shows.
        quiet: How many of the group's alerts are not told, by why.
        note: What a person should read first: that another channel failed, that nobody acknowledged.
        untold: How many earlier ones it replaces that were never told; its note says what they said.
    """

    key: str
    group_key: str
    receiver: str
    channel: str
    reason: NotificationReason
    created_at: Instant
    group_labels: Labels
    alerts: tuple[Alert, ...]
    truncated: int = 0
    quiet: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    untold: int = 0

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Those that had not ended when it was decided."""
        return tuple(alert for alert in self.alerts if not alert.resolved(self.created_at))

    @property
    def resolved(self) -> tuple[Alert, ...]:
        """Those that had ended."""
        return tuple(alert for alert in self.alerts if alert.resolved(self.created_at))

    @property
    def status(self) -> str:
        """`firing` while one alert does, else `resolved`; Alertmanager's words."""
        return "firing" if self.firing else "resolved"

    @property
    def common_labels(self) -> Labels:
        """Labels that all its alerts share."""
        return Labels(_common([dict(alert.labels) for alert in self.alerts]))

    @property
    def common_annotations(self) -> dict[str, str]:
        """Annotations that all its alerts share."""
        return _common([alert.annotations for alert in self.alerts])


def _common(all_texts: list[Mapping[str, str]] | list[dict[str, str]]) -> dict[str, str]:
    if not all_texts:
        return {}
    first, *others = all_texts
    return {name: value for name, value in first.items() if all(texts.get(name) == value for texts in others)}


class DeliveryState(Enum):
    """How far a notification has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"  # given up; what stands in its place was written in the same transaction
    SUPERSEDED = "superseded"  # a later one for the same group and channel says all that it said


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One try to deliver.

    Args:
        notification: Its key.
        number: From 1.
        at: When it began.
        duration_s: Seconds until it succeeded or failed.
        outcome: `delivered`, `failed` or `refused` (trying again would not help).
        detail: What the receiver answered, or why there was no answer; never a secret.
    """

    notification: str
    number: int
    at: Instant
    duration_s: float
    outcome: str
    detail: str
