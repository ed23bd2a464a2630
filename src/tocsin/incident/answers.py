"""What this room answers. Frozen, JSON by pydantic's ordinary rules, shared by API and terminal."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.incident.clocks import Punctuality, StepState, StepView, views_of
from tocsin.incident.options import IncidentOptions
from tocsin.model.incident import ActionItem, Incident, IncidentState, PublicUpdate, Step
from tocsin.model.instant import Instant
from tocsin.model.severity import Severity


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """
    An incident as a line of a list.

    Args:
        id: `INC-7`.
        title: For people who work on it.
        service: What it is about; may be empty.
        severity: How bad it is now.
        state: How far it is.
        step: What people do now.
        opened_at: When it was opened.
        started_at: When it began for those who use the service, as far as is known.
        ended_at: When it was over for them; None while it lasts.
        lead: Who decides; may be empty.
        due_at: When the present step should end; None for a closed one, or while its clock has not begun.
        late: Whether that has passed.
        repeat: Whether a guard knew this failure when it came.
        alerts_firing: How many of its alerts fire.
    """

    id: str
    title: str
    service: str
    severity: Severity
    state: IncidentState
    step: Step
    opened_at: Instant
    started_at: Instant
    ended_at: Instant | None
    lead: str
    due_at: Instant | None
    late: bool
    repeat: bool
    alerts_firing: int


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident whole: its line, its steps with their clocks, the record itself, and what those affected were told."""

    id: str
    summary: IncidentSummary
    steps: tuple[StepView, ...]
    incident: Incident
    updates: tuple[PublicUpdate, ...]


@dataclass(frozen=True, slots=True)
class PostmortemView:
    """
    A postmortem as it is now.

    Args:
        id: Of the incident.
        version: From 1; 0 for the draft that nobody wrote anything into yet.
        at: When it was written; when the draft was made.
        author: Who wrote it; empty for a draft.
        text: Markdown.
    """

    id: str
    version: int
    at: Instant
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action item with its incident's id, and whether its day has passed while it is not done."""

    id: str
    item: ActionItem
    overdue: bool


@dataclass(frozen=True, slots=True)
class IncidentStatistics:
    """
    Incidents since the start of the process, and how many there are.

    Args:
        opened: Incidents that were opened by pages.
        resolved: Incidents whose watching ended well.
        pinned: Exemplar traces that were pinned by themselves.
        failures: Rounds of the keeper that failed.
        open: Gauge: incidents that are open.
        waiting: Gauge: incidents that are resolved and not closed.
        unacknowledged: Gauge: open incidents that nobody has acknowledged.
    """

    opened: int = 0
    resolved: int = 0
    pinned: int = 0
    failures: int = 0
    open: int = 0
    waiting: int = 0
    unacknowledged: int = 0


def summary_of(incident: Incident, options: IncidentOptions, now: Instant) -> IncidentSummary:
    """An incident's line."""
    present = next((step for step in views_of(incident, options, now) if step.state is StepState.ACTIVE), None)
    return IncidentSummary(
        id=incident.id,
        title=incident.title,
        service=incident.service,
        severity=incident.severity,
        state=incident.state,
        step=incident.step,
        opened_at=incident.opened_at,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        lead=incident.lead,
        due_at=present.due_at if present else None,
        late=present is not None and present.punctuality is Punctuality.LATE,
        repeat=incident.guards_known > 0,
        alerts_firing=sum(1 for alert in incident.alerts if alert.ends_at is None or alert.ends_at > now),
    )


def view_of(incident: Incident, updates: tuple[PublicUpdate, ...], options: IncidentOptions, now: Instant) -> IncidentView:
    """An incident whole."""
    return IncidentView(incident.id, summary_of(incident, options, now), views_of(incident, options, now), incident, updates)
