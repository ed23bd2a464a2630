"""
What a replay saw, as plain records: alerts that fired, pages that went out, incidents that there were. Scoring works on these alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from tocsin.model.instant import Instant
from tocsin.model.labels import Labels

NOBODY = ""


class Told(Enum):
    """What became of an alert that fired."""

    PAGED = "paged"
    NOTIFIED = "notified"  # told, but to nobody whom it wakes
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    UNTOLD = "untold"  # it ended before its group was told, or the replay did


@dataclass(frozen=True, slots=True)
class Firing:
    """
    An alert from when it began to fire until it ended.

    Args:
        rule: Name of the rule.
        labels: Of the alert.
        start: When it fired.
        end: When it ended; None: it still fires.
        active_at: Since when its condition held, before its `for` ran.
        told: What became of it.
    """

    rule: str
    labels: Labels
    start: Instant
    end: Instant | None
    active_at: Instant
    told: Told = Told.UNTOLD

    @property
    def service(self) -> str:
        """What it is about; empty when its labels don't say."""
        return self.labels.get("service")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A condition that held, but not long enough to fire: rule, labels, and [start, end) in which it did."""

    rule: str
    labels: Labels
    start: Instant
    end: Instant

    @property
    def service(self) -> str:
        """What it is about; empty when its labels don't say."""
        return self.labels.get("service")


@dataclass(frozen=True, slots=True)
class Page:
    """
    A person who is woken.

    Args:
        at: When.
        person: Who is on call then; empty when no schedule says.
        rules: Whose alerts are in it.
        services: What they are about; empty when no label says.
        objectives: Whose budget burned, by their alerts' label `objective` or `slo`.
        group: Names the group of alerts.
        receiver: To whom it was routed.
        until: When the last of its alerts ended; None: one still fires.
        time_zone: Of the person; empty when not known.
    """

    at: Instant
    person: str
    rules: tuple[str, ...]
    services: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    group: str = ""
    receiver: str = ""
    until: Instant | None = None
    time_zone: str = ""

    def joined_by(self, later: Page) -> Page:
        """The page with the rules, services and objectives of a later notification of its group."""
        return replace(
            self,
            rules=tuple(dict.fromkeys((*self.rules, *later.rules))),
            services=tuple(dict.fromkeys((*self.services, *later.services))),
            objectives=tuple(dict.fromkeys((*self.objectives, *later.objectives))),
        )


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """
    Something that users felt.

    Args:
        name: Names it: an id, or a title.
        start: When it began.
        end: When it ended; None: it goes on.
        services: Where; none: everywhere.
        objective: Whose budget it spent; empty when not known.
    """

    name: str
    start: Instant
    end: Instant | None
    services: tuple[str, ...] = ()
    objective: str = ""
