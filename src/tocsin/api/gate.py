"""
The deploy gate over HTTP: may this service be deployed now?

Asking (GET) changes nothing, so that something like an Argo Rollouts analysis may ask every minute:

    provider:
      web: {url: "http://tocsin:4318/api/gate/checkout?risk_minutes=15", jsonPath: "{$.ok}"}
    successCondition: result == true

A pipeline that is about to deploy sends POST: the answer is written down, and an exception that it needed is used up. Every answer is
a 200, no-go as well: whoever reads `ok` must not take a refusal for a failure of the gate.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.slo_parameters import ServiceName, SlosOf
from tocsin.slo.answers import GateAnswer

RISK_MINUTES_MAX = 1_000_000.0
RISK_WORDS = "Minutes of total failure that it costs in the worst case."
CHANCE_WORDS = "Chance that it goes wrong, 0 to 1."

router = APIRouter(prefix="/gate", tags=["gate"])


class GateQuestion(BaseModel):
    """What the deployment may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_minutes: Annotated[float, Field(ge=0, le=RISK_MINUTES_MAX, allow_inf_nan=False, description=RISK_WORDS)] = 0.0
    probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description=CHANCE_WORDS)] = 1.0


@router.get("/{service:path}")
def ask_gate(
    slos: SlosOf,
    service: ServiceName,
    risk_minutes: Annotated[float, Query(ge=0, le=RISK_MINUTES_MAX, allow_inf_nan=False, description=RISK_WORDS)] = 0.0,
    probability: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False, description=CHANCE_WORDS)] = 1.0,
) -> GateAnswer:
    """Go or no-go with its reason, as it would be answered now; writes nothing down and uses no exception up."""
    return slos.gate(service, risk_minutes=risk_minutes, probability=probability, record=False)


@router.post("/{service:path}")
def pass_gate(slos: SlosOf, service: ServiceName, question: GateQuestion) -> GateAnswer:
    """Go or no-go for a deployment that begins now: written down, and an exception that lets it through is used up once."""
    return slos.gate(service, risk_minutes=question.risk_minutes, probability=question.probability, record=True)
