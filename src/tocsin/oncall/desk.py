"""The one door of this room for `api/` and `app/`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tocsin.clock import Clock, Entropy
from tocsin.errors import NotFound
from tocsin.model.instant import Instant
from tocsin.model.oncall import Feed, FeedSubject, Page, Shift
from tocsin.model.spelling import did_you_mean
from tocsin.oncall.calendar import render
from tocsin.oncall.changes import Changes
from tocsin.oncall.channels import Channels
from tocsin.oncall.definition import TargetKind
from tocsin.oncall.desk_records import Gap, NewFeed, OncallProblems, PageStory, PageSummary, PlanSummary, page_summary
from tocsin.oncall.escalator import Escalator, EscalatorStatistics
from tocsin.oncall.files.live import LivePlan, PlanStatistics
from tocsin.oncall.load import WEEK, Load, load
from tocsin.oncall.options import OncallOptions
from tocsin.oncall.plan_words import plan_summary
from tocsin.oncall.roster import DAY, OnCall, Roster
from tocsin.state.oncall import Oncall

log = logging.getLogger(__name__)

TOKEN_BYTES = 24
CALENDAR_PAST_DAYS = 30
LOAD_WEEKS = 4
CALENDAR_PATH = "/api/oncall/calendar/{token}.ics"


@dataclass(frozen=True, slots=True)
class OncallStatistics:
    """
    Who is called, as it stands.

    Args:
        plan: The files.
        escalator: Pages.
        unattended_schedules: Gauge: schedules that a chain calls on which nobody was on call at the last look.
    """

    plan: PlanStatistics
    escalator: EscalatorStatistics
    unattended_schedules: int


class OncallDesk:
    """
    Questions and orders about shifts, swaps and pages. Safe to use from several threads.

    Args:
        plan: What the files say.
        state: What people changed, and pages.
        escalator: Runs pages.
        channels: What delivery sends by.
        options: Limits and budgets.
        clock: The present.
        entropy: For ids and secret addresses.
        receivers: Names that the routing configuration has; None: not known here.
    """

    def __init__(
        self,
        plan: LivePlan,
        state: Oncall,
        escalator: Escalator,
        channels: Channels,
        options: OncallOptions,
        *,
        clock: Clock,
        entropy: Entropy,
        receivers: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self.plan = plan
        self.escalator = escalator
        self.channels = channels
        self.changes = Changes(state, self.roster, clock=clock, entropy=entropy)
        self._receivers = receivers
        self._state = state
        self._options = options
        self._clock = clock
        self._entropy = entropy
        self._unattended: frozenset[str] = frozenset()

    def roster(self) -> Roster:
        """Plan and overrides as they are now."""
        return Roster(self.plan.current, self._state.overrides.list())

    def who(self, schedule: str | None = None, at: Instant | None = None) -> list[OnCall]:
        """
        Who is on call, and who is next, now unless `at` says otherwise; of one schedule, or of all.

        Raises:
            NotFound: There is no such schedule.
        """
        roster, moment = self.roster(), self._at(at)
        names = [schedule] if schedule is not None else list(roster.plan.schedules)
        return [roster.on_call(name, moment) for name in names]

    def definitions(self) -> PlanSummary:
        """What the files in force say."""
        return plan_summary(self.plan.current)

    def shifts(self, schedule: str | None, start: Instant, end: Instant, *, person: str | None = None) -> list[Shift]:
        """Shifts and gaps from `start` to `end`, cut to that; of one schedule or all, of one person (without gaps) or all."""
        roster = self.roster()
        if person is not None:
            roster.plan.person(person)
        names = [schedule] if schedule is not None else list(roster.plan.schedules)
        found = [shift for name in names for shift in roster.shifts(name, start, end) if person in {None, shift.person}]
        return sorted(found, key=lambda shift: (shift.start, shift.schedule))

    def pages(self, *, only_open: bool = False, limit: int = 100) -> list[PageSummary]:
        """The last pages, the newest first."""
        return [self._summary(page) for page in self._state.pages.list(only_open=only_open, limit=limit)]

    def page(self, identity: str) -> PageStory:
        """
        A page with its calls.

        Raises:
            NotFound: There is none with this id.
        """
        page = self._state.pages.get(identity)
        return PageStory(self._summary(page), tuple(self._state.pages.calls(page=page.id)))

    def acknowledge(self, reference: str, by: str, at: Instant | None = None) -> list[PageSummary]:
        """Take a page, or all open pages of a group, see `Escalator.acknowledge`."""
        return [self._summary(page) for page in self.escalator.acknowledge(reference, by, at)]

    def load(self, start: Instant | None = None, end: Instant | None = None) -> Load:
        """How many pages people and shifts had in [start, end), the last four weeks unless said otherwise, against the budget."""
        until = self._at(end)
        begin = start if start is not None else until - LOAD_WEEKS * WEEK
        calls = self._state.pages.calls(start=begin, end=until)
        return load(self.roster(), calls, begin, until, pages_per_week=self._options.pages_per_week)

    def problems(self) -> OncallProblems:
        """What is wrong: mistakes in files, times without anybody, people who could not be reached."""
        plan = self.plan.current
        mistakes = tuple(str(mistake) for mistake in self.plan.mistakes)
        return OncallProblems(mistakes, plan.remarks, tuple(self._gaps()), (*self._never_told(), *self.channels.unusable()))

    def calendar(self, subject: FeedSubject, name: str) -> bytes:
        """
        The shifts of a schedule or of a person as iCalendar.

        Raises:
            NotFound: There is no such schedule or person.
        """
        roster, now = self.roster(), self._clock.now_ns()
        start, end = now - CALENDAR_PAST_DAYS * DAY, now + self._options.calendar_days * DAY
        if subject is FeedSubject.SCHEDULE:
            title = roster.plan.schedule(name).title or name
            return render(f"On call: {title}", roster.shifts(name, start, end, whole=True), roster.plan, now=now)
        title = roster.plan.person(name).title or name
        found = [shift for one in roster.plan.schedules for shift in roster.shifts(one, start, end, whole=True) if shift.person == name]
        return render(f"{title} on call", sorted(found, key=lambda shift: (shift.start, shift.schedule)), roster.plan, now=now)

    def calendar_of(self, token: str) -> bytes:
        """
        The calendar behind a secret address.

        Raises:
            NotFound: The address is wrong or was replaced by a new one, or what it shows is gone.
        """
        feed = self._state.feeds.find(_digest(token))
        if feed is None:
            raise NotFound("there is no such calendar; ask for its new address")
        return self.calendar(feed.subject, feed.name)

    def rotate_calendar(self, subject: FeedSubject, name: str, author: str) -> NewFeed:
        """
        A new secret address for the calendar of a schedule or person; the one before it stops to answer.

        Raises:
            NotFound: There is no such schedule or person.
            InvalidInput: Nobody signs.
        """
        plan = self.plan.current
        if subject is FeedSubject.SCHEDULE:
            plan.schedule(name)
        else:
            plan.person(name)
        token = self._entropy.token_hex(TOKEN_BYTES)
        self._state.feeds.rotate(Feed(_digest(token), subject, name, author, self._clock.now_ns()))
        return NewFeed(subject, name, CALENDAR_PATH.format(token=token))

    def revoke_calendar(self, subject: FeedSubject, name: str, author: str) -> None:
        """
        Let a calendar answer no more.

        Raises:
            NotFound: It has no address.
        """
        self._state.feeds.revoke(subject, name, author, self._clock.now_ns())

    def feeds(self) -> Sequence[Feed]:
        """Calendars that have an address; the addresses themselves are kept nowhere."""
        return self._state.feeds.list()

    def advance(self) -> int:
        """Call whoever is due; returns how many pages went on."""
        return self.escalator.advance()

    def look(self) -> None:
        """See how many pages wait for an answer, and say aloud when nobody is on call where somebody should be."""
        self.escalator.look()
        roster, now = self.roster(), self._clock.now_ns()
        unattended = frozenset(name for name in _called_schedules(roster) if roster.who(name, now).is_gap)
        for name in sorted(unattended - self._unattended):
            log.error("NOBODY is on call on the schedule %s now; `tocsin oncall override` puts somebody there", name)
        self._unattended = unattended

    def statistics(self) -> OncallStatistics:
        """How it stands."""
        return OncallStatistics(self.plan.statistics(), self.escalator.statistics(), len(self._unattended))

    def _summary(self, page: Page) -> PageSummary:
        return page_summary(page, tuple(self._state.pages.calls(page=page.id)), self.plan.current.chains.get(page.chain))

    def _gaps(self) -> list[Gap]:
        roster, now = self.roster(), self._clock.now_ns()
        return [
            Gap(gap.schedule, gap.start, gap.end)
            for name in _called_schedules(roster)
            for gap in roster.gaps(name, now, now + self._options.gaps_days * DAY)
        ]

    def _never_told(self) -> list[str]:
        """Chains that serve a receiver that no route can name."""
        if self._receivers is None:
            return []
        known = self._receivers()
        return [
            f"the chain {chain.name!r} serves the receiver {chain.receiver!r}, which the routing configuration does not have"
            f"{did_you_mean(chain.receiver, known)}"
            for chain in self.plan.current.chains.values()
            if chain.receiver not in known
        ]

    def _at(self, at: Instant | None) -> Instant:
        return self._clock.now_ns() if at is None else at


def _called_schedules(roster: Roster) -> list[str]:
    """Schedules that a chain calls: on others nobody needs to be."""
    targets = [target for chain in roster.plan.chains.values() for step in chain.steps for target in step.notify]
    called = {target.name for target in targets if target.kind is TargetKind.SCHEDULE}
    return [name for name in roster.plan.schedules if name in called]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
