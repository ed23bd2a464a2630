"""Settings of the relational state: which database, and how long anything may wait for it."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

EXPECTED = "postgresql://user:password@host:5432/database"
SCHEMES = {"postgresql", "postgres", "postgresql+psycopg"}
SCHEME = re.compile(r"[a-z0-9+]{1,40}")


class StateOptions(BaseModel):
    """Where decisions of people, deployments and the progress of counting are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL database of its own, postgresql://user:password@host:5432/database; null: a SQLite file in server.data.",
    )
    connections_max: int = Field(default=8, ge=1, le=256, description="Connections to the database that are open at the same time.")
    connect_timeout_s: int = Field(
        default=5, ge=1, le=300, description="Seconds after which a PostgreSQL that does not answer is given up."
    )
    busy_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="Seconds that a statement waits for a connection, or for a lock that another one holds."
    )
    statement_timeout_s: float = Field(default=30.0, gt=0, le=3600, description="Seconds after which PostgreSQL stops a statement.")
    gate_days: float | None = Field(
        default=400, gt=0, description="Days that questions to the deploy gate and their answers are kept; null: for ever."
    )

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        """What it says never repeats more than the scheme: the rest may hold a password."""
        scheme, found, _ = ("", "", "") if url is None else url.get_secret_value().strip().partition("://")
        if url is not None and not found:
            raise ValueError(f"it is not a URL of a database; expected {EXPECTED}, or null for a file of SQLite")
        if url is not None and scheme not in SCHEMES:
            shown = f" {scheme!r}" if SCHEME.fullmatch(scheme) else ""
            raise ValueError(f"it has another scheme{shown}; expected {EXPECTED}, or null for a file of SQLite")
        return url
