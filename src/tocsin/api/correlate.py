"""The whole story of an id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from tocsin.api.context import TEXT_LENGTH_MAX, AnyRange, DeskOf
from tocsin.model.answers import Story

router = APIRouter(tags=["correlate"])


@router.get("/correlate/{id:path}")
def correlate(
    desk: DeskOf,
    within: AnyRange,
    id: Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX, description="A request id, a trace id, any id.")],  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=10_000, description="Log records and spans, at most.")] = 1000,
) -> Story:
    """Logs and spans of every service that carry the id, or share a trace with what carries it, in time order."""
    return desk.correlate(id, start=within.start, end=within.end, limit=limit)
