"""Settings of the store: which engine, how much of the machine it may use, how long data is kept, what is redacted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class RetentionOptions(BaseModel):
    """How long each kind of data is kept, counted from its receipt. Null keeps it for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    traces_days: float | None = Field(default=30, gt=0, description="Days that spans and the trace index are kept; null: for ever.")
    logs_days: float | None = Field(default=30, gt=0, description="Days that log records are kept; null: for ever.")
    metrics_days: float | None = Field(
        default=90, gt=0, description="Days that samples, series, histograms and exemplars are kept; null: for ever."
    )
    rollups_days: float | None = Field(default=400, gt=0, description="Days that request rollups are kept; null: for ever.")


class RedactionOptions(BaseModel):
    """What is taken out of telemetry before it is stored. On by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Redact at all.")
    keys: tuple[str, ...] = Field(
        default=(),
        description="Further attribute keys whose values are redacted: a name matches as a whole word at the end of a key, in any case.",
    )
    email: bool = Field(default=False, description="Also redact e-mail addresses inside values.")
    national_ids: bool = Field(default=True, description="Redact US, UK, Italian and Spanish national identity numbers inside values.")
    payment_cards: bool = Field(default=True, description="Redact payment card numbers that pass the Luhn check inside values.")


class EngineOptions(BaseModel):
    """The engine and its share of the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr | None = Field(
        default=None, description="A ClickHouse server, http(s)://user:password@host:8123/database; null: the embedded engine."
    )
    memory_bytes_max: int = Field(default=900_000_000, ge=200_000_000, description="Memory that the embedded engine may use, bytes.")
    threads_max: int = Field(default=2, ge=1, le=256, description="Threads that one query may use in the embedded engine.")
    connections_max: int = Field(default=8, ge=2, le=256, description="Statements that run at the same time.")


class StoreOptions(BaseModel):
    """Everything about storing telemetry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineOptions = Field(default_factory=EngineOptions, description="The engine that holds the tables.")
    retention: RetentionOptions = Field(default_factory=RetentionOptions, description="How long data is kept.")
    redaction: RedactionOptions = Field(default_factory=RedactionOptions, description="What is redacted before it is stored.")
    attribute_bytes_max: int = Field(
        default=65_536,
        ge=256,
        le=16_777_216,
        description="Longest attribute value or log body kept, bytes; longer ones are cut and counted.",
    )
