"""
Whether a channel is told anything when a group is flushed, and why: the decision that keeps the same from being told twice.

Source: Alertmanager's documented behaviour of its deduplication: first notification, new alerts, all resolved, new resolved, repeat.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tocsin.alert.dispatch.state import ChannelState
from tocsin.model.instant import Instant
from tocsin.model.notification import NotificationReason


def decide(
    before: ChannelState | None,
    firing: AbstractSet[str],
    resolved: AbstractSet[str],
    *,
    send_resolved: bool,
    now: Instant,
    repeat_interval_ns: int,
) -> NotificationReason | None:
    """
    Why a channel is told now; None when it is not.

    Args:
        before: What it was told last; None: nothing yet.
        firing: Fingerprints of the group's alerts that fire and are told.
        resolved: Fingerprints of those that have ended, of which the channel was told.
        send_resolved: Whether it wants to hear of ends.
        now: The instant of the flush.
        repeat_interval_ns: How long until the same is told again.
    """
    if before is None:
        return NotificationReason.FIRST if firing else None
    if not firing <= before.firing:
        return NotificationReason.NEW_ALERTS
    if not firing:
        return NotificationReason.ALL_RESOLVED if before.firing and resolved else None
    if send_resolved and not resolved <= before.resolved:
        return NotificationReason.NEW_RESOLVED
    return NotificationReason.REPEAT if now - before.notified_at >= repeat_interval_ns else None
