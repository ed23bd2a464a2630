"""What `state.alerting` hands out and takes in beside the records of `model/`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.model.alert import Alert, AlertEvent
from tocsin.model.instant import Instant
from tocsin.model.notification import DeliveryState, Notification


@dataclass(frozen=True, slots=True)
class AlertChange:
    """
    What one step of the pipeline changed; kept as a whole or not at all.

    Args:
        alerts: Those that are new or different; each replaces the one with its fingerprint.
        forgotten: Fingerprints of alerts that are over and told.
        events: What began and ended.
        groups: The new state of groups as JSON, by group key; None for a group that is gone.
        notifications: What channels are to be told.
    """

    alerts: Sequence[Alert] = ()
    forgotten: Collection[str] = ()
    events: Sequence[AlertEvent] = ()
    groups: Mapping[str, str | None] = field(default_factory=dict)
    notifications: Sequence[Notification] = ()


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """
    A notification in the outbox.

    Args:
        number: Its place in the order in which notifications were committed; never given twice.
        notification: What is told. Its note says which earlier ones it replaces that were not told.
        state: How far it has come.
        next_attempt_at: Not before this instant.
        attempts: How many there were.
        failing_since: When the first of the attempts that failed began; None while none has.
        settled_at: When it stopped being pending; None while it is.
        replaced_by: Key of the one that superseded it; empty for others.
    """

    number: int
    notification: Notification
    state: DeliveryState
    next_attempt_at: Instant
    attempts: int
    failing_since: Instant | None
    settled_at: Instant | None
    replaced_by: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    A notification that waits, without what it says: small enough to hold every one of a full outbox in memory.

    Args:
        number: Its place in the order in which notifications were committed.
        key: Its key.
        group_key, receiver, channel: Its lane: two of one lane are never sent at once.
        created_at: When it was decided.
        next_attempt_at: Not before this instant.
    """

    number: int
    key: str
    group_key: str
    receiver: str
    channel: str
    created_at: Instant
    next_attempt_at: Instant


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many notifications are pending, and since when the oldest of them; None when none is."""

    pending: int
    oldest_created_at: Instant | None
