"""Read-only SQL over the telemetry tables."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.context import DeskOf
from tocsin.model.answers import ResultTable

STATEMENT_LENGTH_MAX = 100_000

router = APIRouter(tags=["sql"])


class SqlQuestion(BaseModel):
    """A statement, and how much it may return."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statement: Annotated[str, Field(min_length=1, max_length=STATEMENT_LENGTH_MAX, description="One SELECT over the telemetry tables.")]
    limit: Annotated[int, Field(ge=1, le=100_000, description="Rows, at most.")] = 1000
    timeout_s: Annotated[float, Field(gt=0, le=60, description="Seconds after which the engine gives up.")] = 10


@router.post("/sql")
def run_sql(desk: DeskOf, question: SqlQuestion) -> ResultTable:
    """Run a SELECT that can reach nothing but the telemetry tables."""
    return desk.sql(question.statement, limit=question.limit, timeout_s=question.timeout_s)
