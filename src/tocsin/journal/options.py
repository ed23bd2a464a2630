"""Settings of the journal: how much may wait, how large segments grow, when the door is shut."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


class JournalOptions(BaseModel):
    """Limits of the journal; each signal (traces, logs, metrics) has its own queue and segments, so one can't starve another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue_bytes_max: int = Field(
        default=64 * MIB,
        ge=KIB,
        le=16 * GIB,
        description="Bytes of one signal that may wait in memory for the disk; above it requests are refused.",
    )
    commit_bytes_max: int = Field(
        default=8 * MIB,
        ge=KIB,
        le=GIB,
        description="Bytes that one write and sync takes from the queue; larger is faster, smaller answers sooner.",
    )
    backlog_bytes_max: int = Field(
        default=4 * GIB,
        ge=KIB,
        le=1024 * GIB,
        description="Bytes of one signal that may wait on disk for the engine; above it requests are refused.",
    )
    backlog_bytes_easy: int = Field(
        default=14 * MIB,
        ge=0,
        le=1024 * GIB,
        description="Bytes of one signal that may wait on disk for the engine before answers are slowed down to the engine's pace.",
    )
    segment_bytes_max: int = Field(
        default=16 * MIB, ge=KIB, le=GIB, description="Size in bytes at which a segment is closed; one commit may exceed it."
    )
    segment_bytes_eager: int = Field(
        default=4 * MIB, ge=0, le=GIB, description="Size in bytes from which an idle engine is handed a segment however young it is."
    )
    segment_age_s_min: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="Seconds since its first request before an idle engine is handed a smaller segment: an insert costs it tens of"
        " milliseconds whatever the size.",
    )
    free_bytes_min: int = Field(
        default=256 * MIB, ge=0, le=1024 * GIB, description="Free bytes on the disk below which requests are refused; 0 does not look."
    )
