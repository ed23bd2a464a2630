"""Settings of objectives, budgets and the gate."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class GateOptions(BaseModel):
    """What the gate says when it can't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    without_data: Literal["go", "no_go"] = Field(
        default="go", description="Verdict for a service whose objectives observed nothing: 'go' fails open, 'no_go' fails closed."
    )
    without_objective: Literal["go", "no_go"] = Field(default="go", description="Verdict for a service that has no objective at all.")
    with_mistakes: Literal["go", "no_go"] = Field(
        default="no_go",
        description="Verdict for a service without an objective while SLO files have mistakes: one of them may hold its objective.",
    )
    while_counting: Literal["go", "no_go"] = Field(
        default="no_go",
        description="Verdict for an objective whose past is being counted for the first time, or whose events can't be counted.",
    )
    when_unreachable: Literal["go", "no_go"] = Field(
        default="no_go", description="What `tocsin gate` says when the server does not answer; --fail-open says it per call."
    )
    fast_burn: float = Field(
        default=14.4,
        gt=0,
        description="Burn rate from which on nothing is deployed, whatever is left, when it is reached over an hour and over five minutes.",
    )
    coverage_min: float = Field(
        default=0.0, ge=0, le=1, description="Share of the window that must be known; below it the gate answers as without data."
    )


class SloOptions(BaseModel):
    """Objectives as code, and how their counts are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(
        default=(),
        description="Files with SLOs (OpenSLO, Sloth, Tocsin's own kinds); `*` stands for any name. Read again when they change.",
    )
    interval_s: float = Field(default=15.0, ge=1, le=600, description="Seconds between two passes that bring counts up to date.")
    series_interval_s: float = Field(default=60.0, ge=5, le=3600, description="Seconds between two passes over objectives in PromQL.")
    backfill_days: float = Field(
        default=400.0, gt=0, le=4000, description="How far back a new or changed objective is counted, as far as the data is stored, days."
    )
    backfill_share: float = Field(
        default=0.25, gt=0, le=1, description="Share of one core that counting the past may take, so that live questions are not held up."
    )
    counts_days: float = Field(default=800.0, ge=1, le=8000, description="How long counts per minute are kept, days.")
    policy: str = Field(default="four-step", description="Budget policy of objectives that name none.")
    deploy_blame_s: float = Field(
        default=1800.0,
        ge=60,
        le=86_400,
        description="How long after a deployment what goes wrong is put down to it in the ledger, seconds.",
    )
    gate: GateOptions = Field(default_factory=GateOptions, description="The deploy gate.")
