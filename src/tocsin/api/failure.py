"""How every error looks in the JSON API, for its OpenAPI document; `errors` writes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class FailureDetails(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable snake_case out of a closed list; see docs/reference/errors.md.")
    message: str = Field(description="What was expected, what was found, where, and what to do.")
    retryable: bool = Field(description="Whether the same request may succeed later.")
    position: int | None = Field(default=None, description="Where a text stops to make sense, characters from 0.")
    key: str | None = Field(default=None, description="The option that is wrong.")
    retry_after_s: float | None = Field(default=None, description="Seconds after which to try again.")
    details: list[dict[str, Any]] | None = Field(default=None, description="Each wrong parameter with its place.")


class Failure(BaseModel):
    """The body of every answer that is an error."""

    error: FailureDetails
