"""What people decide about budgets: exclusions, causes, exceptions. Each has an author and a reason, and stays in the audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.context import RANGE_RULE, TEXT_LENGTH_MAX
from tocsin.api.slo_parameters import Identity, Moment, OptionalName, Present, Reason, RequiredName, SlosOf
from tocsin.model.budget import CauseKind, CauseMark, Exclusion, PolicyException
from tocsin.model.instant import NANOSECONDS, parse_duration_ns, parse_instant
from tocsin.slo.decisions import AuditLine

USES_MAX = 100

router = APIRouter(tags=["decisions"])


class NewExclusion(BaseModel):
    """What shall not count: a time (whole minutes), the events of a query, or those of a query in a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slo: OptionalName = Field(default="", description="The SLO that it applies to; empty for all SLOs of `service`.")
    service: OptionalName = Field(default="", description="The service whose SLOs it applies to; leave it empty when `slo` is given.")
    start: Moment | None = Field(default=None, description=f"First instant: {RANGE_RULE}; null for always, only with a query.")
    end: Moment | None = Field(default=None, description="First instant after it; null for always, only with a query.")
    query: Annotated[str, Field(max_length=TEXT_LENGTH_MAX)] = Field(
        default="", description="Lucene syntax over the indicator's spans or logs; empty for everything in that time."
    )
    author: RequiredName = Field(description="Who decides it.")
    reason: Reason = Field(description="Why.")


class NewMark(BaseModel):
    """What a human knows about the cause of a time's failures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slo: OptionalName = Field(default="", description="The SLO that it is about; empty for all SLOs of `service`.")
    service: OptionalName = Field(default="", description="The service whose SLOs it is about; leave it empty when `slo` is given.")
    start: Moment = Field(description=f"First instant: {RANGE_RULE}.")
    end: Moment = Field(description="First instant after it.")
    kind: CauseKind = Field(description="What sort of thing it was.")
    cause: RequiredName = Field(description="Which: `INC-12`, `database upgrade`.")
    author: RequiredName = Field(description="Who says so.")
    reason: Reason = Field(description="How they know.")


class NewException(BaseModel):
    """Leave to deploy although the policy says no."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: RequiredName = Field(description="Whose deployments it lets through.")
    kind: RequiredName = Field(description="`security`, `incident-fix` or `other`; a policy may take only some.")
    author: RequiredName = Field(description="Who gives leave.")
    reason: Reason = Field(description="Why.")
    lasting: Moment = Field(default="4h", description="How long it holds: 30m, 4h, 1d; a year at most.")
    uses: int = Field(default=1, ge=1, le=USES_MAX, description="Deployments that it lets through.")


class Withdrawal(BaseModel):
    """Who takes a decision back, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: RequiredName = Field(description="Who takes it back.")
    reason: Reason = Field(description="Why.")


@router.get("/slo-exclusions")
def list_exclusions(slos: SlosOf) -> list[Exclusion]:
    """Every exclusion that is in force, out of files (`source` says where) and entered here."""
    return slos.decisions.exclusions()


@router.post("/slo-exclusions")
def add_exclusion(slos: SlosOf, now: Present, exclusion: NewExclusion) -> Exclusion:
    """Exclude a time or the events of a query; budgets change at once, those with a query when what is stored has been counted anew."""
    return slos.decisions.exclude(
        slo=exclusion.slo,
        service=exclusion.service,
        start=_instant(exclusion.start, now),
        end=_instant(exclusion.end, now),
        query=exclusion.query,
        author=exclusion.author,
        reason=exclusion.reason,
    )


@router.post("/slo-exclusions/{identity}/withdraw")
def withdraw_exclusion(slos: SlosOf, identity: Identity, withdrawal: Withdrawal) -> Exclusion:
    """Let count again what an exclusion took out; it stays in the audit. One out of a file is withdrawn by changing the file."""
    return slos.decisions.withdraw_exclusion(identity, author=withdrawal.author, reason=withdrawal.reason)


@router.get("/slo-marks")
def list_marks(slos: SlosOf) -> list[CauseMark]:
    """What people said about causes."""
    return slos.decisions.marks()


@router.post("/slo-marks")
def add_mark(slos: SlosOf, now: Present, mark: NewMark) -> CauseMark:
    """Say what consumed the budget in a time; the ledger names it."""
    return slos.decisions.mark_cause(
        slo=mark.slo,
        service=mark.service,
        start=parse_instant(mark.start, now=now),
        end=parse_instant(mark.end, now=now),
        kind=mark.kind,
        cause=mark.cause,
        author=mark.author,
        reason=mark.reason,
    )


@router.post("/slo-marks/{identity}/withdraw")
def withdraw_mark(slos: SlosOf, identity: Identity, withdrawal: Withdrawal) -> CauseMark:
    """Take back what was said about a cause; it stays in the audit."""
    return slos.decisions.withdraw_mark(identity, author=withdrawal.author, reason=withdrawal.reason)


@router.get("/policy-exceptions")
def list_exceptions(slos: SlosOf) -> list[PolicyException]:
    """Every exception, used up and expired ones too, the newest first."""
    return slos.decisions.exceptions()


@router.post("/policy-exceptions")
def add_exception(slos: SlosOf, exception: NewException) -> PolicyException:
    """Give leave to deploy a service although its policy says no, for so many deployments and so long."""
    return slos.decisions.grant_exception(
        exception.service,
        kind=exception.kind,
        author=exception.author,
        reason=exception.reason,
        lasting_s=parse_duration_ns(exception.lasting) / NANOSECONDS,
        uses=exception.uses,
    )


@router.get("/audit")
def show_audit(slos: SlosOf, limit: Annotated[int, Query(ge=1, le=10_000, description="Entries, at most.")] = 100) -> list[AuditLine]:
    """What was decided, by whom and why, and what the gate answered: the newest first."""
    return slos.decisions.audit(limit=limit)


def _instant(text: str | None, now: int) -> int | None:
    return None if text is None else parse_instant(text, now=now)
