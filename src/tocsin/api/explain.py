"""Why requests of a service are bad."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, TEXT_LENGTH_MAX, DeskOf, EndOf, range_ending_now
from tocsin.model.explanation import Explanation

DEFAULT_RANGE_S = 900

router = APIRouter(tags=["explain"])


@router.get("/explain/{service:path}")
def explain(
    request: Request,
    desk: DeskOf,
    service: Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX, description="Whose requests.")],
    start: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: 15 minutes before `end`.")
    ] = None,
    end: EndOf = None,
    bad: Annotated[
        str,
        Query(
            max_length=TEXT_LENGTH_MAX,
            description="Which are bad, a query over spans: `duration:>1s`. Default: failed, or twice as slow as 95 of 100 before.",
        ),
    ] = "",
) -> Explanation:
    """What sets bad requests apart from good ones: versions, attributes, slow spans, log patterns, deployments; the strongest first."""
    within = range_ending_now(request, start, end, default_s=DEFAULT_RANGE_S)
    return desk.explain(service, start=within.start, end=within.end, bad=bad)
