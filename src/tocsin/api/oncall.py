"""Who is called: shifts, overrides, swaps, pages, their load, calendars."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tocsin.api.context import EndOf, context_of, range_ending_now
from tocsin.api.slo_parameters import NAME_LENGTH_MAX, At, Identity, Moment, OptionalName, Present, Reason, RequiredName
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, parse_instant
from tocsin.model.oncall import Feed, FeedSubject, Override, Shift, Swap, SwapState
from tocsin.oncall.desk import OncallDesk
from tocsin.oncall.desk_records import NewFeed, OncallProblems, PageStory, PageSummary, PlanSummary
from tocsin.oncall.load import Load
from tocsin.oncall.roster import OnCall

DEFAULT_SHIFTS_S = 28 * 86_400
CALENDAR_TYPE = "text/calendar; charset=utf-8"

router = APIRouter(tags=["on-call"])


def oncall_of(request: Request) -> OncallDesk:
    """The on-call desk behind the server."""
    oncall = context_of(request).oncall
    if oncall is None:
        raise NotFound("nobody is on call behind this server: it answers questions about telemetry only")
    return oncall


OncallOf = Annotated[OncallDesk, Depends(oncall_of)]
ScheduleQuery = Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="Only this schedule.")]
PersonQuery = Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="Only this person.")]
FromOf = Annotated[str | None, Query(max_length=64, description="From when on: RFC 3339, seconds since 1970, `now` or `now-7d`.")]
Token = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="The secret of a calendar's address.")]


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewOverride(_Order):
    """Somebody else is on call than the layers say."""

    schedule: RequiredName = Field(description="Where.")
    person: RequiredName = Field(description="Who takes over.")
    start: Moment = Field(description="First instant: RFC 3339, seconds since 1970, `now`.")
    end: Moment = Field(description="First instant after it.")
    replaces: OptionalName = Field(default="", description="Only what this person has in that time; empty for all of it, gaps too.")
    author: RequiredName = Field(description="Who decides it.")
    reason: Reason = Field(description="Why.")


class NewSwap(_Order):
    """A shift that somebody offers to somebody else."""

    schedule: RequiredName = Field(description="Where.")
    person: RequiredName = Field(description="Whose shift it is.")
    to: OptionalName = Field(default="", description="Who is asked; empty for anybody.")
    start: Moment | None = Field(default=None, description="An instant in the shift; null for the person's present or next one.")
    end: Moment | None = Field(default=None, description="Until before when; null for the end of the shift.")
    reason: Reason = Field(description="Why.")


class Answer(_Order):
    """What somebody says to a swap."""

    by: RequiredName = Field(description="Who says so.")
    comment: OptionalName = Field(default="", description="What else they say.")


class Undoing(_Order):
    """Who takes an override back, and why."""

    author: RequiredName = Field(description="Who takes it back.")
    reason: Reason = Field(description="Why.")


class Acknowledgement(_Order):
    """Who takes a page, or every open page of a group of alerts."""

    page: RequiredName = Field(description="Id of the page, or key of the group.")
    by: RequiredName = Field(description="Who takes it.")


class FeedOrder(_Order):
    """Which calendar gets a new address, or none any more."""

    subject: FeedSubject = Field(description="Of a `schedule`, or of a `person`.")
    name: RequiredName = Field(description="Which.")
    author: RequiredName = Field(description="Who decides it.")


@router.get("/oncall/who")
def who_is_on_call(oncall: OncallOf, schedule: ScheduleQuery = None, at: At = None) -> list[OnCall]:
    """Who is on call on each schedule, now unless `at` says otherwise, until when, why, and who is next."""
    return oncall.who(schedule, at)


@router.get("/oncall/definitions")
def show_oncall_definitions(oncall: OncallOf) -> PlanSummary:
    """People, schedules and chains of escalation, as the files in force say."""
    return oncall.definitions()


@router.get("/oncall/problems")
def list_oncall_problems(oncall: OncallOf) -> OncallProblems:
    """What is wrong with the files, when nobody will be on call, and who could not be reached."""
    return oncall.problems()


@router.get("/oncall/shifts")
def list_shifts(
    oncall: OncallOf, now: Present, schedule: ScheduleQuery = None, person: PersonQuery = None, start: FromOf = None, end: EndOf = None
) -> list[Shift]:
    """Shifts, and gaps in which nobody is on call: for four weeks from now, or from `start`, unless `end` says otherwise."""
    begin = parse_instant(start, now=now) if start else now
    until = parse_instant(end, now=now) if end else begin + DEFAULT_SHIFTS_S * NANOSECONDS
    TimeRange(begin, until)
    return oncall.shifts(schedule, begin, until, person=person)


@router.get("/oncall/overrides")
def list_overrides(
    oncall: OncallOf, past: Annotated[bool, Query(description="Those that are over or withdrawn, too.")] = False
) -> list[Override]:
    """Who takes over from whom, in the order in which it was entered."""
    return list(oncall.changes.overrides(past=past))


@router.post("/oncall/overrides")
def add_override(oncall: OncallOf, now: Present, order: NewOverride) -> Override:
    """Put somebody on call; of overrides that overlap, the one that was entered last holds."""
    start, end = parse_instant(order.start, now=now), parse_instant(order.end, now=now)
    return oncall.changes.override(
        order.schedule, person=order.person, start=start, end=end, author=order.author, reason=order.reason, replaces=order.replaces
    )


@router.post("/oncall/overrides/{identity}/withdraw")
def withdraw_override(oncall: OncallOf, identity: Identity, order: Undoing) -> Override:
    """Take an override back; it stays in the audit."""
    return oncall.changes.withdraw_override(identity, author=order.author, reason=order.reason)


@router.get("/oncall/swaps")
def list_swaps(
    oncall: OncallOf, state: Annotated[SwapState | None, Query(description="Only those that have come so far.")] = None
) -> list[Swap]:
    """Shifts that people offered each other, the newest first."""
    return list(oncall.changes.swaps(state=state))


@router.post("/oncall/swaps")
def ask_swap(oncall: OncallOf, now: Present, order: NewSwap) -> Swap:
    """Offer a shift to somebody, or to anybody."""
    return oncall.changes.ask(
        order.schedule, order.person, reason=order.reason, start=_instant(order.start, now), end=_instant(order.end, now), to=order.to
    )


@router.post("/oncall/swaps/{identity}/accept")
def accept_swap(oncall: OncallOf, identity: Identity, answer: Answer) -> Swap:
    """Take a shift that was offered: an override makes it so at once."""
    return oncall.changes.accept(identity, answer.by, comment=answer.comment)


@router.post("/oncall/swaps/{identity}/decline")
def decline_swap(oncall: OncallOf, identity: Identity, answer: Answer) -> Swap:
    """Say no to a shift that was offered to oneself."""
    return oncall.changes.decline(identity, answer.by, comment=answer.comment)


@router.post("/oncall/swaps/{identity}/withdraw")
def withdraw_swap(oncall: OncallOf, identity: Identity, answer: Answer) -> Swap:
    """Take an offer back; only who made it may."""
    return oncall.changes.withdraw_swap(identity, answer.by, comment=answer.comment)


@router.get("/oncall/pages")
def list_pages(
    oncall: OncallOf,
    only_open: Annotated[bool, Query(alias="open", description="Only those whose alerts may still fire.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="Pages, at most.")] = 50,
) -> list[PageSummary]:
    """Pages with who was called for them, the newest first."""
    return oncall.pages(only_open=only_open, limit=limit)


@router.get("/oncall/pages/{identity}")
def show_page(oncall: OncallOf, identity: Identity) -> PageStory:
    """One page with every call that was made for it."""
    return oncall.page(identity)


@router.post("/oncall/acknowledge")
def acknowledge(oncall: OncallOf, order: Acknowledgement) -> list[PageSummary]:
    """Take a page, or all open pages of a group: nobody is called for it any more. Of one taken before, the answer says by whom."""
    return oncall.acknowledge(order.page, order.by)


@router.get("/oncall/load")
def show_load(request: Request, oncall: OncallOf, start: FromOf = None, end: EndOf = None) -> Load:
    """Pages per person and per shift, those at night apart, against the budget; of the last four weeks unless said otherwise."""
    asked = range_ending_now(request, start, end, default_s=DEFAULT_SHIFTS_S)
    return oncall.load(asked.start, asked.end)


@router.get("/oncall/calendars")
def list_calendars(oncall: OncallOf) -> list[Feed]:
    """Calendars that have an address; the addresses themselves are kept nowhere, only their hashes."""
    return list(oncall.feeds())


@router.post("/oncall/calendars")
def rotate_calendar(oncall: OncallOf, order: FeedOrder) -> NewFeed:
    """A new secret address for a calendar, shown this once; the one before it stops to answer."""
    return oncall.rotate_calendar(order.subject, order.name, order.author)


@router.post("/oncall/calendars/revoke")
def revoke_calendar(oncall: OncallOf, order: FeedOrder) -> list[Feed]:
    """Let a calendar's address answer no more; returns those that still do."""
    oncall.revoke_calendar(order.subject, order.name, order.author)
    return list(oncall.feeds())


@router.get("/oncall/ical", response_class=Response)
def show_calendar(oncall: OncallOf, schedule: ScheduleQuery = None, person: PersonQuery = None) -> Response:
    """The shifts of a schedule, or of a person, as iCalendar."""
    if (schedule is None) == (person is None):
        raise InvalidInput("name either a schedule or a person whose calendar is meant")
    subject = FeedSubject.SCHEDULE if schedule is not None else FeedSubject.PERSON
    return Response(oncall.calendar(subject, schedule or person or ""), media_type=CALENDAR_TYPE)


@router.get("/oncall/calendar/{token}.ics", response_class=Response)
def subscribe_calendar(oncall: OncallOf, token: Token) -> Response:
    """The calendar behind a secret address: whoever has the address needs no other leave."""
    return Response(oncall.calendar_of(token), media_type=CALENDAR_TYPE, headers={"Cache-Control": "private, max-age=300"})


def _instant(text: str | None, now: Instant) -> Instant | None:
    return None if text is None else parse_instant(text, now=now)
