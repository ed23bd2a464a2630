"""The commonest failures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tocsin.api.context import DeskOf, RecentRange, Service
from tocsin.model.answers import TopError

router = APIRouter(tags=["errors"])


@router.get("/errors")
def list_errors(
    desk: DeskOf,
    within: RecentRange,
    service: Service = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Kinds of failure, at most.")] = 20,
) -> list[TopError]:
    """Kinds of failure in failed spans and error logs, the commonest first, of the last hour unless `start` and `end` say otherwise."""
    return desk.errors(service=service, start=within.start, end=within.end, limit=limit)
