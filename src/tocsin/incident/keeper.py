"""
What goes on by itself: pages open incidents, fixes are watched, exemplar traces are pinned, the status page is written.

One round does all of it and can be repeated at any time: everything that it has done stands in the relational state.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.incident import lifecycle
from tocsin.incident.answers import IncidentStatistics
from tocsin.incident.desk import IncidentDesk
from tocsin.incident.opener import Opener
from tocsin.model.alert import AlertEvent
from tocsin.model.incident import Incident, IncidentState
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.state.incidents import Change

SLOW_S = 30.0  # between two attempts at what may still be on its way: an exemplar trace, counts of the first bad minutes
FIRST_BAD_AGE_NS = 3600 * NANOSECONDS
EVENTS_MAX = 10_000
STOP_WAIT_S = 10.0
logger = logging.getLogger(__name__)


class AlertHistory(Protocol):
    """Alerts that began and ended; `state.alerting` is one."""

    def events(self, start: Instant | None = None, end: Instant | None = None, *, limit: int = EVENTS_MAX) -> Sequence[AlertEvent]:
        """The last `limit` in [start, end), oldest first."""
        ...


class FirstBad(Protocol):
    """Where the first bad minute is found; `impact.Impacts` is one."""

    def first_bad(self, services: Sequence[str], alerted_at: Instant) -> Instant | None:
        """The first minute of the bad stretch in which an alert began."""
        ...


class Keeper:
    """
    Runs rounds in a thread of its own, from `start` to `stop`; `round` does one at once.

    Args:
        desk: Incidents.
        opener: Follows pages; None when they open nothing.
        clock: The present.
        history: Alerts that began and ended, so that none that is short is overlooked while a fix is watched; None to rely on pages.
        first_bad: Finds first bad minutes; None without objectives.
        on_resolved: Told of incidents whose watching ended well.
    """

    def __init__(
        self,
        desk: IncidentDesk,
        opener: Opener | None,
        *,
        clock: Clock,
        history: AlertHistory | None = None,
        first_bad: FirstBad | None = None,
        on_resolved: Callable[[Incident], object] | None = None,
    ) -> None:
        self._desk = desk
        self._kept = desk.kept
        self._opener = opener
        self._clock = clock
        self._history = history
        self._first_bad = first_bad
        self._on_resolved = on_resolved
        self._next_slow_s = 0.0
        self._looked_back = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._statistics = IncidentStatistics()

    def start(self) -> None:
        """Begin with rounds."""
        assert self._thread is None, "a keeper is started once"
        self._thread = threading.Thread(target=self._run, name="tocsin-incidents", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present round; idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_WAIT_S)

    def round(self) -> None:
        """
        Do everything that is due now. What fails is logged, counted, and due again; it keeps nothing else from being done.

        A bug is no failure of this kind: it leaves this method.
        """
        for step in (self._follow, self._watch, self._slowly, self._write_page):
            try:
                step()
            except TocsinError as error:
                logger.error("incidents: %s", error)
                self._count(failures=1)

    def statistics(self) -> IncidentStatistics:
        """Counters, and how many incidents are in which state; the latter asks the database."""
        with self._lock:
            counted = self._statistics
        now = self._desk.statistics()
        return replace(counted, open=now.open, waiting=now.waiting, unacknowledged=now.unacknowledged)

    def _run(self) -> None:
        while not self._stopping.wait(self._desk.options.interval_s):
            try:
                self.round()
            except Exception:  # whatever one incident trips over, others are to be opened
                logger.exception("a round over incidents met something unexpected")
                self._count(failures=1)

    def _follow(self) -> None:
        if self._opener is None:
            return
        opened = self._opener.follow()
        self._count(opened=len(opened))
        for incident in opened:
            self._equip(incident)

    def _equip(self, incident: Incident) -> None:
        """Give a new incident what can be known by itself."""
        self._desk.pins.want_exemplar(incident, self._clock.now_ns())
        self._next_slow_s = 0.0

    def _watch(self) -> None:
        now, watch_s = self._clock.now_ns(), self._desk.options.watch_s
        open_ones = self._kept.list(state=IncidentState.OPEN)
        if not open_ones:
            return
        begun = min(incident.started_at for incident in open_ones)
        events = self._history.events(begun, now + 1, limit=EVENTS_MAX) if self._history is not None else ()
        for incident in open_ones:
            # Looked at before it is asked for to be changed: a round in which nothing happened writes nothing.
            if lifecycle.kept_up(incident, events, now, watch_s) is not None:
                self._keep_up(incident.number, events, now, watch_s)

    def _keep_up(self, number: int, events: Sequence[AlertEvent], now: Instant, watch_s: float) -> None:
        changed = self._kept.change(number, lambda present: lifecycle.kept_up(present, events, now, watch_s))
        if changed.state is IncidentState.RESOLVED:
            self._count(resolved=1)
            logger.info("%s is resolved", changed.id)
            if self._on_resolved is not None:
                self._on_resolved(changed)

    def _slowly(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._next_slow_s:
            return
        self._next_slow_s = now_s + SLOW_S
        open_ones = self._kept.list(state=IncidentState.OPEN)
        if not self._looked_back:
            # Killed between opening an incident and noting down what it needs, the last process left that to us.
            self._looked_back = True
            for incident in open_ones:
                if not self._kept.evidence.list(incident.number):
                    self._desk.pins.want_exemplar(incident, self._clock.now_ns())
        for incident in open_ones:
            self._find_first_bad(incident)
        self._count(pinned=self._desk.pins.retry(self._clock.now_ns()))

    def _find_first_bad(self, incident: Incident) -> None:
        young = self._clock.now_ns() - incident.opened_at < FIRST_BAD_AGE_NS
        if self._first_bad is None or incident.first_bad_at is not None or incident.alerted_at is None or not incident.service or not young:
            return
        found = self._first_bad.first_bad([incident.service], incident.alerted_at)
        if found is not None:
            self._kept.change(incident.number, lambda one: Change(replace(one, first_bad_at=found)) if one.first_bad_at is None else None)

    def _write_page(self) -> None:
        self._desk.page.write(self._clock.now_ns())

    def _count(self, **more: int) -> None:
        with self._lock:
            now = self._statistics
            self._statistics = replace(now, **{name: getattr(now, name) + count for name, count in more.items()})
