"""Settings of the Prometheus doors: how many series there may be, what a label may look like, how large a remote write may be."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024


class CardinalityOptions(BaseModel):
    """How many series the Prometheus doors take, and what their labels may look like; a refusal names the limit that it met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    series_max: int = Field(
        default=1_000_000,
        ge=1,
        le=100_000_000,
        description="Active series of all Prometheus doors together, at most; each costs about 80 bytes of memory per door that sees it.",
    )
    series_per_job_max: int = Field(
        default=500_000, ge=1, le=100_000_000, description="Active series with one value of the label `job`, at most."
    )
    series_per_metric_max: int = Field(
        default=200_000, ge=1, le=100_000_000, description="Active series of one metric name, at most: what an id in a label runs into."
    )
    active_s: float = Field(
        default=3600,
        ge=60,
        le=86_400,
        description="Seconds without a sample after which a series stops counting as active; it may take up to twice as long.",
    )
    labels_max: int = Field(default=128, ge=1, le=10_000, description="Labels of one series, the metric's name included, at most.")
    name_bytes_max: int = Field(
        default=1024, ge=16, le=65_536, description="Length of a metric's or a label's name in bytes of UTF-8, at most."
    )
    value_bytes_max: int = Field(default=8192, ge=16, le=1_048_576, description="Length of a label's value in bytes of UTF-8, at most.")
    metadata_max: int = Field(
        default=100_000, ge=0, le=10_000_000, description="Metrics whose type, help text and unit are remembered, at most."
    )
    help_bytes_max: int = Field(
        default=1024, ge=0, le=65_536, description="Longest help text that is kept, in characters; the rest is cut off."
    )
