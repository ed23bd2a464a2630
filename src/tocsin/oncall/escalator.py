"""
The escalator: takes what chains are told, calls people step by step, and stops when somebody answers.

    escalator.start(notification)              a notification on the channel `chain/shop`: begins a page, or goes on with it
    escalator.advance()                        calls whoever is due
    escalator.acknowledge("pg-1f2e3d", "ana")  stops it

It keeps nothing in memory: each of these reads what is kept, decides (`escalation.py`), and commits the page with what is to be sent.
A process that dies in between has done all of it or nothing, and another one goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.clock import Clock
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification
from tocsin.model.oncall import CHAIN_CHANNEL, Call, Page, PageKind, PageState
from tocsin.oncall.escalation import Destination, Escalation
from tocsin.oncall.reach import Night
from tocsin.oncall.roster import Roster
from tocsin.state.oncall_pages import Decide, PageChange, Pages

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EscalatorStatistics:
    """
    Pages since the start.

    Args:
        pages: Pages begun that wake somebody.
        messages: Pages begun that only say something.
        calls: Calls made.
        escalations: Steps called because nobody acknowledged the one before in time.
        acknowledged: Pages that somebody took.
        resolved: Pages whose alerts ended.
        exhausted: Pages that nobody answered; above 0 people were not reached.
        open_pages: Gauge: pages that wait for an answer, at the last look.
    """

    pages: int
    messages: int
    calls: int
    escalations: int
    acknowledged: int
    resolved: int
    exhausted: int
    open_pages: int


class Escalator:
    """
    Runs chains of escalation. Safe to use from several threads.

    Args:
        pages: Where pages are kept.
        roster: Who is on call now: plan and overrides.
        clock: The present.
        night: When people sleep.
        fallback: Who is told of a page that nobody answered.
    """

    def __init__(
        self,
        pages: Pages,
        roster: Callable[[], Roster],
        *,
        clock: Clock,
        night: Night | None = None,
        fallback: Callable[[], Sequence[Destination]] = tuple,
    ) -> None:
        self._pages = pages
        self._roster = roster
        self._clock = clock
        self._night = night or Night()
        self._fallback = fallback
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ("pages", "messages", "calls", "escalations", "acknowledged", "resolved", "exhausted", "open_pages"), 0
        )

    def start(self, notification: Notification, at: Instant | None = None) -> Page | None:
        """
        Tell a chain about a group of alerts; the same notification again changes nothing.

        Args:
            notification: On the channel `chain/<name>`.
            at: When; now by default.

        Returns:
            The group's page; None when there is none and nothing fires.

        Raises:
            NotFound: There is no such chain.
        """
        kind, _, name = notification.channel.partition("/")
        if kind != CHAIN_CHANNEL:
            raise InvalidInput(f"expected a notification on a channel {CHAIN_CHANNEL}/..., found {notification.channel!r}")
        situation = self._situation(at)
        situation(name).roster.plan.chain(name)
        watched = _Watched(lambda page, calls: situation(name).told(notification, page, calls))
        page = self._pages.tell(name, notification, watched)
        self._note(watched)
        return page

    def advance(self, now: Instant | None = None) -> int:
        """
        Call the next step of every page that waited long enough; returns how many pages changed.

        Raises:
            StoreError: Some could not be; all were tried, and those are still due.
        """
        at = self._clock.now_ns() if now is None else now
        due = self._pages.due(at)
        situation = self._situation(at)
        failures = [error for identity in due if (error := self._advance(identity, situation)) is not None]
        if failures:
            raise failures[0]
        return len(due)

    def acknowledge(self, reference: str, by: str, at: Instant | None = None) -> list[Page]:
        """
        Take a page, or all open pages of a group of alerts; nobody is called for it any more.

        Args:
            reference: Id of a page, or key of a group.
            by: Who takes it.
            at: When; now by default.

        Returns:
            The pages as they are now; of one that somebody else took before, `acknowledged_by` says who.

        Raises:
            NotFound: There is no such page, and the group has none open.
            Conflict: The page is over.
            InvalidInput: Nobody signs.
        """
        if not by.strip():
            raise InvalidInput("an acknowledgement needs to say who takes the page")
        found = self._pages.open_of(reference)
        if not found:
            raise NotFound(
                f"there is no page and no group with an open page that is called {reference!r}; `tocsin oncall pages` shows them"
            )
        situation = self._situation(at)
        changes = [self._change(one.id, lambda page, calls: situation(page.chain).acknowledged(page, calls, by)) for one in found]
        return [change.page for change in changes if change.page is not None]

    def next_channel(self, notification: Notification, at: Instant | None = None) -> tuple[str, str] | None:
        """
        What stands in the place of a notification to a person that could not be delivered.

        Args:
            notification: What could not be delivered.
            at: When that became clear; now by default.

        Returns:
            Receiver and channel: the person's next one, asked twice the same. None after the last, when the page's next step is due at
            once, and where nothing needs to be told any more.
        """
        situation = self._situation(at)
        for page in self._pages.open_of(notification.group_key):
            failed = next((call for call in reversed(self._pages.calls(page=page.id)) if call.channel == notification.channel), None)
            if failed is not None:
                change = self._change(page.id, _next_channel(situation, failed))
                return (notification.receiver, change.calls[0].channel) if change.calls else None
        return None

    def statistics(self) -> EscalatorStatistics:
        """The counters."""
        with self._lock:
            return EscalatorStatistics(**self._counts)

    def look(self) -> None:
        """Count the pages that wait for an answer, for `statistics`."""
        waiting = sum(page.state is not PageState.ACKNOWLEDGED and page.kind is PageKind.PAGE for page in self._pages.list(only_open=True))
        with self._lock:
            self._counts["open_pages"] = waiting

    def _situation(self, at: Instant | None) -> Callable[[str], Escalation]:
        """How things stand, read before any page is changed: what decides about a chain of this name."""
        roster, fallback = self._roster(), self._fallback()
        moment = self._clock.now_ns() if at is None else at
        return lambda chain: Escalation(chain, roster.plan.chains.get(chain), roster, moment, self._night, fallback)

    def _advance(self, identity: str, situation: Callable[[str], Escalation]) -> Exception | None:
        try:
            self._change(identity, lambda page, calls: situation(page.chain).due(page, calls))
        except Exception as error:  # noqa: BLE001 - whoever is due after it must be called all the same
            log.warning("the next step of page %s can't be called now: %s", identity, error)
            return error
        return None

    def _change(self, identity: str, decide: Callable[[Page, Sequence[Call]], PageChange]) -> PageChange:
        watched = _Watched(lambda page, calls: decide(page, calls) if page is not None else PageChange(None))
        change = self._pages.change(identity, watched)
        self._note(watched)
        return change

    def _note(self, watched: _Watched) -> None:
        """Count what was changed, and say aloud when nobody answers."""
        before, page = watched.before, watched.change.page
        if page is None:
            return
        with self._lock:
            if before is None:
                self._counts["pages" if page.kind is PageKind.PAGE else "messages"] += 1
            self._counts["calls"] += len(watched.change.calls)
            if before is not None and before.state is PageState.CALLING and page.kind is PageKind.PAGE:
                self._counts["escalations"] += (page.turn, page.step) > (before.turn, before.step)
            for state in (PageState.ACKNOWLEDGED, PageState.RESOLVED, PageState.EXHAUSTED):
                self._counts[state.value] += page.state is state and (before is None or before.state is not state)
        if page.state is PageState.EXHAUSTED and (before is None or before.state is not PageState.EXHAUSTED):
            told = ", ".join(f"{one.receiver} {one.channel}" for one in watched.change.notifications)
            told = told or "nobody, because alert.fallback_receiver names no receiver with a channel"
            log.error("NOBODY ANSWERED page %s of chain %s (%s); told: %s", page.id, page.chain, page.group_key, told)


def _next_channel(situation: Callable[[str], Escalation], failed: Call) -> Callable[[Page, Sequence[Call]], PageChange]:
    return lambda page, calls: situation(page.chain).next_channel(page, calls, failed)


class _Watched:
    """A decision that remembers what it was about: it is counted once it is kept."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self.before: Page | None = None
        self.change = PageChange(None)

    def __call__(self, page: Page | None, calls: Sequence[Call]) -> PageChange:
        self.before, self.change = page, self._decide(page, calls)
        return self.change
