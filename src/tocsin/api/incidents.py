"""Incidents: opening, steps with their clocks, roles, notes, updates, evidence, runbooks. What is learnt is `incident_lessons`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from tocsin.api.context import RANGE_RULE, AnyRange, Service, context_of
from tocsin.api.slo_parameters import NAME_LENGTH_MAX, Moment, OptionalName, Present, Reason, RequiredName
from tocsin.errors import NotFound
from tocsin.incident.answers import IncidentSummary, IncidentView
from tocsin.incident.desk import TEXT_LENGTH_MAX, IncidentDesk
from tocsin.incident.runbooks import Runbook
from tocsin.incident.timeline import Timeline
from tocsin.model.incident import Evidence, EvidenceKind, FoundEvidence, IncidentState, Role, Step, UpdateStatus
from tocsin.model.instant import parse_instant
from tocsin.model.severity import Severity

router = APIRouter(tags=["incidents"])


def incidents_of(request: Request) -> IncidentDesk:
    """The desk of incidents behind the server."""
    incidents = context_of(request).incidents
    if incidents is None:
        raise NotFound("nothing keeps incidents behind this server: it answers questions about telemetry only")
    return incidents


IncidentsOf = Annotated[IncidentDesk, Depends(incidents_of)]
IncidentId = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="`INC-7`, or 7.")]
Number = Annotated[int, Path(ge=1, le=2**53, description="The number that the list shows.")]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]


class Order(BaseModel):
    """Who asks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: RequiredName = Field(description="Who asks for it.")


class NewIncident(Order):
    """Something is wrong, and no page said so."""

    title: RequiredName = Field(description="What is wrong, in a few words.")
    severity: Severity = Field(default=Severity.P2, description="How bad it is.")
    service: OptionalName = Field(default="", description="What it is about; pages of it join from then on.")
    started: Moment | None = Field(default=None, description=f"Since when: {RANGE_RULE}. Default: now.")
    signature: OptionalName = Field(default="", description="What would be the same failure again, as `alertname=X service=y`.")


class NewStep(Order):
    """The step that begins now."""

    step: Step = Field(description="Which; the one before ends.")
    reason: OptionalName = Field(default="", description="Why steps are left out, or gone back to; needed only then.")


class WithReason(Order):
    """A decision that is taken for a reason."""

    reason: Reason = Field(description="Why.")


class NewSeverity(WithReason):
    """How bad it is, judged anew."""

    severity: Severity = Field(description="How bad it is.")


class NewRole(Order):
    """Who does what."""

    role: Role = Field(description="Which role.")
    name: OptionalName = Field(default="", description="Who takes it; empty gives it back.")


class NewNote(Order):
    """What was seen, thought or run."""

    text: Text = Field(description="What.")
    command: bool = Field(default=False, description="It is a command that was run.")
    at: Moment | None = Field(default=None, description=f"When: {RANGE_RULE}. Default: now.")


class NewUpdate(Order):
    """Public words for those affected."""

    text: Text = Field(description="What they read on the status page.")
    status: UpdateStatus = Field(description="How it stands.")
    title: OptionalName = Field(default="", description="What the incident is called in public; kept until given again.")


class NewEvidence(Order):
    """A question whose answer shall be kept."""

    kind: EvidenceKind = Field(description="What sort of question.")
    question: dict[str, Text] = Field(
        description="`trace_id`; `query`, `start`, `end` for logs and PromQL (`query`); `key`, `at` for an objective (`slo`)."
    )
    title: OptionalName = Field(default="", description="For people; the question by default.")


class Closing(Order):
    """The end, and why something is missing."""

    no_guard: OptionalName = Field(default="", description="Why there can be no guard; needed only without one.")
    no_postmortem: OptionalName = Field(default="", description="Why it needs no postmortem; needed only without one, for P1 and P2.")


@router.get("/incidents")
def list_incidents(
    incidents: IncidentsOf,
    within: AnyRange,
    service: Service = None,
    state: Annotated[IncidentState | None, Query(description="Only those in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Incidents, at most.")] = 100,
) -> list[IncidentSummary]:
    """Incidents that were opened in a range, the newest first."""
    return incidents.list(state=state, service=service, start=within.start, end=within.end, limit=limit)


@router.post("/incidents")
def open_incident(incidents: IncidentsOf, now: Present, new: NewIncident) -> IncidentView:
    """Open an incident by hand; a service has one open incident at most."""
    started = parse_instant(new.started, now=now) if new.started else None
    return incidents.open(new.title, severity=new.severity, by=new.author, service=new.service, started_at=started, signature=new.signature)


@router.get("/incidents/{identity}")
def show_incident(incidents: IncidentsOf, identity: IncidentId) -> IncidentView:
    """One incident: its steps with their clocks, its alerts, what those affected were told."""
    return incidents.get(identity)


@router.post("/incidents/{identity}/acknowledge")
def acknowledge_incident(incidents: IncidentsOf, identity: IncidentId, order: Order) -> IncidentView:
    """Answer an incident and its pages; again it changes nothing."""
    return incidents.acknowledge(identity, by=order.author)


@router.post("/incidents/{identity}/step")
def enter_step(incidents: IncidentsOf, identity: IncidentId, step: NewStep) -> IncidentView:
    """Begin with a step: mitigate, diagnose, verify. The watching that verify begins ends by itself."""
    return incidents.enter(identity, step.step, by=step.author, reason=step.reason)


@router.post("/incidents/{identity}/resolve")
def resolve_incident(incidents: IncidentsOf, identity: IncidentId, order: WithReason) -> IncidentView:
    """Say that it is over without having watched it, and why."""
    return incidents.resolve(identity, by=order.author, reason=order.reason)


@router.post("/incidents/{identity}/severity")
def change_severity(incidents: IncidentsOf, identity: IncidentId, severity: NewSeverity) -> IncidentView:
    """Judge anew how bad it is."""
    return incidents.set_severity(identity, severity.severity, by=severity.author, reason=severity.reason)


@router.post("/incidents/{identity}/role")
def give_role(incidents: IncidentsOf, identity: IncidentId, role: NewRole) -> IncidentView:
    """Give a role to somebody: lead, communications, scribe."""
    return incidents.set_role(identity, role.role, role.name, by=role.author)


@router.post("/incidents/{identity}/notes")
def add_note(incidents: IncidentsOf, now: Present, identity: IncidentId, note: NewNote) -> IncidentView:
    """Write down what was seen, thought or run."""
    at = parse_instant(note.at, now=now) if note.at else None
    write = incidents.command if note.command else incidents.note
    return write(identity, note.text, by=note.author, at=at)


@router.post("/incidents/{identity}/updates")
def tell_those_affected(incidents: IncidentsOf, identity: IncidentId, update: NewUpdate) -> IncidentView:
    """Tell those affected: the words go to the status page as they are."""
    return incidents.update(identity, update.text, status=update.status, by=update.author, title=update.title)


@router.get("/incidents/{identity}/timeline")
def show_timeline(incidents: IncidentsOf, identity: IncidentId) -> Timeline:
    """What happened, in order: what was written down, alerts, pages, deployments, budgets."""
    return incidents.timeline(identity)


@router.get("/incidents/{identity}/evidence")
def list_evidence(incidents: IncidentsOf, identity: IncidentId) -> list[FoundEvidence]:
    """What is pinned, without the answers."""
    return list(incidents.evidence(identity))


@router.post("/incidents/{identity}/evidence")
def pin_evidence(incidents: IncidentsOf, identity: IncidentId, new: NewEvidence) -> Evidence:
    """Ask a question now and keep its answer, whatever retention drops later."""
    return incidents.pin(identity, new.kind, new.question, by=new.author, title=new.title)


@router.get("/incidents/{identity}/evidence/{number}")
def show_evidence(incidents: IncidentsOf, identity: IncidentId, number: Number) -> Evidence:
    """One piece of evidence; `answer` is JSON in a text."""
    return incidents.evidence_answer(identity, number)


@router.get("/incidents/{identity}/runbook")
def show_runbook(incidents: IncidentsOf, identity: IncidentId) -> Runbook:
    """The runbook of its alerts with their values filled in; `html` is safe to show."""
    return incidents.runbook(identity)


@router.post("/incidents/{identity}/runbook/{number}")
def tick_off(incidents: IncidentsOf, identity: IncidentId, number: Number, order: Order) -> Runbook:
    """Tick off a step of the runbook."""
    return incidents.tick(identity, number, by=order.author)


@router.post("/incidents/{identity}/close")
def close_incident(incidents: IncidentsOf, identity: IncidentId, closing: Closing) -> IncidentView:
    """End it for good: with a guard, or a reason why there can be none, and for P1 and P2 the same with a postmortem."""
    return incidents.close(identity, by=closing.author, no_guard=closing.no_guard, no_postmortem=closing.no_postmortem)
