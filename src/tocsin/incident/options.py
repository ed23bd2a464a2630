"""Settings of incidents: the clocks of their steps, runbooks, evidence, and the page for those affected."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PublicService(BaseModel):
    """A line of the status page: a public name for services and objectives that only insiders know by theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="What those affected call it.")
    services: tuple[str, ...] = Field(default=(), description="Services, as `service.name` says, whose incidents concern it.")
    objectives: dict[str, str] = Field(
        default_factory=dict, description="Objectives that tell how it stands and whose figures are shown: key, and public name."
    )


class StatusPageOptions(BaseModel):
    """The page for those affected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: str = Field(default="", description="Where index.html and status.json are written; empty to write nothing.")
    title: str = Field(default="Status", max_length=200, description="Its head.")
    services: tuple[PublicService, ...] = Field(default=(), description="Its lines, in their order.")
    days: int = Field(default=90, ge=1, le=730, description="For how long past incidents are shown, days.")
    degraded_burn: float = Field(
        default=14.4, gt=0, description="Burn rate over five minutes and an hour from which on a service counts as degraded by itself."
    )


class IncidentOptions(BaseModel):
    """Incidents from their opening to what was learnt from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open_by_page: bool = Field(default=True, description="Whether a page opens an incident.")
    interval_s: float = Field(default=5.0, ge=0.5, le=600, description="Seconds between two looks for new pages and ended watches.")
    acknowledge_s: float = Field(default=120.0, gt=0, description="Until when somebody should have answered, seconds after the opening.")
    mitigate_s: float = Field(default=900.0, gt=0, description="Until when the damage should be stopped, seconds after the opening.")
    diagnose_s: float = Field(default=3600.0, gt=0, description="Until when the cause should be known, seconds after the opening.")
    watch_s: float = Field(default=1800.0, ge=0, description="How long all alerts must stay quiet for a fix to count as verified, seconds.")
    time_zone: str = Field(default="UTC", description="Where the next business day begins and ends, for postmortems.")
    postmortem_severities: tuple[str, ...] = Field(
        default=("P1", "P2"), description="Severities that are not closed without a postmortem or a reason."
    )
    runbooks: str = Field(default="", description="Directory of the runbooks that alerts name; nothing outside it is read.")
    evidence_bytes_max: int = Field(
        default=1_000_000, ge=1000, le=50_000_000, description="Longest answer that is pinned, bytes of JSON; longer ones are cut."
    )
    evidence_attempts: int = Field(default=20, ge=1, le=1000, description="How often an alert's exemplar trace is asked for, at most.")
    detection_lookback_s: float = Field(
        default=6 * 3600.0, ge=60, le=7 * 86_400, description="How far before an alert its first bad minute is looked for, seconds."
    )
    status_page: StatusPageOptions = Field(default_factory=StatusPageOptions, description="The page for those affected.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"expected a time zone such as Europe/Berlin, found {name!r}") from error
        return name

    @field_validator("postmortem_severities")
    @classmethod
    def _known_severities(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(names) - {"P1", "P2", "P3", "P4"}):
            raise ValueError(f"expected severities P1 to P4, found {', '.join(unknown)}")
        return names
