"""Services, their operations, and who calls whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from tocsin.api.context import TEXT_LENGTH_MAX, DeskOf, RecentRange
from tocsin.model.answers import RequestSummary, ServiceMap

router = APIRouter(tags=["services"])


@router.get("/services")
def list_services(desk: DeskOf, within: RecentRange) -> list[RequestSummary]:
    """Every service with its requests, errors and latencies, of the last hour unless `start` and `end` say otherwise."""
    return desk.services(start=within.start, end=within.end)


@router.get("/services/{service:path}/operations")
def list_operations(
    desk: DeskOf,
    within: RecentRange,
    service: Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX, description="The service's name.")],
) -> list[RequestSummary]:
    """One service's operations by name and kind, of the last hour unless `start` and `end` say otherwise."""
    return desk.operations(service, start=within.start, end=within.end)


@router.get("/service-map")
def map_services(
    desk: DeskOf,
    within: RecentRange,
    traces_max: Annotated[int, Query(ge=1, le=20_000, description="Traces from which the calls are read, at most.")] = 1000,
) -> ServiceMap:
    """Who calls whom, how often and how fast, of the last hour unless `start` and `end` say otherwise."""
    return desk.service_map(start=within.start, end=within.end, traces_max=traces_max)
