"""Settings of the doors: what is let in, how large it may be, how much at a time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024


class DoorOptions(BaseModel):
    """What records are let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    future_s_max: int = Field(
        default=86_400,
        ge=0,
        le=10 * 365 * 86_400,
        description="How far, in seconds, a record's time may lie ahead of the receiver's clock.",
    )
    past_s_max: int | None = Field(
        default=None,
        ge=1,
        le=300 * 365 * 86_400,
        description="How old, in seconds, a record's time may be; unset: telemetry of any age is taken.",
    )
    records_max: int = Field(
        default=500_000,
        ge=1,
        le=100_000_000,
        description="Records in one request, at most; a batch of an SDK or a collector has thousands.",
    )


class HttpOptions(BaseModel):
    """Limits of OTLP over HTTP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes_max: int = Field(
        default=16 * MEBIBYTE, ge=1024, le=1024 * MEBIBYTE, description="Largest request body in bytes, as it is sent (compressed or not)."
    )
    inflated_bytes_max: int = Field(
        default=32 * MEBIBYTE, ge=1024, le=2047 * MEBIBYTE, description="Largest request body in bytes, after decompression."
    )
    read_s_max: float = Field(default=60, gt=0, le=3600, description="Seconds within which a request's body must have arrived.")
    in_flight_bytes_max: int = Field(
        default=512 * MEBIBYTE,
        ge=MEBIBYTE,
        description="Bytes of request bodies held at the same time; requests beyond it are told to come back.",
    )
    retry_after_s: float = Field(default=1.0, gt=0, le=3600, description="Seconds after which a client refused for that may come back.")


class GrpcOptions(BaseModel):
    """Limits of OTLP over gRPC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inflated_bytes_max: int = Field(
        default=32 * MEBIBYTE, ge=1024, le=2047 * MEBIBYTE, description="Largest message in bytes, after decompression."
    )
    threads: int = Field(default=16, ge=1, le=256, description="Calls that are worked on at the same time.")
    calls_max: int = Field(
        default=256, ge=1, le=65_536, description="Calls in flight, waiting ones included; further ones are told to come back."
    )
    retry_after_s: float = Field(
        default=1.0, gt=0, le=3600, description="Seconds after which a client refused for too many calls may come back."
    )


class ImportOptions(BaseModel):
    """How files are read in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_records: int = Field(default=5_000, ge=1, le=1_000_000, description="Records in one batch, at most.")
    batch_bytes: int = Field(
        default=4 * MEBIBYTE, ge=1024, le=64 * MEBIBYTE, description="Bytes of input that end a batch, even with fewer records."
    )
    line_bytes_max: int = Field(
        default=MEBIBYTE, ge=256, le=64 * MEBIBYTE, description="Longest line in bytes; a longer one counts as a bad line."
    )
