"""Settings of the fold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FoldOptions(BaseModel):
    """When fresh samples are folded into compressed chunks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: float = Field(default=30.0, gt=0, le=3600, description="Seconds between looks for samples to fold.")
    settle_s: float = Field(
        default=120.0, ge=0, le=86_400, description="Seconds after the end of a half hour of receipt until its samples are folded."
    )
    rows_max: int = Field(
        default=4_000_000,
        ge=1000,
        le=1_000_000_000,
        description="Samples of one half hour of receipt beyond which they are folded at once, without waiting for its end.",
    )
    batch_rows: int = Field(
        default=2_000_000, ge=1000, le=100_000_000, description="Samples folded at a time: about 100 bytes of memory each."
    )
