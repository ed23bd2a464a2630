"""What the on-call desk answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.model.instant import Instant
from tocsin.model.oncall import Call, FeedSubject, Page, PageKind, PageState
from tocsin.oncall.definition import Chain


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """A layer in words: `ana, bob` take turns of `1w` from `2026-01-05 09:00` on, at the hours `mon-fri 09:00-17:00`."""

    name: str
    users: tuple[str, ...]
    length: str
    start: str
    until: str
    hours: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScheduleSummary:
    """What a schedule says: name, title, zone of its wall times, layers (a later one goes first), file and line."""

    name: str
    title: str
    zone: str
    layers: tuple[LayerSummary, ...]
    place: str


@dataclass(frozen=True, slots=True)
class StepSummary:
    """Whom a step calls (`schedule primary`, `person ana`), and how long it waits, seconds."""

    notify: tuple[str, ...]
    acknowledge_within_s: float


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """What a chain of escalation says; `severities` are those that wake, `acknowledgement_lasts_s` is null for ever."""

    name: str
    title: str
    receiver: str
    steps: tuple[StepSummary, ...]
    repeat: int
    severities: tuple[str, ...]
    acknowledgement_lasts_s: float | None
    place: str


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """Who can be called: name, title, role, zone, kinds of channels in their order, file and line. Addresses and secrets are not shown."""

    name: str
    title: str
    role: str
    zone: str
    channels: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """Everything that the files in force say."""

    people: tuple[PersonSummary, ...]
    schedules: tuple[ScheduleSummary, ...]
    chains: tuple[ChainSummary, ...]


@dataclass(frozen=True, slots=True)
class PageSummary:
    """
    A page.

    Args:
        id: Names it.
        chain: The chain of escalation.
        group_key: The group of alerts.
        group_labels: What they have in common.
        kind: Whether it wakes.
        state: How far it has come.
        severity: The worst of its alerts', as written there.
        opened_at: When it began.
        step: Which step was called last, from 1.
        steps: How many the chain has now.
        turn: How often the chain was gone through before, or begun again.
        due_at: When the next step is called; null when nothing is waited for.
        acknowledged_by: Who; empty when nobody did.
        acknowledged_at: When.
        closed_at: When the last of its alerts ended; null while it is open.
        called: Who was called so far, in order, each once.
        alerts: Labels of its alerts, as the chain was told last.
        firing: How many of them fired then.
    """

    id: str
    chain: str
    group_key: str
    group_labels: Mapping[str, str]
    kind: PageKind
    state: PageState
    severity: str
    opened_at: Instant
    step: int
    steps: int
    turn: int
    due_at: Instant | None
    acknowledged_by: str
    acknowledged_at: Instant | None
    closed_at: Instant | None
    called: tuple[str, ...]
    alerts: tuple[Mapping[str, str], ...]
    firing: int


@dataclass(frozen=True, slots=True)
class PageStory:
    """A page with every call that was made for it, in order."""

    page: PageSummary
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody is on call on a schedule."""

    schedule: str
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class OncallProblems:
    """
    What is wrong with who is called.

    Args:
        mistakes: In the files as they are now; above none, what was in force before still is.
        remarks: Allowed, and probably not meant.
        gaps: When nobody will be on call, on schedules that a chain calls, in the days ahead that `oncall.gaps_days` says.
        unreachable: Channels of people that could not be used now, chains that no route leads to, and why.
    """

    mistakes: tuple[str, ...]
    remarks: tuple[str, ...]
    gaps: tuple[Gap, ...]
    unreachable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A calendar's secret address, shown this once: `path` behind the server's address."""

    subject: FeedSubject
    name: str
    path: str


def page_summary(page: Page, calls: tuple[Call, ...], chain: Chain | None) -> PageSummary:
    """A page with who was called for it."""
    return PageSummary(
        id=page.id,
        chain=page.chain,
        group_key=page.group_key,
        group_labels=dict(page.notification.group_labels),
        kind=page.kind,
        state=page.state,
        severity=page.severity,
        opened_at=page.opened_at,
        step=page.step + 1,
        steps=len(chain.steps) if chain is not None else 0,
        turn=page.turn,
        due_at=page.due_at,
        acknowledged_by=page.acknowledged_by,
        acknowledged_at=page.acknowledged_at,
        closed_at=page.closed_at,
        called=tuple(dict.fromkeys(call.person for call in calls)),
        alerts=tuple(dict(alert.labels) for alert in page.notification.alerts),
        firing=len(page.notification.firing),
    )
