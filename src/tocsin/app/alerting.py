"""
From a rule to a person, wired: rules are evaluated, alerts dispatched, notifications delivered, people called, incidents opened.

    rules -> manager -> pipeline (dispatcher + state) -> delivery -> channels
                                                             `-> chains of escalation -> outbox -> channels of people
    outbox -> incidents

Everything that must survive a restart stands in the relational state; whoever stops and starts these threads loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tocsin.alert.conditions.burn import BurnEvaluator
from tocsin.alert.conditions.composite import CompositeEvaluator
from tocsin.alert.conditions.events import EventsEvaluator
from tocsin.alert.conditions.new_pattern import NewPatternEvaluator
from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.conditions.signals import signals_evaluator
from tocsin.alert.definition import AtLeast, BurnAbove, Evaluator, EventsCompare, NewPattern, Promql, SignalBreach
from tocsin.alert.desk import AlertDesk
from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.files.live import LiveRules
from tocsin.alert.page.source import PageFactsSource, PageSources
from tocsin.alert.page.writing import PageAddresses
from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.delivery_records import DeliveryLimits
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.pipeline.forward import Forwarder
from tocsin.alert.pipeline.heartbeat import Heartbeat, HeartbeatStatistics
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.manager import RuleManager, RuleSurroundings
from tocsin.alert.rules.writer import RuleWriter
from tocsin.alert.template.rule_functions import RuleRender
from tocsin.app.judging import Judging
from tocsin.app.options import Options
from tocsin.app.responding import Responding
from tocsin.app.routing import DESK, LiveRouting, channels_of
from tocsin.clock import Clock, RealEntropy
from tocsin.errors import TocsinError
from tocsin.model.alert import Alert
from tocsin.model.batch import Acceptor
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.query.desk import Desk
from tocsin.query.promql.parser import parse
from tocsin.query.series.recent import RecentSeries
from tocsin.state.state import State

REFRESH_S = 5.0
PAGE_FACTS_S = 4.0  # how long a page waits for what it says beyond its alerts
STOP_WAIT_S = 10.0
RULES_STALE_S = 180.0  # beside three intervals: without an evaluation for so long the heartbeat is withheld

logger = logging.getLogger(__name__)


class Alerting:
    """
    Rules, alerts, notifications, on-call and incidents of one data directory.

    Args:
        options: The tree.
        state: Everything that must survive.
        desk: Questions about telemetry.
        judging: Objectives.
        accept: The journal's door, for what rules record.
        recent: What rules recorded lately, which queries see at once.
        clock: The present.

    Raises:
        ConfigError: The routing configuration, an address or a certificate is wrong.
        StoreError: What the last process left can't be read.
    """

    def __init__(
        self,
        options: Options,
        *,
        state: State,
        desk: Desk,
        judging: Judging,
        accept: Acceptor,
        recent: RecentSeries,
        clock: Clock,
    ) -> None:
        self._options = options
        self._state = state
        self._clock = clock
        alert, entropy = options.alert, RealEntropy()
        external_url = alert.external_url or f"http://{options.server.http}"
        self.routing = LiveRouting(alert, external_url, clock=clock)
        self.rules = LiveRules(options.rules, lambda: judging.definitions.current.objectives, alert, options.promql, clock=clock)
        for mistake in self.rules.mistakes:
            logger.error("rule files: %s", mistake)
        self._promql = PromqlEvaluator(desk.metrics.catalog, clock, options.promql, recent=recent)
        self.evaluators = evaluators_of(self._promql, options, desk=desk, judging=judging, clock=clock)
        self.responding = Responding(options, state=state, desk=desk, judging=judging, routing=self.routing, clock=clock)
        self._channels = channels_of(self.routing, self.responding.channels.of_receiver)
        self.pipeline = Pipeline(state.alerting, self._dispatcher(), clock=clock, announce=self._announce, history_days=alert.history_days)
        self._pages = PageFactsSource(
            PageSources(judging.slos, judging.deployments, desk),
            clock=clock,
            addresses=lambda: PageAddresses(external_url),
            limit_s=PAGE_FACTS_S,
        )
        self.delivery = Delivery(
            state.alerting.outbox,
            self._channel,
            self._pages.page,
            Fallback(alert.fallback_receiver, self._channel_names, self.responding.escalator.next_channel),
            clock=clock,
            entropy=entropy,
            bare=self._pages.bare,
            limits=DeliveryLimits(give_up_s=alert.give_up_s, person_give_up_s=alert.person_give_up_s),
        )
        self._forwarder = Forwarder(
            alert.forward, clock=clock, resend_s=alert.resend_s, interval_s=alert.interval_s, external_labels=alert.external_labels
        )
        self._writer = RuleWriter(accept)
        self.manager = RuleManager(lambda: self.rules.current, self._surroundings(external_url, recent))
        self.desk = AlertDesk(
            self.pipeline,
            state.alerting,
            config=lambda: self.routing.config,
            channels_of=self._channels,
            clock=clock,
            entropy=entropy,
            rule_groups=self.manager.groups,
            announce=self._announce,
            resolve_timeout_s=alert.resolve_timeout_s,
        )
        self._heartbeat = self._beating() if alert.heartbeat_url else None
        self._leaving = threading.Event()
        self._refreshing = threading.Thread(target=self._refresh_now_and_then, name="alert-files", daemon=True)

    def _surroundings(self, external_url: str, recent: RecentSeries) -> RuleSurroundings:
        """What rules are evaluated with, and where what they find goes."""
        alert = self._options.alert
        return RuleSurroundings(
            self.evaluators,
            Texts(RuleRender(self._vector), alert.external_labels, external_url),
            self._clock,
            self._take,
            store=self._writer.write,
            recent=recent,
            states=self._state.rule_states,
            options=alert,
        )

    def _beating(self) -> Heartbeat:
        alert = self._options.alert
        return Heartbeat(
            alert.heartbeat_url, alert.heartbeat_s, clock=self._clock, rules_run=self._rules_run, outbox_works=self._outbox_works
        )

    def statistics(self) -> Mapping[str, Callable[[], object]]:
        """A function per long-lived object, by its name in /metrics."""
        return {
            "rule_files": self.rules.statistics,
            "rules": self.manager.statistics,
            "rule_writer": self._writer.statistics,
            "pages": self._pages.statistics,
            "alerts": self.pipeline.statistics,
            "dispatch": self.pipeline.dispatched,
            "delivery": self.delivery.statistics,
            "forward": self._forwarder.statistics,
            "heartbeat": self._heartbeat.statistics if self._heartbeat is not None else lambda: HeartbeatStatistics({}, ""),
            **self.responding.statistics(),
        }

    def start(self) -> None:
        """Go on where the last process ended, and evaluate, dispatch, deliver and call from now on."""
        if not self._options.alert.enabled:
            logger.debug("alert.enabled is false: no rule is evaluated, nobody is told anything")
            return
        self.pipeline.load()
        self.pipeline.start()
        self.delivery.start()
        self.responding.start()
        self._forwarder.start()
        if self._heartbeat is not None:
            self._heartbeat.start()
        self.manager.start()
        self._refreshing.start()

    def stop(self) -> None:
        """End after what is under way; idempotent."""
        self._leaving.set()
        for part in (self._heartbeat, self.manager, self._forwarder, self.pipeline, self.responding, self.delivery):
            if part is not None:
                part.stop()
        if self._refreshing.is_alive():
            self._refreshing.join(STOP_WAIT_S)
        self._promql.close()
        self._pages.close()
        self.routing.close()

    def _take(self, alerts: Sequence[Alert], at: Instant) -> None:
        self.pipeline.accept(alerts, at)
        self._forwarder.put(alerts, at)

    def _announce(self) -> None:
        self.delivery.wake()

    def _dispatcher(self) -> Dispatcher:
        alert = self._options.alert
        return Dispatcher(self.routing.config, channels_of=self._channels, start_delay_s=alert.resend_s, alerts_max=alert.alerts_max)

    def _channel(self, receiver: str, name: str) -> Any:
        return DESK if name == DESK.name else self.routing.channel(receiver, name) or self.responding.channels.find(name)

    def _channel_names(self, receiver: str) -> Sequence[str]:
        return [info.name for info in self._channels(receiver)]

    def _vector(self, query: str, at: Instant) -> Sequence[tuple[Mapping[str, str], float]]:
        """What a query in a template finds."""
        return [(dict(element.labels), element.value) for element in self.evaluators.at(Promql(query, parse(query)), at)]

    def _rules_run(self) -> bool:
        """Whether a group was evaluated lately; without any group there is nothing to miss."""
        groups = self.manager.groups()
        newest = max((group.evaluated_at or 0 for group in groups), default=None)
        limit_s = max(RULES_STALE_S, 3 * max((group.group.interval_s for group in groups), default=0))
        return newest is None or self._clock.now_ns() - newest < limit_s * NANOSECONDS

    def _outbox_works(self) -> bool:
        return self.delivery.works() and self.pipeline.works()

    def _refresh_now_and_then(self) -> None:
        while not self._leaving.wait(REFRESH_S):
            try:
                self.refresh()
            except TocsinError as error:
                logger.error("rules and routes can't be read anew: %s; trying again", error)
            except Exception:
                logger.exception("rules and routes can't be read anew; trying again")

    def refresh(self) -> None:
        """Look whether files or objectives changed, and take over what they say now."""
        if self.rules.refresh():
            logger.info("rules are in force anew: %d groups", len(self.rules.current.groups))
        if self.routing.refresh():
            logger.info("alert.config is in force anew")
            self.responding.channels.forget()
            self.pipeline.replace(self._dispatcher())


def evaluators_of(promql: Evaluator, options: Options, *, desk: Desk, judging: Judging, clock: Clock) -> Evaluators:
    """What answers each kind of condition, over one data directory."""

    def objectives() -> Any:
        return judging.definitions.current.objectives

    simple = Evaluators(
        {
            Promql: promql,
            BurnAbove: BurnEvaluator(objectives, judging.counts, judging.slos.decisions.exclusions, clock=clock),
            EventsCompare: EventsEvaluator(desk.reading),
            SignalBreach: signals_evaluator(desk.signals, desk.reading, desk.metrics, options.signals, clock=clock),
            NewPattern: NewPatternEvaluator(desk.patterns),
        }
    )
    return simple.plus({AtLeast: CompositeEvaluator(simple, objectives)})
