"""Alerts that are kept, the groups that they are in, and what a second report of the same alert makes of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tocsin.alert.dispatch.state import GroupState
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import Alert, Silence
from tocsin.model.instant import Instant


@dataclass(frozen=True, slots=True)
class Side:
    """
    One side of a rule of inhibition that an alert matches.

    Args:
        rule: Number of the rule.
        equal: Values of the labels that must be the same on both sides.
        both: The alert matches the other side as well.
    """

    rule: int
    equal: tuple[str, ...]
    both: bool


@dataclass(slots=True, eq=False)
class Kept:
    """
    An alert that is kept.

    Args:
        fingerprint: Its labels as 16 hexadecimal digits.
        alert: As it stands.
        groups: Those that it is in.
        sources, targets: Rules of inhibition by which it holds others back, and is held back.
        ended: It has ended, and that was said as an event.
        wakes_at: When it is looked at next because it may have ended by then; None: never.
        silences: Silences that match it, whether they hold now or not.
        silences_version: Of which set of silences; -1: of none yet.
    """

    fingerprint: str
    alert: Alert
    groups: list[Group] = field(default_factory=list)
    sources: Sequence[Side] = ()
    targets: Sequence[Side] = ()
    ended: bool = False
    wakes_at: Instant | None = None
    silences: tuple[Silence, ...] = ()
    silences_version: int = -1


@dataclass(slots=True, eq=False)
class Group:
    """
    Alerts of one route with the same values of its `group_by` labels.

    Args:
        route: Which route.
        state: What is remembered of it.
        members: Its alerts by fingerprint, those included that ended since the last flush.
    """

    route: Route
    state: GroupState
    members: dict[str, Kept] = field(default_factory=dict)


def began(alert: Alert, now: Instant) -> Alert:
    """An alert that is said for the first time; one that does not say since when fires since now."""
    return replace(alert, starts_at=alert.starts_at or now, updated_at=now)


def merged(old: Alert, new: Alert, now: Instant, *, ended: bool) -> Alert:
    """
    What is known of an alert after it was said again.

    It fires since the earliest start that was said of the same stretch. An end that was said counts; of two ends that both lie ahead the
    later one does, so that two senders whose clocks differ a little don't end each other's alerts. All else is as it was said last.

    Args:
        old: What was known.
        new: What is said.
        now: When.
        ended: The old one has ended, so that a start after its end is a new stretch.
    """
    starts_at = new.starts_at or now
    if not ended or (old.ends_at is not None and old.starts_at < starts_at < old.ends_at):
        starts_at = min(starts_at, old.starts_at)
    ends_at = new.ends_at
    if not ended and ends_at is not None and old.ends_at is not None and ends_at > now:
        ends_at = max(ends_at, old.ends_at)
    return replace(new, starts_at=starts_at, ends_at=ends_at, updated_at=now)
