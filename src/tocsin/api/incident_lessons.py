"""What is learnt from incidents: postmortems, action items, guards, the weekly table, times of response."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tocsin.api.context import EndOf, Service, range_ending_now
from tocsin.api.incidents import IncidentId, IncidentsOf, Number, Order
from tocsin.api.slo_parameters import OptionalName, RequiredName
from tocsin.incident.answers import ActionView, PostmortemView
from tocsin.incident.figures import ResponseFigures
from tocsin.incident.impact import BudgetImpact
from tocsin.incident.lessons import TEXT_LENGTH_MAX
from tocsin.incident.weekly import Week
from tocsin.model.incident import Guard, GuardKind

WEEKLY_RANGE_S = 12 * 7 * 86_400.0
FIGURES_RANGE_S = 90 * 86_400.0
START = Query(
    max_length=64, description="From when on: RFC 3339, seconds since 1970, `now` or `now-15m`. Default: some weeks before `end`."
)

router = APIRouter(tags=["incidents"])
StartOf = Annotated[str | None, START]


class NewPostmortem(Order):
    """A postmortem as it shall be."""

    text: Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)] = Field(description="Markdown.")
    based_on: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The version that it was made from, 0 for the draft: another one meanwhile is a conflict."
    )


class NewAction(Order):
    """Something to do so that it does not happen again."""

    text: RequiredName = Field(description="What.")
    owner: RequiredName = Field(description="Who does it.")
    due: RequiredName = Field(description="Its last day: 2026-12-01.")


class NewGuard(Order):
    """What keeps the failure from coming back unnoticed."""

    kind: GuardKind = Field(description="What it holds.")
    name: RequiredName = Field(description="For people; unique.")
    path: RequiredName = Field(description="File with its content.")
    signature: OptionalName = Field(default="", description="The failure that it knows; the incident's by default.")


@router.get("/incidents/{identity}/impact")
def show_impact(incidents: IncidentsOf, identity: IncidentId) -> list[BudgetImpact]:
    """What it cost each objective of its service, as a share of the budget, the dearest first."""
    return incidents.lessons.impact(identity)


@router.get("/incidents/{identity}/postmortem")
def show_postmortem(incidents: IncidentsOf, identity: IncidentId) -> PostmortemView:
    """The newest version; `version` 0 is the draft with what is known, which nobody has written into yet."""
    return incidents.lessons.postmortem(identity)


@router.get("/incidents/{identity}/postmortem/draft")
def draft_postmortem(incidents: IncidentsOf, identity: IncidentId) -> PostmortemView:
    """The template with what is known now, whatever was written."""
    found = incidents.lessons.postmortem(identity)
    return PostmortemView(found.id, found.version, found.at, "", incidents.lessons.draft(identity))


@router.get("/incidents/{identity}/postmortem/versions")
def list_postmortems(incidents: IncidentsOf, identity: IncidentId) -> list[PostmortemView]:
    """All versions, the newest first."""
    return incidents.lessons.postmortem_versions(identity)


@router.get("/incidents/{identity}/postmortem/markdown")
def export_postmortem(incidents: IncidentsOf, identity: IncidentId) -> Response:
    """The newest version as a Markdown file."""
    return PlainTextResponse(incidents.lessons.postmortem(identity).text, media_type="text/markdown")


@router.post("/incidents/{identity}/postmortem")
def write_postmortem(incidents: IncidentsOf, identity: IncidentId, new: NewPostmortem) -> PostmortemView:
    """Keep a postmortem as its next version; older ones stay."""
    return incidents.lessons.write_postmortem(identity, new.text, author=new.author, based_on=new.based_on)


@router.get("/incidents/{identity}/actions")
def list_actions_of(incidents: IncidentsOf, identity: IncidentId) -> list[ActionView]:
    """Action items of one incident, done ones too."""
    return incidents.lessons.actions(identity, include_done=True)


@router.post("/incidents/{identity}/actions")
def add_action(incidents: IncidentsOf, identity: IncidentId, action: NewAction) -> ActionView:
    """Write down what shall be done, by whom, until when."""
    return incidents.lessons.add_action(identity, action.text, owner=action.owner, due=action.due, by=action.author)


@router.get("/incident-actions")
def list_actions(incidents: IncidentsOf, done: Annotated[bool, Query(description="Those that are done, too.")] = False) -> list[ActionView]:
    """Action items of all incidents, those that are due first in front."""
    return incidents.lessons.actions(include_done=done)


@router.post("/incident-actions/{number}/done")
def finish_action(incidents: IncidentsOf, number: Number, order: Order) -> ActionView:
    """Write down that an action item is done."""
    return incidents.lessons.finish_action(number, by=order.author)


@router.get("/incidents/{identity}/guards")
def list_guards_of(incidents: IncidentsOf, identity: IncidentId) -> list[Guard]:
    """Guards that came from one incident."""
    return incidents.lessons.guards(identity)


@router.post("/incidents/{identity}/guards")
def add_guard(incidents: IncidentsOf, identity: IncidentId, guard: NewGuard) -> Guard:
    """Keep a guard that came from an incident."""
    return incidents.lessons.add_guard(identity, guard.kind, guard.name, guard.path, by=guard.author, signature=guard.signature or None)


@router.get("/incident-guards")
def list_guards(incidents: IncidentsOf) -> list[Guard]:
    """Every guard, the oldest first."""
    return incidents.lessons.guards()


@router.get("/incident-weeks")
def show_weeks(incidents: IncidentsOf, request: Request, start: StartOf = None, end: EndOf = None) -> list[Week]:
    """Week by week: incidents, new ones, repeats that a guard knew, guards."""
    within = range_ending_now(request, start, end, default_s=WEEKLY_RANGE_S)
    return incidents.lessons.weekly(within.start, within.end)


@router.get("/incident-figures")
def show_figures(
    incidents: IncidentsOf, request: Request, start: StartOf = None, end: EndOf = None, service: Service = None
) -> list[ResponseFigures]:
    """Times to detect, acknowledge and restore, with counts and spread: of all incidents, and by service and severity."""
    within = range_ending_now(request, start, end, default_s=FIGURES_RANGE_S)
    return incidents.lessons.figures(within.start, within.end, service=service)
