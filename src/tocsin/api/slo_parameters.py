"""Parameters and fields that the routes of objectives, decisions and the gate share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, Field
from starlette.requests import Request

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, TEXT_LENGTH_MAX, context_of
from tocsin.errors import NotFound
from tocsin.model.instant import Instant, parse_instant
from tocsin.slo.desk import SloDesk

NAME_LENGTH_MAX = 500
REASON_LENGTH_MAX = 2000


def slos_of(request: Request) -> SloDesk:
    """The desk of objectives behind the server."""
    slos = context_of(request).slos
    if slos is None:
        raise NotFound("there are no objectives behind this server: it answers questions about telemetry only")
    return slos


def present_of(request: Request) -> int:
    """The present instant, which a replay may have put into the past."""
    return context_of(request).clock.now_ns()


def asked_instant(
    request: Request,
    at: Annotated[str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"For which instant: {RANGE_RULE}. Default: now.")] = None,
) -> Instant | None:
    """The instant of a question, None for the present."""
    return parse_instant(at, now=present_of(request)) if at else None


def printable(text: str) -> str:
    """
    The text as it was, without blanks around it.

    Raises:
        ValueError: Nothing is left, or it has control characters: what people decide is printed on terminals and kept in databases.
    """
    text = text.strip()
    if not text:
        raise ValueError("must not be empty")
    return _without_control(text)


def printable_or_empty(text: str) -> str:
    """The same, but nothing is allowed."""
    return _without_control(text.strip())


def _without_control(text: str) -> str:
    if any(ord(char) < ord(" ") and char not in "\n\t" for char in text) or "\x7f" in text:
        raise ValueError("must not have control characters")
    return text


SlosOf = Annotated[SloDesk, Depends(slos_of)]
Present = Annotated[int, Depends(present_of)]
At = Annotated[Instant | None, Depends(asked_instant)]
Key = Annotated[
    str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="An objective's key: the SLO's name, with `/2` for its second.")
]
ServiceName = Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX, description="The service's name.")]
Identity = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="The id that the list shows.")]
RequiredName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(printable)]
OptionalName = Annotated[str, Field(max_length=NAME_LENGTH_MAX), AfterValidator(printable_or_empty)]
Moment = Annotated[str, Field(min_length=1, max_length=INSTANT_LENGTH_MAX)]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_LENGTH_MAX), AfterValidator(printable)]
