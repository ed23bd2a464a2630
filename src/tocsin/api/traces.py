"""Traces: search, and one as a tree."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from tocsin.api.context import TEXT_LENGTH_MAX, Cursor, DeskOf, RecentRange, Service
from tocsin.api.trace_json import encode_trace
from tocsin.model.answers import Trace, TracePage

DurationText = Annotated[str | None, Query(max_length=64, description="A length of time: `250ms`, `1.5s`, `2m`.")]

router = APIRouter(prefix="/traces", tags=["traces"])


@router.get("")
def search_traces(
    desk: DeskOf,
    within: RecentRange,
    query: Annotated[
        str,
        Query(
            max_length=TEXT_LENGTH_MAX,
            description="Lucene syntax over spans. A bare field is searched wherever it sits; `span.x`, `resource.x`, `event.x`, `link.x`"
            " narrow it.",
        ),
    ] = "",
    service: Service = None,
    operation: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="Only traces with a span of this name.")] = None,
    errors: Annotated[bool | None, Query(description="true: only with failed spans; false: only without.")] = None,
    min_duration: DurationText = None,
    max_duration: DurationText = None,
    order: Annotated[Literal["newest", "slowest"], Query(description="What comes first.")] = "newest",
    limit: Annotated[int, Query(ge=1, le=1000, description="Traces in the page, at most.")] = 20,
    cursor: Cursor = None,
) -> TracePage:
    """Traces with a span that fits, of the last hour unless `start` and `end` say otherwise."""
    return desk.traces(
        query,
        service=service,
        operation=operation,
        errors=errors,
        min_duration=min_duration,
        max_duration=max_duration,
        start=within.start,
        end=within.end,
        order=order,
        limit=limit,
        cursor=cursor,
    )


@router.get("/{trace_id}", response_model=Trace)
def read_trace(
    desk: DeskOf,
    trace_id: Annotated[str, Path(min_length=1, max_length=64, description="32 hexadecimal digits.")],
) -> Response:
    """One trace as a tree, with self times, the critical path and the bottleneck."""
    return Response(encode_trace(desk.trace(trace_id)), media_type="application/json")
