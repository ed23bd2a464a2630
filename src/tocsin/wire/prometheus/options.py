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
        description="Active series of all Prometheus doors together, at most; a million cost 60 to 120 MB, and as much again per door.",
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


class RemoteWriteOptions(BaseModel):
    """Limits of Prometheus remote write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes_max: int = Field(
        default=16 * MEBIBYTE, ge=1024, le=1024 * MEBIBYTE, description="Largest request body in bytes, as it is sent."
    )
    inflated_bytes_max: int = Field(
        default=32 * MEBIBYTE, ge=1024, le=1024 * MEBIBYTE, description="Largest request body in bytes, after decompression."
    )
    samples_max: int = Field(
        default=2_000_000, ge=1, le=50_000_000, description="Samples in one request, at most; Prometheus sends 2,000 by default."
    )
    items_max: int = Field(default=100_000, ge=1, le=5_000_000, description="Native histograms and exemplars in one request, at most.")
    histogram_width_max: int = Field(
        default=10_000,
        ge=160,
        le=100_000,
        description="Buckets on one side of a native histogram from its first to its last, empty ones included, at most.",
    )
    exemplar_bytes_max: int = Field(default=1024, ge=128, le=65_536, description="Bytes of all labels of one exemplar, at most.")
    refused_s: float = Field(default=60, ge=1, le=3600, description="Seconds for which a refused series is refused without asking again.")
    read_s_max: float = Field(default=60, gt=0, le=3600, description="Seconds within which a request's body must have arrived.")
    in_flight_bytes_max: int = Field(
        default=512 * MEBIBYTE,
        ge=MEBIBYTE,
        le=65_536 * MEBIBYTE,
        description="Bytes of request bodies, as sent and inflated, held at the same time; requests beyond it are told to come back.",
    )
    retry_after_s: float = Field(default=1.0, gt=0, le=3600, description="Seconds after which a client refused for that may come back.")
