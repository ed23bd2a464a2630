"""Settings of deployment events: whom to believe, and what sources call services."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class DeploymentOptions(BaseModel):
    """How deployments become known: webhooks, and changes of `service.version` in the telemetry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    github_secret: SecretStr | None = Field(
        default=None, description="Secret of the GitHub webhook; where it is set, events without a valid signature are refused."
    )
    services: Mapping[str, str] = Field(
        default_factory=dict,
        description="What sources call a service, and its `service.name`: a GitHub repository (`shop/checkout`), with an environment where"
        " they differ (`shop/checkout@staging`), or the id of a CDEvents subject.",
    )
    future_s_max: float = Field(
        default=86_400, ge=0, le=366 * 86_400, description="How far a deployment's time may lie ahead of the clock, seconds."
    )
    absent_s: float = Field(
        default=3600,
        ge=300,
        le=7 * 86_400,
        description="Seconds that a version must have been gone, while the service was seen, for its return to count as a deployment.",
    )
    same_s: float = Field(
        default=900,
        ge=0,
        le=86_400,
        description="A deployment that was told of and one found in the telemetry are the same when at most so many seconds apart.",
    )

    @field_validator("github_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("it is empty, and anybody can sign with nothing; write the webhook's secret, or null to take unsigned events")
        return secret
