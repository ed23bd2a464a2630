"""Settings of schedules, escalation and the load that pages are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OncallOptions(BaseModel):
    """Who is called, and how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(default=(), description="People, schedules and chains of escalation: files, or patterns of them.")
    refresh_s: float = Field(default=5.0, gt=0, le=3600, description="Seconds between two looks at whether the files changed.")
    advance_s: float = Field(default=1.0, gt=0, le=60, description="Seconds between two looks at whether a step of a chain is due.")
    pages_per_week: float = Field(default=2.0, gt=0, le=1000, description="Pages that a person should bear in a week on call.")
    night_start_hour: int = Field(default=22, ge=0, le=23, description="Hour from which on it is night where a person is.")
    night_end_hour: int = Field(default=7, ge=0, le=23, description="Hour from which on it no longer is.")
    gaps_days: int = Field(default=56, ge=1, le=400, description="Days ahead in which times without anybody on call are looked for.")
    calendar_days: int = Field(default=90, ge=1, le=400, description="Days ahead that calendars show; behind they show thirty.")
    history_days: float = Field(default=400.0, ge=1, description="How long closed pages and calls are kept, days.")
