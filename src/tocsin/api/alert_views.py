"""Alerts, groups, notifications and silences as our own API shows them: plain records with labels as objects and matchers as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.alert.desk_records import NotificationView, ReceiverView, SilenceView
from tocsin.alert.dispatch.state import GroupView
from tocsin.alert.routing.matchers import format_matcher
from tocsin.model.alert import SEVERITY, Alert, AlertEvent, AlertStatus
from tocsin.model.instant import Instant
from tocsin.model.notification import Attempt, DeliveryState, NotificationReason
from tocsin.model.severity import Severity, level_of


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """
    An alert and what becomes of it.

    Args:
        fingerprint: Its labels as 16 hexadecimal digits.
        name: Its `alertname`.
        severity: What its label says.
        level: P1 to P4; null when the label means none.
        labels, annotations: As they were said.
        starts_at: Since when it fires.
        ends_at: When it ended, or will unless it is said again; null while it fires until it is told to have ended.
        updated_at: When it was last said.
        generator_url: Where one sees what made it.
        value: What its condition gave last; null for those of others.
        source: `rule` for our own, `api` for those of others.
        rule: `group/name`.
        quiet: Why nobody is told: `silenced`, `inhibited` or `muted`; null when somebody is.
        silenced_by: Ids of silences.
        inhibited_by: Fingerprints of alerts.
        muted_by: Names of time intervals.
        receivers: Who is told, or would be.
    """

    fingerprint: str
    name: str
    severity: str
    level: Severity | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Instant
    ends_at: Instant | None
    updated_at: Instant
    generator_url: str
    value: float | None
    source: str
    rule: str
    quiet: str | None
    silenced_by: Sequence[str]
    inhibited_by: Sequence[str]
    muted_by: Sequence[str]
    receivers: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """
    Alerts that are told together.

    Args:
        key: Names the group.
        receiver: Who is told.
        labels: What its alerts have in common because they are grouped by it.
        began_at: When its first alert came.
        next_look_at: When it is looked at next.
        told_at: When one of the receiver's channels was last told about it; null: never.
        alerts: Those that fire.
    """

    key: str
    receiver: str
    labels: Mapping[str, str]
    began_at: Instant
    next_look_at: Instant
    told_at: Instant | None
    alerts: Sequence[ShownAlert]


@dataclass(frozen=True, slots=True)
class ShownNotification:
    """
    What one channel was told, or is to be, with every attempt.

    Args:
        key: The same however often it is sent.
        group_key: Of which group.
        receiver, channel: Who is told, and how.
        reason: Why then.
        status: `firing`, or `resolved` when all its alerts had ended.
        created_at: When it was decided.
        group_labels: What its alerts have in common because they are grouped by it.
        firing, resolved: How many of its alerts fired, and had ended.
        truncated: How many more there were.
        alerts: Names of its alerts, each once.
        note: What a person should read first.
        state: How far it has come.
        next_attempt_at: Not before this instant; null when there is none to come.
        settled_at: When it stopped being pending.
        replaced_by: Key of the one that says all that it said; empty for others.
        attempts: Every try to deliver it, the first one first.
    """

    key: str
    group_key: str
    receiver: str
    channel: str
    reason: NotificationReason
    status: str
    created_at: Instant
    group_labels: Mapping[str, str]
    firing: int
    resolved: int
    truncated: int
    alerts: Sequence[str]
    note: str
    state: DeliveryState
    next_attempt_at: Instant | None
    settled_at: Instant | None
    replaced_by: str
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An alert that began (`fired`) or ended (`resolved`)."""

    at: Instant
    kind: str
    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float | None


@dataclass(frozen=True, slots=True)
class ShownSilence:
    """
    A silence.

    Args:
        id: Names it.
        state: `active`, `pending` or `expired`.
        matchers: As texts, `service="shop"`; all must match.
        starts_at, ends_at: When it holds.
        author, comment: Who wants it, and why.
        updated_at: When it was last changed.
        annotations: Of whoever made it.
        alerts: Fingerprints of those that it keeps quiet now.
    """

    id: str
    state: str
    matchers: Sequence[str]
    starts_at: Instant
    ends_at: Instant
    author: str
    comment: str
    updated_at: Instant
    annotations: Mapping[str, str]
    alerts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownReceiver:
    """A receiver of the configuration, and the channels by which it is told."""

    name: str
    channels: Sequence[str]
    labels: Mapping[str, str]


def show_alert(alert: Alert, status: AlertStatus) -> ShownAlert:
    """An alert with what becomes of it."""
    severity = alert.labels.get(SEVERITY)
    level = level_of(severity)
    return ShownAlert(
        fingerprint=alert.fingerprint,
        name=alert.name,
        severity=severity,
        level=level.severity if level else None,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        updated_at=alert.updated_at,
        generator_url=alert.generator_url,
        value=alert.value,
        source=alert.source,
        rule=alert.rule,
        quiet=status.quiet.value if status.quiet else None,
        silenced_by=status.silenced_by,
        inhibited_by=status.inhibited_by,
        muted_by=status.muted_by,
        receivers=status.receivers,
    )


def show_group(group: GroupView) -> ShownGroup:
    """A group with its alerts."""
    state = group.state
    return ShownGroup(
        key=state.group_key,
        receiver=state.receiver,
        labels=dict(state.labels),
        began_at=state.began_at,
        next_look_at=state.next_flush_at,
        told_at=max((channel.notified_at for channel in state.channels.values() if channel.notified_at), default=None),
        alerts=[show_alert(*pair) for pair in group.alerts],
    )


def show_notification(view: NotificationView) -> ShownNotification:
    """A notification with its attempts."""
    entry, told = view.entry, view.entry.notification
    return ShownNotification(
        key=told.key,
        group_key=told.group_key,
        receiver=told.receiver,
        channel=told.channel,
        reason=told.reason,
        status=told.status,
        created_at=told.created_at,
        group_labels=dict(told.group_labels),
        firing=len(told.firing),
        resolved=len(told.resolved),
        truncated=told.truncated,
        alerts=sorted({alert.name for alert in told.alerts}),
        note=told.note,
        state=entry.state,
        next_attempt_at=entry.next_attempt_at if entry.state is DeliveryState.PENDING else None,
        settled_at=entry.settled_at,
        replaced_by=entry.replaced_by,
        attempts=view.attempts,
    )


def show_event(event: AlertEvent) -> ShownEvent:
    """A beginning or an end."""
    return ShownEvent(event.at, event.kind.value, event.fingerprint, dict(event.labels), dict(event.annotations), event.value)


def show_silence(view: SilenceView) -> ShownSilence:
    """A silence."""
    silence = view.silence
    return ShownSilence(
        id=silence.id,
        state=view.state.value,
        matchers=[format_matcher(matcher) for matcher in silence.matchers],
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        author=silence.author,
        comment=silence.comment,
        updated_at=silence.updated_at,
        annotations=dict(silence.annotations),
        alerts=view.alerts,
    )


def show_receiver(receiver: ReceiverView) -> ShownReceiver:
    """A receiver."""
    return ShownReceiver(receiver.name, [channel.name for channel in receiver.channels], dict(receiver.labels))
