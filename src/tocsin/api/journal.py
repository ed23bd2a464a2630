"""What the journal holds back: segments in quarantine, and putting them on offer again."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.context import ContextOf
from tocsin.errors import NotFound
from tocsin.journal.journal import Journal
from tocsin.model.instant import Instant

TOKEN_LENGTH_MAX = 200

router = APIRouter(prefix="/journal", tags=["journal"])


@dataclasses.dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A file in quarantine. `kind` is `refused` (by the engine; can be replayed) or `corrupt` (a damaged original, kept as evidence)."""

    token: str
    signal: str
    kind: str
    reason: str
    frames: int
    records: int
    size_bytes: int
    time: Instant
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """Segments that are on offer to the engine again, and the records in them."""

    tokens: list[str]
    records: int


class ReplayRequest(BaseModel):
    """Which segment; null for every refused one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str | None, Field(max_length=TOKEN_LENGTH_MAX, description="A token of the list; null: every refused segment.")] = None


@router.get("/quarantine")
def list_quarantine(context: ContextOf) -> list[QuarantineEntry]:
    """Segments that the engine refused and damaged originals, each with its reason."""
    return [
        QuarantineEntry(
            entry.token,
            entry.signal.value,
            entry.kind.name.lower(),
            entry.reason,
            entry.frames,
            entry.records,
            entry.size_bytes,
            entry.time,
            str(entry.path),
        )
        for entry in _journal(context).quarantined()
    ]


@router.post("/quarantine/replay")
def replay_quarantine(context: ContextOf, request: ReplayRequest) -> Replayed:
    """Put refused segments back on offer under their old tokens, so that nothing is stored twice. What is refused again comes back here."""
    segments = _journal(context).replay_quarantined(request.token)
    return Replayed([segment.token for segment in segments], sum(segment.records for segment in segments))


def _journal(context: ContextOf) -> Journal:
    if context.journal is None:
        raise NotFound("there is no journal behind this server")
    return context.journal
