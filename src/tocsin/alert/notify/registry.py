"""
The channels of all receivers as the configuration says now.

    registry.replace(config.receivers.values(), templates)        after every reading of the configuration
    registry.find("team", "slack/0").send(notification, page)

Channels of a configuration that was replaced are closed once nobody sends by them any more.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tocsin.alert.notify.building import TIMEOUT_S, build_channels
from tocsin.alert.notify.channel import Channel
from tocsin.alert.page.text import PageText
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.clock import Clock
from tocsin.errors import DeliveryError
from tocsin.model.notification import Notification


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """
    What was sent since the start, by kind of channel (`slack`, `email`).

    Args:
        sent: Notifications that a receiver took.
        failed: Tries that may succeed later.
        refused: Tries that would be refused again.
        seconds: Time that all tries took, seconds.
    """

    sent: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


class ChannelRegistry:
    """
    Holds channels. Safe to use from several threads.

    Args:
        clock: The present, and how long a try takes.
        timeout_s: Longest time for one delivery where an integration says none, seconds.
    """

    def __init__(self, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._channels: dict[tuple[str, str], _Held] = {}
        self._counts: dict[str, Counter[str]] = {"sent": Counter(), "failed": Counter(), "refused": Counter()}
        self._seconds: dict[str, float] = {}

    def replace(self, receivers: Iterable[Receiver], templates: NotificationTemplates) -> None:
        """
        Hold the channels of another configuration; with a mistake in it those that are held stay.

        Raises:
            ConfigError: A certificate or a mail server can't be used.
        """
        made: dict[tuple[str, str], _Held] = {}
        try:
            for receiver in receivers:
                for channel in build_channels(receiver, templates, clock=self._clock, timeout_s=self._timeout_s):
                    made[receiver.name, channel.name] = _Held(channel, self)
        except BaseException:
            _retire(made.values())
            raise
        with self._lock:
            former, self._channels = self._channels, made
        _retire(former.values())

    def find(self, receiver: str, name: str) -> Channel | None:
        """A channel; None when the configuration has none of this name."""
        with self._lock:
            return self._channels.get((receiver, name))

    def statistics(self) -> ChannelStatistics:
        """Counts since the start."""
        with self._lock:
            counts = {outcome: dict(by_kind) for outcome, by_kind in self._counts.items()}
            return ChannelStatistics(**counts, seconds=dict(self._seconds))

    def close(self) -> None:
        """Let all channels go; idempotent."""
        with self._lock:
            former, self._channels = self._channels, {}
        _retire(former.values())

    def now_s(self) -> float:
        """Seconds of the clock, for durations."""
        return self._clock.monotonic_s()

    def count(self, name: str, outcome: str, seconds: float) -> None:
        """Count one try of a channel: `sent`, `failed` or `refused`."""
        kind = name.partition("/")[0]
        with self._lock:
            self._counts[outcome][kind] += 1
            self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds


class _Held:
    """A channel that is closed when it was replaced and its last try is over."""

    def __init__(self, channel: Channel, registry: ChannelRegistry) -> None:
        self.name = channel.name
        self.send_resolved = channel.send_resolved
        self._channel = channel
        self._registry = registry
        self._lock = threading.Lock()
        self._sending = 0
        self._retired = False

    def send(self, notification: Notification, page: PageText) -> str:
        """Send, and count what came of it."""
        with self._lock:
            if self._retired:
                raise DeliveryError("the configuration has just been replaced; the next try goes by the new one")
            self._sending += 1
        began_s, outcome = self._registry.now_s(), "failed"
        try:
            answer = self._channel.send(notification, page)
            outcome = "sent"
        except DeliveryError as error:
            outcome = "refused" if error.lasting else "failed"
            raise
        else:
            return answer
        finally:
            self._registry.count(self.name, outcome, self._registry.now_s() - began_s)
            with self._lock:
                self._sending -= 1
                over = self._retired and self._sending == 0
            if over:
                self._channel.close()

    def close(self) -> None:
        """Send nothing more; idempotent."""
        with self._lock:
            self._retired = True
            over = self._sending == 0
        if over:
            self._channel.close()


def _retire(channels: Iterable[_Held]) -> None:
    for channel in channels:
        channel.close()
