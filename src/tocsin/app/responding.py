"""Who is called and what is learnt, wired: on-call plan, chains of escalation, incidents, the status page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tocsin.app.judging import Judging
from tocsin.app.options import Options, environment
from tocsin.app.routing import LiveRouting
from tocsin.clock import Clock, RealEntropy
from tocsin.errors import NotFound, TocsinError
from tocsin.incident.askers import askers_of
from tocsin.incident.desk import IncidentDesk, IncidentParts
from tocsin.incident.exemplar import Exemplars
from tocsin.incident.impact import Impacts
from tocsin.incident.keeper import Keeper
from tocsin.incident.opener import Opener
from tocsin.incident.timeline_sources import sources_of
from tocsin.model.instant import Instant
from tocsin.oncall.channels import Channels
from tocsin.oncall.desk import OncallDesk
from tocsin.oncall.escalation import Destination
from tocsin.oncall.escalator import Escalator
from tocsin.oncall.files.live import LivePlan
from tocsin.oncall.reach import Night
from tocsin.oncall.roster import Roster
from tocsin.oncall.watch import OncallWatch
from tocsin.query.desk import Desk
from tocsin.state.state import State

STOP_WAIT_S = 10.0
TELL_INTERVAL_S = 2.0
PAGES_LOOKED_AT = 100  # the newest: nobody answers older ones

logger = logging.getLogger(__name__)


class Responding:
    """
    People and incidents of one data directory.

    Args:
        options: The tree.
        state: Everything that must survive.
        desk: Questions about telemetry.
        judging: Objectives and deployments.
        routing: Receivers, and what channels are built with.
        clock: The present.
    """

    def __init__(self, options: Options, *, state: State, desk: Desk, judging: Judging, routing: LiveRouting, clock: Clock) -> None:
        self._options = options
        self._state = state
        self._routing = routing
        self._fallback = options.alert.fallback_receiver
        self.plan = LivePlan(options.oncall.files, clock)
        night = Night(options.oncall.night_start_hour, options.oncall.night_end_hour)
        self.escalator = Escalator(state.oncall.pages, self._roster, clock=clock, night=night, fallback=self._destinations)
        self.channels = Channels(
            lambda: self.plan.current,
            self.escalator,
            build=routing.build,
            defaults=lambda: routing.config.defaults,
            environment=environment(),
        )
        self.oncall = OncallDesk(self.plan, state.oncall, self.escalator, self.channels, options.oncall, clock=clock, entropy=RealEntropy())
        impacts = Impacts(
            lambda: judging.definitions.current, judging.counts, judging.slos, lookback_s=options.incident.detection_lookback_s
        )
        self.incidents = IncidentDesk(
            state.incidents,
            clock=clock,
            options=options.incident,
            parts=IncidentParts(
                sources=sources_of(
                    alerting=state.alerting, deployments=judging.deployments, policies=state.policies, objectives=impacts.objectives
                ),
                askers=askers_of(desk, judging.slos, explainer=desk.explainer),
                impacts=impacts,
                acknowledge_pages=self._acknowledge_pages,
                exemplar_of=Exemplars(desk).of,
                slos=judging.slos,
            ),
        )
        opener = Opener(state.incidents, state.alerting.outbox, acknowledged=self._acknowledged) if options.incident.open_by_page else None
        self.keeper = Keeper(self.incidents, opener, clock=clock, history=state.alerting, first_bad=impacts)
        self._watch = OncallWatch(self.oncall, state.oncall, options.oncall, clock)
        self._told: set[str] = set()
        self._leaving = threading.Event()
        self._telling = threading.Thread(target=self._tell_now_and_then, name="acknowledgements", daemon=True)

    def statistics(self) -> Mapping[str, Callable[[], object]]:
        """A function per long-lived object, by its name in /metrics."""
        return {"oncall": self.oncall.statistics, "incidents": self.keeper.statistics}

    def start(self) -> None:
        """Call people whose step is due, and keep incidents, from now on."""
        self._watch.start()
        self._telling.start()
        self.keeper.start()

    def stop(self) -> None:
        """End after what is under way; idempotent."""
        self._leaving.set()
        self.keeper.stop()
        self._watch.stop()
        if self._telling.is_alive():
            self._telling.join(STOP_WAIT_S)
        self.channels.forget()

    def _roster(self) -> Roster:
        return self.oncall.roster()

    def _destinations(self) -> Sequence[Destination]:
        """Who is told of a page that nobody answered."""
        return [Destination(self._fallback, info.name) for info in self._routing.infos(self._fallback)] if self._fallback else ()

    def _acknowledge_pages(self, group_keys: Sequence[str], by: str, at: Instant) -> None:
        for key in group_keys:
            with suppress(NotFound):  # nobody was called for that group
                self.escalator.acknowledge(key, by, at)

    def _acknowledged(self, group_key: str) -> tuple[str, Instant] | None:
        """Who answered the last page of a group, and when; None when nobody did."""
        answered = (page for page in self._state.oncall.pages.list(limit=PAGES_LOOKED_AT) if page.group_key == group_key)
        page = next(answered, None)
        if page is None or page.acknowledged_at is None:
            return None
        return page.acknowledged_by, page.acknowledged_at

    def _tell_incidents(self) -> None:
        """Whoever took a page has answered the incident as well; said again after a restart, which changes nothing."""
        for page in self._state.oncall.pages.list(limit=PAGES_LOOKED_AT):
            if page.acknowledged_at is not None and page.id not in self._told:
                self.incidents.page_acknowledged(page.group_key, page.acknowledged_by, page.acknowledged_at)
                self._told.add(page.id)

    def _tell_now_and_then(self) -> None:
        while not self._leaving.wait(TELL_INTERVAL_S):
            try:
                self._tell_incidents()
            except TocsinError as error:
                logger.error("incidents could not be told who answered: %s; trying again", error)
            except Exception:
                logger.exception("incidents could not be told who answered; trying again")
