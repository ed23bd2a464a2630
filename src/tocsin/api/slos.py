"""Objectives and their budgets: how they stand, what spent them, and what is wrong with the files that say them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, Service
from tocsin.api.slo_parameters import At, Key, Present, SlosOf
from tocsin.model.budget import PolicyTransition
from tocsin.model.instant import parse_instant
from tocsin.slo.answers import Attribution, Budget, Ledger, PolicyStatus
from tocsin.slo.burn_down import BurnDownPoint
from tocsin.slo.desk_records import DefinitionProblems
from tocsin.slo.summary import ObjectiveSummary

POINTS_MAX = 2000
VALUES_MAX = 1000

router = APIRouter(tags=["objectives"])
EndOf = Annotated[str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"Until before when: {RANGE_RULE}. Default: now.")]
StartOf = Annotated[
    str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: where the window starts.")
]
Limit = Annotated[int, Query(ge=1, le=VALUES_MAX, description="Values, at most.")]


@router.get("/slos")
def list_budgets(slos: SlosOf, service: Service = None, at: At = None) -> list[Budget]:
    """Every objective's budget and burn rates, now unless `at` says otherwise."""
    return slos.budgets(service=service, at=at)


@router.get("/slo-objectives")
def list_objectives(slos: SlosOf, service: Service = None) -> list[ObjectiveSummary]:
    """What each objective says: indicator, target and window in words, owner, runbook, file and line."""
    return slos.objectives(service=service)


@router.get("/slo-problems")
def list_slo_problems(slos: SlosOf) -> DefinitionProblems:
    """What is wrong with the files: mistakes keep what was in force before, remarks are allowed but probably not meant."""
    return slos.problems()


@router.get("/policies")
def list_policies(slos: SlosOf) -> list[PolicyStatus]:
    """The state of each objective's budget policy: what may be deployed, since when."""
    return slos.policies()


@router.get("/slos/{key:path}/definition")
def show_objective(slos: SlosOf, key: Key) -> ObjectiveSummary:
    """What one objective says."""
    return slos.objective(key)


@router.get("/slos/{key:path}/burn-down")
def show_burn_down(
    slos: SlosOf, key: Key, points: Annotated[int, Query(ge=2, le=POINTS_MAX, description="Instants, at most.")] = 200, at: At = None
) -> list[BurnDownPoint]:
    """How much was left of the budget over its window: 1 at first; null while nothing was known."""
    return slos.burn_down(key, points=points, at=at)


@router.get("/slos/{key:path}/ledger")
def show_ledger(slos: SlosOf, key: Key, at: At = None) -> Ledger:
    """What consumed the budget: deployments, maintenance, what people say, and unknown; entries that are not excluded add up."""
    return slos.ledger(key, at=at)


@router.get("/slos/{key:path}/attribution")
def attribute_budget(slos: SlosOf, now: Present, key: Key, start: StartOf = None, end: EndOf = None, limit: Limit = 20) -> Attribution:
    """Which routes, tenants, versions and other attribute values stand out among the bad events."""
    first = parse_instant(start, now=now) if start else None
    last = parse_instant(end, now=now) if end else None
    return slos.attribution(key, start=first, end=last, limit=limit)


@router.get("/slos/{key:path}/policy-history")
def show_policy_history(slos: SlosOf, key: Key) -> list[PolicyTransition]:
    """How the objective's budget policy changed its state, the newest first."""
    return slos.policy_history(key)


@router.get("/slos/{key:path}")
def show_budget(slos: SlosOf, key: Key, at: At = None) -> Budget:
    """One objective's budget and burn rates, now unless `at` says otherwise."""
    return slos.budget(key, at=at)
