"""What is ours alone about metrics: what costs the most series, the settling of samples. PromQL is answered under /prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from tocsin.api.context import ContextOf
from tocsin.errors import NotFound
from tocsin.wire.prometheus.admission import CardinalityReport

router = APIRouter(prefix="/metrics", tags=["metrics"])


@dataclass(frozen=True, slots=True)
class Settled:
    """Partitions of fresh samples that were folded into compressed chunks."""

    partitions: int


@router.get("/series-cost")
def report_series_cost(
    context: ContextOf, limit: Annotated[int, Query(ge=1, le=1000, description="Metrics and jobs, at most.")] = 20
) -> CardinalityReport:
    """Active series of the Prometheus doors beside their limits: metrics and jobs with the most, and what was refused for it."""
    if context.series_report is None:
        raise NotFound("there are no Prometheus doors behind this server")
    return context.series_report(limit)


@router.post("/settle")
def settle_samples(context: ContextOf) -> Settled:
    """Fold all fresh samples into chunks now rather than when their half hour of receipt is over; returns when it is done."""
    if context.settle is None:
        raise NotFound("there is no server behind this desk that folds samples")
    return Settled(context.settle())
