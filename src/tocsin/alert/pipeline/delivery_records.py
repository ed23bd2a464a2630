"""Settings and counters of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.alert.pipeline.fallback import PERSON

WORKERS = 4
GIVE_UP_S = 900.0
PERSON_GIVE_UP_S = 60.0
KEEP_TRYING_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """
    How long to try.

    Args:
        workers: How many deliver at once.
        give_up_s: After so many seconds of failures somebody else is told.
        person_give_up_s: The same for a person's channel, whose next one is tried: an escalation must not wait for it.
        keep_trying_s: Where nobody else can be told, it is tried for so long before it counts as undeliverable.
    """

    workers: int = WORKERS
    give_up_s: float = GIVE_UP_S
    person_give_up_s: float = PERSON_GIVE_UP_S
    keep_trying_s: float = KEEP_TRYING_S

    def patience_s(self, channel: str) -> float:
        """How long a channel may fail until somebody else is told, seconds."""
        return min(self.give_up_s, self.person_give_up_s) if channel.startswith(PERSON) else self.give_up_s


@dataclass(frozen=True, slots=True)
class DeliveryStatistics:
    """
    Deliveries since the start.

    Args:
        attempts: Attempts by outcome (`delivered`, `failed`, `refused`).
        undeliverable: Notifications that were given up.
        fallbacks: Notifications to others that were made of these.
        untold: Notifications that were given up, or fail for longer than `alert.give_up_s`, while nobody else can be told.
        delay_s: Seconds from decision to delivery, added up over all that were delivered.
        database_failures: Attempts that could not be written down at once; each is written later.
        waiting: Gauge: notifications that wait.
        under_way: Gauge: notifications that are being sent.
        failing_channels: Gauge: channels whose last attempt failed.
    """

    attempts: Mapping[str, int]
    undeliverable: int
    fallbacks: int
    untold: int
    delay_s: float
    database_failures: int
    waiting: int
    under_way: int
    failing_channels: int
