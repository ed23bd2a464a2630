"""Settings of backtests and guards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ReplayOptions(BaseModel):
    """Backtests over stored telemetry, and the guards that incidents leave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_limit_s: float = Field(default=600.0, ge=1, le=86_400, description="Longest time that a backtest may take in a server, seconds.")
    range_max_s: float = Field(
        default=120 * 86_400.0, ge=3600, le=5 * 366 * 86_400.0, description="Longest stretch of the past that one backtest covers, seconds."
    )
    piece_s: float = Field(
        default=86_400.0, ge=600, le=31 * 86_400.0, description="Seconds of the past that are held in memory at a time; less takes longer."
    )
    rules_max: int = Field(default=5_000, ge=1, description="Rules that one backtest takes.")
    early_s: float = Field(
        default=600.0, ge=0, le=86_400, description="How long before an incident's noted start a page may belong to it, seconds."
    )
    late_s: float = Field(
        default=900.0, ge=0, le=86_400, description="How long after an incident's noted end a page may belong to it, seconds."
    )
    pages_per_week: int = Field(default=2, ge=0, le=1000, description="Pages in a week that one person can bear.")
    night_begins: int = Field(default=22, ge=0, le=23, description="Hour at which the night begins, in the time zone below.")
    night_ends: int = Field(default=7, ge=0, le=23, description="Hour at which it ends.")
    time_zone: str = Field(default="UTC", description="Time zone of nights and weeks where a person's own is not known: Europe/Berlin.")
    slice_mb_max: float = Field(
        default=64.0, gt=0, le=4096, description="Largest slice of telemetry that a guard freezes, MB uncompressed."
    )
