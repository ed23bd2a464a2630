"""What the desk of alerts takes and answers, as plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.model.alert import Alert, AlertStatus, Silence
from tocsin.model.instant import Instant
from tocsin.model.notification import Attempt
from tocsin.model.series import Matcher
from tocsin.state.alert_records import OutboxCount, OutboxEntry


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert, and what becomes of it now."""

    alert: Alert
    status: AlertStatus


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """
    Which alerts are asked for.

    Args:
        matchers: All must match its labels.
        active, silenced, inhibited, muted: Whether those are wanted that are told, silenced, inhibited, and quiet for their time interval.
        receiver: Receivers of which one is told, a regular expression that must match the whole name; empty: any.
    """

    matchers: tuple[Matcher, ...] = ()
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class PostedAlert:
    """
    An alert that somebody else says.

    Args:
        labels: Identify it; those with empty values are left out.
        annotations: Texts for people.
        starts_at: Since when it fires; None: now, or when it ended.
        ends_at: When it ended; None: it fires, until it was not said for a while.
        generator_url: Where one sees what made it.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """How many posted alerts were taken, and what is wrong with each of the others."""

    accepted: int
    refused: tuple[str, ...] = ()


class SilenceState(Enum):
    """How a silence stands; Alertmanager's words."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SilenceView:
    """A silence, how it stands, and, where that was asked for, the fingerprints of alerts that it keeps quiet now."""

    silence: Silence
    state: SilenceState
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SilenceDraft:
    """
    A silence as somebody wants it.

    Args:
        matchers: At least one of them does not match a missing label.
        starts_at: From when on; None, or an instant that is past: from now on.
        ends_at: Until when, in the future.
        author: Who wants it.
        comment: Why.
        id: Of the silence that it changes; empty: a new one.
        annotations: Further texts.
    """

    matchers: tuple[Matcher, ...]
    ends_at: Instant
    author: str
    comment: str
    starts_at: Instant | None = None
    id: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotificationView:
    """A notification of the outbox with every attempt to deliver it."""

    entry: OutboxEntry
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class ReceiverView:
    """A receiver of the configuration, the channels by which it is told, and texts about it by name."""

    name: str
    channels: Sequence[ChannelInfo]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertingStatus:
    """
    How alerting stands.

    Args:
        started_at: Since when.
        config: The configuration's text, secrets hidden.
        remarks: What in it is allowed and probably not meant.
        alerts: How many there are.
        groups: In how many groups.
        outbox: How many notifications wait.
        written_at: When everything was last seen to be on the disk; None before the first time.
    """

    started_at: Instant
    config: str
    remarks: tuple[str, ...]
    alerts: int
    groups: int
    outbox: OutboxCount
    written_at: Instant | None
