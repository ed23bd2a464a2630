"""A virtual clock, channels that fail as told, and a delivery between an outbox and them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.delivery_records import DeliveryLimits
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.pipeline.steps import Steps
from tocsin.clock import SeededEntropy
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.notification import Notification
from tocsin.state.state import State

START: Instant = 1_790_000_000_000_000_000
SECOND = NANOSECONDS
MINUTE = 60 * SECOND


class VirtualClock:
    """Stands still until it is moved; both readings move together."""

    def __init__(self, now: Instant = START) -> None:
        self.now = now

    def now_ns(self) -> int:
        """The virtual instant."""
        return self.now

    def monotonic_s(self) -> float:
        """The same in seconds since START."""
        return (self.now - START) / NANOSECONDS

    def advance(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass."""
        self.now += round((seconds + 60 * minutes) * NANOSECONDS)


@dataclass
class FakeChannel:
    """Takes notifications, unless `fails` has an error for one; waits for `gate` where there is one."""

    taken: list[Notification] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    fails: Callable[[Notification], Exception | None] = lambda notification: None
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)

    def send(self, notification: Notification, page: str, /) -> str:
        """What a channel does."""
        self.attempts.append(notification.key)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(100)
        if (error := self.fails(notification)) is not None:
            raise error
        self.taken.append(notification)
        return f"ok: {page}"

    @property
    def keys(self) -> list[str]:
        """Of what it took."""
        return [notification.key for notification in self.taken]


class Receivers:
    """Every channel of every receiver, made when it is asked for; those in `gone` are not there."""

    def __init__(self) -> None:
        self.channels: defaultdict[tuple[str, str], FakeChannel] = defaultdict(FakeChannel)
        self.gone: set[tuple[str, str]] = set()
        self.names: dict[str, Sequence[str]] = {}
        self.next_channel: dict[tuple[str, str], tuple[str, str]] = {}

    def channel(self, receiver: str, name: str) -> FakeChannel | None:
        """As `build_channels` found it."""
        return None if (receiver, name) in self.gone else self.channels[receiver, name]

    def fallback(self, receiver: str = "") -> Fallback:
        """To the channels that `names` has of the receiver, or the next one in `next_channel`."""
        return Fallback(receiver, lambda name: self.names.get(name, ()), lambda told: self.next_channel.get((told.receiver, told.channel)))


def delivery(
    state: State,
    receivers: Receivers,
    clock: VirtualClock,
    *,
    fallback: str = "",
    limits: DeliveryLimits | None = None,
    steps: Steps | None = None,
    page: Callable[[Notification], str] = lambda notification: "facts",
    bare: Callable[[Notification], str] | None = None,
) -> Delivery:
    """A delivery on a virtual clock."""
    return Delivery(
        state.alerting.outbox,
        receivers.channel,
        page,
        receivers.fallback(fallback),
        clock=clock,
        entropy=SeededEntropy(5),
        bare=bare,
        limits=limits,
        steps=steps,
    )


def run_for(clock: VirtualClock, worker: Delivery, *, minutes: float) -> None:
    """Let time pass, with every attempt at its time."""
    end = clock.now + round(60 * minutes * NANOSECONDS)
    while True:
        worker.advance()
        due = worker.next_at()
        if due is None or due > end:
            break
        clock.now = max(due, clock.now + 1)
    clock.now = end
    worker.advance()
