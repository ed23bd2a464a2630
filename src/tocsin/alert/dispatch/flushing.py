"""What a flush of a group comes to: who is told what, and what is remembered. Looks, and changes nothing."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tocsin.alert.dispatch.deciding import decide
from tocsin.alert.dispatch.kept import Group, Kept
from tocsin.alert.dispatch.state import ChannelState, Flush, GroupState
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.model.alert import Alert, Quiet
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.notification import Notification, NotificationReason

SHOWN_MAX = 200  # alerts in a notification; of the others it says how many

ChannelsOf: TypeAlias = Callable[[str], Sequence[ChannelInfo]]
QuietOf: TypeAlias = Callable[[Kept, Instant], Quiet | None]


@dataclass(slots=True)
class _Members:
    """The alerts of a group that are told, by whether they fire, and how many are not, by why."""

    firing: dict[str, Alert] = field(default_factory=dict)
    resolved: dict[str, Alert] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    quiet: Counter[str] = field(default_factory=Counter)
    shown: list[Alert] = field(default_factory=list)

    def first(self, resolved: AbstractSet[str]) -> tuple[Alert, ...]:
        """The alerts that a notification shows: firing ones, then those of the resolved ones that a channel knows."""
        if self.firing and not self.shown:
            self.shown = heapq.nsmallest(SHOWN_MAX, self.firing.values(), key=_order)
        known = (self.resolved[key] for key in resolved)
        return (*self.shown, *heapq.nsmallest(SHOWN_MAX - len(self.shown), known, key=_order))


def flush(group: Group, now: Instant, *, channels: Sequence[ChannelInfo], muted: bool, quiet_of: QuietOf) -> Flush:
    """
    What becomes of a group now.

    Args:
        group: It is due.
        now: The instant.
        channels: Of its receiver.
        muted: Its route is quiet at this time.
        quiet_of: Why an alert is not told by anybody at an instant; None when it is.
    """
    members = _members(group, now, muted, quiet_of)
    state = group.state
    told = dict(state.channels)
    notifications: list[Notification] = []
    if members.firing or members.resolved:
        told, notifications = _tell(group, members, now, channels)
    if members.left:
        told = {name: _without(channel, members.left) for name, channel in told.items()}
    over = len(members.left) == len(group.members)
    after = replace(state, channels=told, flushed_at=now, next_flush_at=now + _ns(group.route.group_interval_s))
    return Flush(state.group_key, now, None if over else after, tuple(notifications), frozenset(members.left))


def _members(group: Group, now: Instant, muted: bool, quiet_of: QuietOf) -> _Members:
    members = _Members()
    for key, kept in group.members.items():
        if kept.ended:
            members.left.add(key)
        quiet = quiet_of(kept, now) or (Quiet.MUTED if muted else None)
        if quiet is not None:
            members.quiet[quiet.value] += 1
        elif kept.ended:
            members.resolved[key] = kept.alert
        else:
            members.firing[key] = kept.alert
    return members


def _tell(
    group: Group, members: _Members, now: Instant, channels: Sequence[ChannelInfo]
) -> tuple[dict[str, ChannelState], list[Notification]]:
    firing, ended = frozenset(members.firing), frozenset(members.resolved)
    told: dict[str, ChannelState] = {}
    notifications = []
    for channel in channels:
        before = group.state.channels.get(channel.name)
        # The end of what a channel never heard of is no news to it.
        resolved = ended & (before.firing | before.resolved) if before is not None and ended else frozenset()
        reason = decide(
            before,
            firing,
            resolved,
            send_resolved=channel.send_resolved,
            now=now,
            repeat_interval_ns=_ns(group.route.repeat_interval_s),
        )
        if reason is None:
            if before is not None:
                told[channel.name] = before
            continue
        count = before.count if before is not None else 0
        if firing or channel.send_resolved:
            notifications.append(_notification(group, members, now, channel, reason, count, resolved))
            count += 1
        told[channel.name] = ChannelState(firing, resolved, now, count)
    return told, notifications


def _notification(
    group: Group,
    members: _Members,
    now: Instant,
    channel: ChannelInfo,
    reason: NotificationReason,
    count: int,
    resolved: AbstractSet[str],
) -> Notification:
    said = resolved if channel.send_resolved else frozenset[str]()
    shown = members.first(said)
    return Notification(
        key=notification_key(group.state, channel.name, count),
        group_key=group.state.group_key,
        receiver=group.state.receiver,
        channel=channel.name,
        reason=reason,
        created_at=now,
        group_labels=group.state.labels,
        alerts=shown,
        truncated=len(members.firing) + len(said) - len(shown),
        quiet=dict(members.quiet),
    )


def _without(channel: ChannelState, left: set[str]) -> ChannelState:
    """An alert that left and begins again is new to a channel, even one that was not told of its end (Alertmanager keeps silent then)."""
    return channel if left.isdisjoint(channel.firing) else replace(channel, firing=channel.firing - left)


def notification_key(state: GroupState, channel: str, count: int) -> str:
    """
    The same for the same step of the same group, however often it is planned and sent.

    Args:
        state: The group; one that ends and begins again is another.
        channel: Who is told.
        count: How many notifications of the group the channel got before.
    """
    text = "\0".join((state.group_key, str(state.began_at), state.receiver, channel, str(count)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def channel_states(state: GroupState, receiver: str) -> Mapping[str, ChannelState]:
    """What channels know, where the group still has the receiver that they belong to; another receiver was told nothing yet."""
    return state.channels if state.receiver == receiver else {}


def _order(alert: Alert) -> tuple[object, ...]:
    """By job and instance, as Alertmanager lists alerts, those without one last; then by labels."""
    job, instance = alert.labels.get("job"), alert.labels.get("instance")
    return (not job, job, not instance, instance, alert.labels.pairs)


def _ns(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
