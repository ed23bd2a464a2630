"""Who uses the system and what it costs: authentication failures, unusual access, tokens, bytes, money."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from tocsin.api.context import DeskOf, RecentRange
from tocsin.model.usage import CostSignals, SecuritySignals
from tocsin.query.usage.costs import CostQuestions
from tocsin.query.usage.security import SecurityQuestions

router = APIRouter(tags=["usage"])


def security_of(desk: DeskOf) -> SecurityQuestions:
    """The questions about clients."""
    return desk.security


def costs_of(desk: DeskOf) -> CostQuestions:
    """The questions about costs."""
    return desk.costs


Limit = Annotated[int, Query(ge=1, le=1000, description="Rows, at most.")]


@router.get("/security")
def show_security(security: Annotated[SecurityQuestions, Depends(security_of)], within: RecentRange, limit: Limit = 50) -> SecuritySignals:
    """Authentication failures and unusual access per client, of the last hour (at most a day) against the same hours of past days."""
    return security.signals(within.start, within.end, limit=limit)


@router.get("/costs")
def show_costs(
    costs: Annotated[CostQuestions, Depends(costs_of)],
    within: RecentRange,
    by: Annotated[Literal["tenant", "route", "model"], Query(description="What rows are told apart by.")] = "tenant",
    limit: Limit = 50,
) -> CostSignals:
    """Requests, tokens, bytes and money per tenant, route or model, of the last hour unless `start` and `end` say otherwise."""
    return costs.signals(within.start, within.end, by=by, limit=limit)
