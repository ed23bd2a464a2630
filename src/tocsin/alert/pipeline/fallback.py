"""
Who is told when a channel could not be: a person's next channel, else the channels of the fallback receiver.

    slack/0 of team-x could not be delivered: 403 from hooks.slack.com
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from tocsin.model.instant import Instant
from tocsin.model.notification import Notification, NotificationReason

PERSON = "person/"
KEY_CHARACTERS = 32

NextChannel: TypeAlias = Callable[[Notification], "tuple[str, str] | None"]


class Fallback:
    """
    Finds it.

    Args:
        receiver: Name of the fallback receiver; empty: there is none.
        channels: Names of a receiver's channels, as the configuration has them now.
        next_channel: For a notification to a person, (receiver, channel) of that person's next channel; None after the last.
    """

    def __init__(self, receiver: str, channels: Callable[[str], Sequence[str]], next_channel: NextChannel | None = None) -> None:
        self._receiver = receiver
        self._channels = channels
        self._next_channel = next_channel

    def instead_of(self, notification: Notification, why: str, at: Instant) -> tuple[Notification, ...]:
        """What is told to others since this one could not be delivered; empty when there is nobody else."""
        said = f"{notification.channel} of {notification.receiver} could not be delivered: {why}"
        note = "; ".join(filter(None, [said, notification.note]))
        return tuple(
            replace(
                notification,
                key=_key(notification, receiver, channel),
                receiver=receiver,
                channel=channel,
                reason=NotificationReason.FALLBACK,
                created_at=at,
                note=note,
            )
            for receiver, channel in self._others(notification)
        )

    def ends(self, notification: Notification, told: Sequence[Notification], at: Instant) -> tuple[Notification, ...]:
        """
        What tells those that it is over who were told in place of others that it began.

        Args:
            notification: The group's last one, which says that nothing fires any more.
            told: The group's notifications, the newest first.
            at: When.
        """
        lanes: dict[tuple[str, str], Notification] = {}
        for one in told:
            lanes.setdefault((one.receiver, one.channel), one)
        waiting = [one for one in lanes.values() if one.reason is NotificationReason.FALLBACK and one.firing]
        return tuple(
            replace(notification, key=_key(notification, one.receiver, one.channel), receiver=one.receiver, channel=one.channel,
                    reason=NotificationReason.FALLBACK, created_at=at, note="What you were told in place of others is over.")
            for one in waiting
        )  # fmt: skip

    def _others(self, notification: Notification) -> Sequence[tuple[str, str]]:
        if self._next_channel and notification.channel.startswith(PERSON) and (found := self._next_channel(notification)) is not None:
            return [found]
        if not self._receiver or notification.receiver == self._receiver:
            return []
        return [(self._receiver, channel) for channel in self._channels(self._receiver)]


def _key(notification: Notification, receiver: str, channel: str) -> str:
    """The same however often the notification is given up."""
    told = f"{notification.key}\0{receiver}\0{channel}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARACTERS]
