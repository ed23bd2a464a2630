"""What the handlers work with, and the parameters that many of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.requests import Request

from tocsin.alert.desk import AlertDesk
from tocsin.alert.files.rule_set import CheckedRules
from tocsin.alert.rules.outcome import GroupStatus
from tocsin.api.readiness import Readiness
from tocsin.clock import Clock
from tocsin.collect.scrape import TargetStatus
from tocsin.incident.desk import IncidentDesk
from tocsin.journal.journal import Journal
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.oncall.desk import OncallDesk
from tocsin.query.deployments import Deployments
from tocsin.query.desk import Desk
from tocsin.replay.desk import ReplayDesk
from tocsin.slo.desk import SloDesk
from tocsin.wire.deployments import DeploymentDoor
from tocsin.wire.prometheus.admission import CardinalityReport

DEFAULT_RANGE_S = 3600
TEXT_LENGTH_MAX = 10_000  # a query that a human or a program writes; longer ones are pasted by accident
INSTANT_LENGTH_MAX = 64
RANGE_RULE = "RFC 3339, seconds since 1970, `now` or `now-15m`"


@dataclass(frozen=True, slots=True)
class Context:
    """
    The server behind the handlers.

    Args:
        desk: Answers questions.
        clock: The present; a replayed one makes every default range end at the replayed instant.
        options: The options of this start by group, secrets masked.
        statistics: A function per long-lived object, by its name in `/metrics` and `/api/status`; each returns frozen dataclasses.
        readiness: Whether everything works; None where there is no server around the desk.
        journal: For the quarantine; None where only a desk is.
        targets: What is scraped and probed; None where nothing is.
        settle: Folds all samples into chunks now; None where only a desk is.
        series_report: What costs the most series at the Prometheus doors; None where there are none.
        slos: Objectives, budgets and the gate; None where only telemetry is asked.
        deployments: All that are known, told and found; None where only telemetry is asked.
        deployment_door: Takes them in; None where nothing keeps them.
        rules: How every group of rules stands; None where nothing is evaluated.
        checked_rules: The rules in force with what lint says of them; None where nothing is evaluated.
        alerts: Rules, alerts, silences, notifications; None where nothing is evaluated.
        oncall: Shifts, swaps, pages; None where nobody is called.
        incidents: Incidents; None where nothing keeps them.
        replay: Backtests and guards; None where nothing is stored.
    """

    desk: Desk
    clock: Clock
    options: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    readiness: Callable[[], Readiness] | None = None
    journal: Journal | None = None
    targets: Callable[[], Sequence[TargetStatus]] | None = None
    settle: Callable[[], int] | None = None
    series_report: Callable[[int], CardinalityReport] | None = None
    slos: SloDesk | None = None
    deployments: Deployments | None = None
    deployment_door: DeploymentDoor | None = None
    rules: Callable[[], Sequence[GroupStatus]] | None = None
    checked_rules: Callable[[], CheckedRules] | None = None
    alerts: AlertDesk | None = None
    oncall: OncallDesk | None = None
    incidents: IncidentDesk | None = None
    replay: ReplayDesk | None = None


def context_of(request: Request) -> Context:
    """The context that `create_application` put into the application."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


def desk_of(request: Request) -> Desk:
    """The desk of the context."""
    return context_of(request).desk


EndOf = Annotated[str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"Until before when: {RANGE_RULE}. Default: now.")]


def range_ending_now(request: Request, start: str | None, end: str | None, *, default_s: float) -> TimeRange:
    """The range that `start` and `end` name, `default_s` seconds long unless `start` says otherwise, until now unless `end` does."""
    now = context_of(request).clock.now_ns()
    until = parse_instant(end, now=now) if end else now
    return TimeRange(parse_instant(start, now=now) if start else until - round(default_s * NANOSECONDS), until)


def recent_range(
    request: Request,
    start: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: one hour before `end`.")
    ] = None,
    end: EndOf = None,
) -> TimeRange:
    """The range of a list that scans: the last hour unless it says otherwise."""
    return range_ending_now(request, start, end, default_s=DEFAULT_RANGE_S)


@dataclass(frozen=True, slots=True)
class OpenRange:
    """A range whose ends may be open: None means everything stored on that side."""

    start: int | None
    end: int | None


def open_range(
    request: Request,
    start: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: everything stored.")
    ] = None,
    end: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"Until before when: {RANGE_RULE}. Default: everything stored.")
    ] = None,
) -> OpenRange:
    """The range of a question that an index answers: everything stored unless it says otherwise."""
    now = context_of(request).clock.now_ns()
    first = parse_instant(start, now=now) if start else None
    last = parse_instant(end, now=now) if end else None
    if first is not None and last is not None:
        TimeRange(first, last)  # raises when they are the wrong way round
    return OpenRange(first, last)


ContextOf = Annotated[Context, Depends(context_of)]
DeskOf = Annotated[Desk, Depends(desk_of)]
RecentRange = Annotated[TimeRange, Depends(recent_range)]
AnyRange = Annotated[OpenRange, Depends(open_range)]
Service = Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="Only this service.")]
Cursor = Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="`next_cursor` of the page before this one.")]
LogQuery = Annotated[
    str,
    Query(
        max_length=TEXT_LENGTH_MAX,
        description='Lucene syntax: `event:tool AND error:true AND latency_ms:>1000 "full table scan"`; `key=value` works too.',
    ),
]
