"""Deployments: marked by hand or by a pipeline, told by CDEvents and GitHub, found in the telemetry."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, EndOf, Service, context_of, range_ending_now
from tocsin.api.errors import hang_up_response
from tocsin.errors import NotFound
from tocsin.model.deployment import Deployment
from tocsin.model.instant import TimeRange
from tocsin.query.deployments import Deployments
from tocsin.wire.deployments import DeploymentAnswer, DeploymentDoor, DeploymentMark

DEFAULT_RANGE_S = 30 * 86_400

router = APIRouter(prefix="/deployments", tags=["deployments"])


def deployments_of(request: Request) -> Deployments:
    """The deployments behind the server."""
    deployments = context_of(request).deployments
    if deployments is None:
        raise NotFound("there are no deployments behind this server")
    return deployments


def door_of(request: Request) -> DeploymentDoor:
    """The door through which deployments are told."""
    door = context_of(request).deployment_door
    if door is None:
        raise NotFound("this server takes no deployments in: it keeps nothing but telemetry")
    return door


def deployment_range(
    request: Request,
    start: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: 30 days before `end`.")
    ] = None,
    end: EndOf = None,
) -> TimeRange:
    """The range of the list: 30 days unless it says otherwise."""
    return range_ending_now(request, start, end, default_s=DEFAULT_RANGE_S)


DoorOf = Annotated[DeploymentDoor, Depends(door_of)]
EVENT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}}, "application/cloudevents+json": {"schema": {"type": "object"}}},
    }
}
WEBHOOK_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


@router.get("")
def list_deployments(
    deployments: Annotated[Deployments, Depends(deployments_of)],
    within: Annotated[TimeRange, Depends(deployment_range)],
    service: Service = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Deployments, at most.")] = 100,
) -> list[Deployment]:
    """Deployments, the newest first: those that somebody told of, and those that `service.version` in the telemetry shows."""
    return deployments.newest(within.start, within.end, service=service, limit=limit)


@router.post("")
def mark_deployment(door: DoorOf, mark: DeploymentMark) -> DeploymentAnswer:
    """Tell of a deployment. The same mark again changes nothing; the same `id` with another status or more words brings it up to date."""
    return door.mark(mark)


@router.post("/cdevents", response_model=DeploymentAnswer, openapi_extra=EVENT_BODY)
async def take_cdevents(door: DoorOf, request: Request) -> Any:
    """
    Take CDEvents of services (deployed, upgraded, rolledback, removed, published): structured, batched or binary CloudEvents.

    Other events are answered as `ignored`, with the reason.
    """
    return await _take(request, door.cdevents)


@router.post("/github", response_model=DeploymentAnswer, openapi_extra=WEBHOOK_BODY)
async def take_github(door: DoorOf, request: Request) -> Any:
    """Take GitHub's webhooks `deployment` and `deployment_status`; with `deployments.github_secret` set, only signed ones."""
    return await _take(request, door.github)


async def _take(request: Request, read: Any) -> DeploymentAnswer | Response:
    """The body is bounded by what surrounds the API; it is read here as bytes, because a signature is over bytes."""
    try:
        body = await request.body()
    except ClientDisconnect:
        return hang_up_response()
    answer: DeploymentAnswer = await run_in_threadpool(read, {name.lower(): value for name, value in request.headers.items()}, body)
    return answer
