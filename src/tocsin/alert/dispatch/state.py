"""
What is remembered of a group of alerts: when it is looked at next, and what each of its channels was told last.

Plain values, kept in the transaction that also keeps the notifications: after a restart the same is neither told twice nor forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.model.alert import Alert, AlertStatus
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification

_FINGERPRINT_LENGTH = 16


@dataclass(frozen=True, slots=True)
class ChannelState:
    """
    What a channel was told last about a group.

    Args:
        firing: Fingerprints of the alerts that it knows to fire.
        resolved: Fingerprints of those that it was told to have ended, the last time.
        notified_at: When it was last told anything.
        count: How many notifications there were; part of the next one's key.
    """

    firing: frozenset[str] = frozenset()
    resolved: frozenset[str] = frozenset()
    notified_at: Instant = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class GroupState:
    """
    A group of alerts between two flushes.

    Args:
        group_key: Names it, unique among all groups: the route's id, a colon, the labels, as Alertmanager writes them.
        route: The route's id.
        receiver: Who is told.
        labels: What its alerts have in common because they were grouped by it.
        began_at: When its first alert came.
        next_flush_at: When it is looked at next.
        flushed_at: When it was looked at last; None: never.
        channels: What each of the receiver's channels was told.
    """

    group_key: str
    route: str
    receiver: str
    labels: Labels
    began_at: Instant
    next_flush_at: Instant
    flushed_at: Instant | None = None
    channels: Mapping[str, ChannelState] = field(default_factory=dict)

    def to_json(self) -> str:
        """As JSON that `from_json` reads."""
        return json.dumps(
            {
                "group_key": self.group_key,
                "route": self.route,
                "receiver": self.receiver,
                "labels": dict(self.labels),
                "began_at": self.began_at,
                "next_flush_at": self.next_flush_at,
                "flushed_at": self.flushed_at,
                "channels": {name: _channel_to_json(channel) for name, channel in self.channels.items()},
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> GroupState:
        """What `to_json` wrote."""
        found = json.loads(text)
        channels = {name: _channel_from_json(channel) for name, channel in found.pop("channels").items()}
        return cls(**{**found, "labels": Labels(found["labels"]), "channels": channels})


@dataclass(frozen=True, slots=True)
class Flush:
    """
    What becomes of a group that was due, and who is to be told what.

    Args:
        group_key: Which group.
        at: When it was looked at.
        state: What is to be remembered; None: the group is over.
        notifications: One per channel that is to be told something.
        left: Fingerprints of the alerts that leave the group because they ended.
    """

    group_key: str
    at: Instant
    state: GroupState | None
    notifications: tuple[Notification, ...] = ()
    left: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unsaved:
    """
    What changed in memory since it was last saved; each value replaces what is kept under its key.

    Args:
        alerts: New or different.
        forgotten: Fingerprints of alerts that are over and told.
        groups: Groups that began; None for those that are gone.
    """

    alerts: tuple[Alert, ...] = ()
    forgotten: frozenset[str] = frozenset()
    groups: Mapping[str, GroupState | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.alerts or self.forgotten or self.groups)


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group as it stands: what is remembered of it, and its alerts with what becomes of each."""

    state: GroupState
    alerts: tuple[tuple[Alert, AlertStatus], ...]


def _channel_to_json(channel: ChannelState) -> dict[str, object]:
    # Fingerprints have one length, so they stand in one text: fifty thousand of them are nothing unusual.
    return {
        "firing": "".join(sorted(channel.firing)),
        "resolved": "".join(sorted(channel.resolved)),
        "notified_at": channel.notified_at,
        "count": channel.count,
    }


def _channel_from_json(found: dict[str, str | int]) -> ChannelState:
    firing, resolved = str(found["firing"]), str(found["resolved"])
    return ChannelState(_split(firing), _split(resolved), int(found["notified_at"]), int(found["count"]))


def _split(text: str) -> frozenset[str]:
    return frozenset(text[start : start + _FINGERPRINT_LENGTH] for start in range(0, len(text), _FINGERPRINT_LENGTH))
