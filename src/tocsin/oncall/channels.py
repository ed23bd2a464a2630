"""
Channels that delivery finds here: `chain/shop` begins a page, `person/ana/slack/0` tells one person.

Whatever goes wrong with a person's channel is a refusal of that channel, so that the next one is tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.errors import ConfigError, DeliveryError, NotFound
from tocsin.model.notification import Notification
from tocsin.model.oncall import CHAIN_CHANNEL, PERSON_CHANNEL
from tocsin.oncall.contacts import receiver_of
from tocsin.oncall.definition import OncallPlan
from tocsin.oncall.escalator import Escalator


class Sender(Protocol):
    """A channel of the notifiers."""

    def send(self, notification: Notification, page: Any, /) -> str:
        """Tell the receiver; returns what it answered. Raises DeliveryError."""
        ...

    def close(self) -> None:
        """Let connections go; idempotent."""
        ...


class ChainChannel:
    """Tells a chain of escalation."""

    def __init__(self, escalator: Escalator) -> None:
        self._escalator = escalator

    def send(self, notification: Notification, page: Any, /) -> str:  # noqa: ARG002 - those who are called get a text of their own
        """
        Begin a page, or go on with it; returns which.

        Raises:
            DeliveryError: There is no such chain any more.
        """
        try:
            found = self._escalator.start(notification)
        except NotFound as error:
            raise DeliveryError(str(error), lasting=True) from error
        return f"page {found.id} is {found.state.value}" if found is not None else "no page is open, and nothing fires"

    def close(self) -> None:
        """It has nothing open."""


class Channels:
    """
    Finds channels by their names. Safe to use from several threads.

    Args:
        plan: People and chains, as they are now.
        escalator: What chains tell.
        build: Makes the channels of a receiver, as for those of the routing configuration.
        defaults: The `global` block of the routing configuration, as it is now.
        environment: Where secrets of people are looked up that their entries name by a variable.
    """

    def __init__(
        self,
        plan: Callable[[], OncallPlan],
        escalator: Escalator,
        *,
        build: Callable[[Receiver], Sequence[Sender]],
        defaults: Callable[[], GlobalConfig] = GlobalConfig,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._plan = plan
        self._chain = ChainChannel(escalator)
        self._build = build
        self._defaults = defaults
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._built: dict[str, tuple[Receiver, Sender]] = {}

    def of_receiver(self, receiver: str) -> tuple[ChannelInfo, ...]:
        """The chain that serves a receiver, as one more of its channels; none when none does."""
        chain = self._plan().chain_of(receiver)
        return (ChannelInfo(chain.channel, send_resolved=True),) if chain is not None else ()

    def find(self, channel: str) -> Sender | None:
        """
        The channel of a name; None for one that is not ours, or of somebody who is gone.

        Raises:
            DeliveryError: It can't be used: a secret is missing, or a mail server.
        """
        kind, _, rest = channel.partition("/")
        if kind == CHAIN_CHANNEL:
            return self._chain if rest in self._plan().chains else None
        if kind != PERSON_CHANNEL:
            return None
        person = self._plan().people.get(rest.partition("/")[0])
        contact = next((one for one in person.contacts if person.channel_of(one) == channel), None) if person is not None else None
        if person is None or contact is None:
            return None
        try:
            return self._made(channel, receiver_of(person, contact, self._defaults(), self._environment))
        except ConfigError as error:
            raise DeliveryError(str(error), lasting=True) from error

    def unusable(self) -> list[str]:
        """What is missing for channels of people, one sentence each: what would be found out when they are called."""
        found = []
        for person in self._plan().people.values():
            for contact in person.contacts:
                try:
                    receiver_of(person, contact, self._defaults(), self._environment)
                except ConfigError as error:
                    found.append(str(error))
        return found

    def forget(self) -> None:
        """Make every channel of a person anew when it is needed next: templates changed, or it is time to stop."""
        with self._lock:
            built, self._built = self._built, {}
        for _, sender in built.values():
            sender.close()

    def _made(self, channel: str, receiver: Receiver) -> Sender:
        """The sender of a receiver; made again only when something about it changed."""
        with self._lock:
            known = self._built.get(channel)
            if known is not None and known[0] == receiver:
                return known[1]
            (sender,) = self._build(receiver)
            self._built[channel] = (receiver, sender)
        if known is not None:
            known[1].close()
        return sender
