"""Log records: search, counts over time, commonest values."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from tocsin.api.context import TEXT_LENGTH_MAX, Cursor, DeskOf, LogQuery, RecentRange, Service
from tocsin.model.answers import Facet, LogHistogram, LogPage
from tocsin.model.patterns import LogPatterns

FIELDS_MAX = 50

router = APIRouter(prefix="/logs", tags=["logs"])


@router.get("")
def search_logs(
    desk: DeskOf,
    within: RecentRange,
    query: LogQuery = "",
    limit: Annotated[int, Query(ge=1, le=10_000, description="Records in the page, at most.")] = 100,
    order: Annotated[Literal["newest", "oldest"], Query(description="Which end of the range comes first.")] = "newest",
    cursor: Cursor = None,
) -> LogPage:
    """Log records that match a query, of the last hour unless `start` and `end` say otherwise."""
    return desk.logs(query, start=within.start, end=within.end, limit=limit, order=order, cursor=cursor)


@router.get("/histogram")
def count_logs(
    desk: DeskOf,
    within: RecentRange,
    query: LogQuery = "",
    buckets: Annotated[int, Query(ge=1, le=1000, description="Number of equal steps that the range is cut into, about.")] = 60,
) -> LogHistogram:
    """How many records match over time, and how many of them are errors; of the last hour unless `start` and `end` say otherwise."""
    return desk.log_histogram(query, start=within.start, end=within.end, buckets=buckets)


@router.get("/facets")
def find_facets(
    desk: DeskOf,
    within: RecentRange,
    query: LogQuery = "",
    field: Annotated[
        list[Annotated[str, Query(max_length=TEXT_LENGTH_MAX)]] | None,
        Query(
            max_length=FIELDS_MAX, description="A field to count, may be repeated; none: service, severity and the commonest attributes."
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Values per field, at most.")] = 10,
) -> list[Facet]:
    """The commonest values of fields among matching records, of the last hour unless `start` and `end` say otherwise."""
    return desk.facets(query, fields=field or (), start=within.start, end=within.end, limit=limit)


@router.get("/patterns")
def list_patterns(
    desk: DeskOf,
    within: RecentRange,
    query: LogQuery = "",
    service: Service = None,
    order: Annotated[
        Literal["count", "new"], Query(description="The commonest first, or only those that were never seen before.")
    ] = "count",
    limit: Annotated[int, Query(ge=1, le=1000, description="Patterns, at most.")] = 50,
) -> LogPatterns:
    """The kinds of records that match a query, what varies taken out; of the last hour unless `start` and `end` say otherwise."""
    return desk.log_patterns(query, service=service, start=within.start, end=within.end, order=order, limit=limit)
