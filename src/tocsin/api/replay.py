"""Backtests, one at a time, and guards that are frozen out of what is stored."""

from __future__ import annotations

import io
import tarfile
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, ContextOf, context_of
from tocsin.errors import NotFound
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.replay.desk import ReplayDesk
from tocsin.replay.desk_records import BacktestRequest, BacktestRun, TextFile
from tocsin.replay.guards.definition import FrozenGuard
from tocsin.replay.guards.freeze import FreezeRequest

router = APIRouter(tags=["replay"])

TEXT_CHARACTERS_MAX = 4 << 20
NAME_LENGTH_MAX = 500
FILES_MAX = 200
NAMES_MAX = 100
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
DEFAULT_RANGE_S = 30 * 86_400


def replay_of(request: Request) -> ReplayDesk:
    """The desk of backtests and guards behind the server."""
    replay = context_of(request).replay
    if replay is None:
        raise NotFound("nothing can be replayed behind this server: it stores no telemetry")
    return replay


ReplayOf = Annotated[ReplayDesk, Depends(replay_of)]
Moment = Annotated[str, Field(min_length=1, max_length=INSTANT_LENGTH_MAX)]
Name = Annotated[str, Field(max_length=NAME_LENGTH_MAX)]


class SentFile(BaseModel):
    """A file that is sent with a question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)] = Field(description="For messages.")
    text: Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)] = Field(description="What stands in it.")

    def file(self) -> TextFile:
        """As the desk takes it."""
        return TextFile(self.name, self.text)


SentFiles = Annotated[list[SentFile], Field(max_length=FILES_MAX)]


class NewBacktest(BaseModel):
    """What to try over the past."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Moment | None = Field(default=None, description=f"From when on: {RANGE_RULE}. Default: 30 days before `end`.")
    end: Moment | None = Field(default=None, description=f"Until before when: {RANGE_RULE}. Default: now.")
    rules: SentFiles = Field(default=[], description="Files with rules; none: those in force.")
    against: SentFiles = Field(default=[], description="Files with other rules, for a comparison.")
    against_current: bool = Field(default=False, description="Compare with the rules in force.")
    config: SentFile | None = Field(default=None, description="Routes and receivers as Alertmanager's file; null: what is in force.")
    oncall: SentFiles = Field(default=[], description="Files with people, schedules and chains; none: what is in force.")
    incidents: SentFile | None = Field(default=None, description="A file with incidents; null: those that were recorded.")
    significant: float | None = Field(
        default=None, gt=0, le=100, description="Take as incidents what cost an objective more than this share of its budget."
    )
    silences: bool = Field(default=False, description="Let silences that people made keep alerts quiet again.")
    step_s: float = Field(default=60.0, ge=1, le=3600, description="Least seconds between two evaluations.")


class NewGuardSlice(BaseModel):
    """What to freeze."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=f"^{NAME}$")] = Field(description="Of the guard; its folder is called so.")
    rule: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)] = Field(description="Name of the alert.")
    start: Moment = Field(description="When the incident began; of a quiet stretch, its beginning.")
    within_s: float = Field(default=0.0, ge=0, le=86_400, description="How soon it must fire, seconds; 0 for a quiet stretch.")
    end: Moment | None = Field(default=None, description="The end of a quiet stretch.")
    incident: Name = Field(default="", description="Where it came from.")
    signature: Name = Field(default="", description="The failure that it knows.")
    description: Name = Field(default="", description="For people.")
    labels: Annotated[dict[str, str], Field(max_length=NAMES_MAX)] = Field(
        default={}, description="That the alert must have beside others."
    )
    services: Annotated[list[str], Field(max_length=NAMES_MAX)] = Field(
        default=[], description="Whose spans and logs are kept; none: everybody's."
    )
    context_s: float | None = Field(
        default=None,
        ge=0,
        le=31 * 86_400,
        description="How far back the slice goes, seconds; null: as rules look, six hours at most.",
    )
    rules: Annotated[list[str], Field(max_length=NAMES_MAX)] = Field(
        default=[], description="How guard.yaml names the rules; none: copies are put beside it."
    )
    objectives: Annotated[list[str], Field(max_length=NAMES_MAX)] = Field(default=[], description="How it names files with objectives.")


@router.post("/backtest")
def start_backtest(replay: ReplayOf, context: ContextOf, new: NewBacktest) -> BacktestRun:
    """Begin a backtest; GET shows how far it is. One runs at a time."""
    now = context.clock.now_ns()
    end = parse_instant(new.end, now=now) if new.end else now
    start = parse_instant(new.start, now=now) if new.start else end - DEFAULT_RANGE_S * NANOSECONDS
    request = BacktestRequest(
        over=TimeRange(start, end),
        rules=tuple(one.file() for one in new.rules),
        against=tuple(one.file() for one in new.against),
        against_current=new.against_current,
        config=new.config.file() if new.config else None,
        oncall=tuple(one.file() for one in new.oncall),
        incidents=new.incidents.file() if new.incidents else None,
        significant=new.significant,
        silences=new.silences,
        step_s=new.step_s,
    )
    return replay.start(request)


@router.get("/backtest")
def show_backtest(replay: ReplayOf) -> BacktestRun:
    """The backtest that runs, or ran last, with what it found."""
    return replay.run()


@router.delete("/backtest")
def cancel_backtest(replay: ReplayOf) -> BacktestRun:
    """End the backtest that runs."""
    return replay.cancel()


@router.post("/guards/freeze", responses={200: {"content": {"application/gzip": {}}}}, response_class=Response)
def freeze_guard(replay: ReplayOf, context: ContextOf, new: NewGuardSlice) -> Response:
    """The folder of a guard as a compressed tar archive: guard.yaml, telemetry, copies of the rules."""
    now = context.clock.now_ns()
    request = FreezeRequest(
        name=new.name,
        rule=new.rule,
        start=parse_instant(new.start, now=now),
        within_s=new.within_s,
        end=parse_instant(new.end, now=now) if new.end else 0,
        incident=new.incident,
        signature=new.signature,
        description=new.description,
        labels=new.labels,
        services=tuple(new.services),
        context_s=new.context_s,
        rule_files=tuple(new.rules),
        objectives=tuple(new.objectives),
    )
    guard = replay.freeze(request)
    headers = {"Content-Disposition": f'attachment; filename="{guard.name}.tar.gz"'}
    return Response(archive_of(guard), media_type="application/gzip", headers=headers)


def archive_of(guard: FrozenGuard) -> bytes:
    """A guard's files in one archive, the same bytes for the same guard; remarks stand in the archive's comment headers."""
    buffer = io.BytesIO()
    remarks = {"comment": "\n".join(guard.remarks)} if guard.remarks else {}
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=remarks) as archive:
        for name, content in guard.files.items():
            member = tarfile.TarInfo(f"{guard.name}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
