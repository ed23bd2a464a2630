"""Settings of the signals about clients and costs: which attributes name whom, what is unusual, what models cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tocsin.errors import LimitExceeded, ParseError
from tocsin.query.fields import parse_log_query

Key = Annotated[str, Field(min_length=1, max_length=200)]


class SecurityOptions(BaseModel):
    """Authentication failures and unusual access, per client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_keys: tuple[Key, ...] = Field(
        default=("client.address", "user.id", "tenant.id"),
        min_length=1,
        max_length=8,
        description="Attributes that name a client; a request counts for each of them that it has.",
    )
    failed_events: str = Field(
        default='"login failed" OR "authentication failed" OR "invalid credentials" OR event_name:*login*fail*',
        description="Query, in Lucene syntax, of the log records that tell of a failed login; empty for none.",
    )
    days: int = Field(default=7, ge=0, le=28, description="Past days whose same hours say what is usual, days.")
    warn_rate: float = Field(
        default=0.05, gt=0, lt=1, description="Share of reports that may flag WARN although no client changed its behaviour, at most."
    )
    breach_rate: float = Field(
        default=0.001, gt=0, lt=1, description="Share of reports that may flag BREACH although no client changed its behaviour, at most."
    )
    times_min: float = Field(
        default=2.0, ge=1, allow_inf_nan=False, description="A count is flagged only from so many times the expected one on."
    )
    count_min: int = Field(default=20, ge=1, description="Requests, or routes, of a client below which nothing is unusual.")
    failures_warn: int = Field(default=20, ge=1, description="Failures of one client per hour that are a WARN whatever is usual.")
    failures_breach: int = Field(default=100, ge=1, description="Failures of one client per hour that are a BREACH whatever is usual.")

    @field_validator("failed_events")
    @classmethod
    def _check_query(cls, text: str) -> str:
        try:
            parse_log_query(text)
        except (ParseError, LimitExceeded) as error:
            raise ValueError(f"expected a query over log records: {error}") from error
        return text

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.warn_rate < self.breach_rate:
            raise ValueError(f"warn_rate is {self.warn_rate:g}, below breach_rate, {self.breach_rate:g}; a breach is rarer than a warning")
        if self.failures_warn > self.failures_breach:
            raise ValueError(f"failures_warn is {self.failures_warn}, above failures_breach, {self.failures_breach}; a warning comes first")
        return self


class ModelPrice(BaseModel):
    """What a model costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_per_million: float = Field(ge=0, allow_inf_nan=False, description="Price of a million input tokens.")
    output_per_million: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="Price of a million output tokens.")


class CostOptions(BaseModel):
    """What usage costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_keys: tuple[Key, ...] = Field(
        default=("tenant.id", "tenant", "customer.id"),
        min_length=1,
        max_length=8,
        description="Attributes that name a tenant; the first that a span has counts.",
    )
    currency: str = Field(default="USD", min_length=1, max_length=12, description="Currency of the prices.")
    prices: Mapping[str, ModelPrice] = Field(
        default_factory=dict,
        description="What models cost, by name; a name may end in `*`, the longest that fits counts. Without a price nothing is assumed.",
    )


class UsageOptions(BaseModel):
    """Security and cost signals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    security: SecurityOptions = Field(default_factory=SecurityOptions, description="Authentication failures and unusual access.")
    costs: CostOptions = Field(default_factory=CostOptions, description="Requests, tokens, bytes and money.")
