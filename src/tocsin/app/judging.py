"""Objectives of one process, wired: definitions follow their files, counts the telemetry, policies the counts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from tocsin.app.options import Options
from tocsin.clock import Clock, RealEntropy
from tocsin.errors import ConfigError, TocsinError
from tocsin.model.deployment import Deployment
from tocsin.model.instant import Instant
from tocsin.model.signals import ServiceBurn
from tocsin.query.deployments import Deployments, FoundDeployments
from tocsin.query.metrics import Metrics
from tocsin.query.reading import Reading
from tocsin.slo.attribution.attributor import Attributor
from tocsin.slo.counting.counts import StoredCounts
from tocsin.slo.counting.keeper import Keeper
from tocsin.slo.counting.progress import ProgressBook
from tocsin.slo.desk import SloDesk
from tocsin.slo.files.live import LiveDefinitions
from tocsin.state.state import State
from tocsin.store.engine import Engine
from tocsin.wire.deployments import DeploymentDoor

DEPLOYMENTS_MAX = 10_000  # in one range; as many as a list shows at most
STOP_WAIT_S = 10.0

logger = logging.getLogger(__name__)


class Judging:
    """
    The objectives of one data directory.

    Args:
        options: The tree.
        engine: Telemetry and counts.
        state: Decisions of people, policies, progress.
        metrics: For indicators in PromQL.
        clock: The present.

    Raises:
        ConfigError: `slo.policy` names none.
    """

    def __init__(self, options: Options, *, engine: Engine, state: State, metrics: Metrics, clock: Clock) -> None:
        self._interval_s = options.slo.interval_s
        self._state = state
        reading = Reading(engine, clock)
        self.definitions = LiveDefinitions(options.slo.files, options.promql, clock)
        for mistake in self.definitions.mistakes:
            logger.error("SLO files: %s", mistake)
        self._check_policy(options.slo.policy)
        found = FoundDeployments(reading, absent_s=options.deployments.absent_s)
        self.deployments = Deployments(found, self._marked, same_s=options.deployments.same_s)
        self.door = DeploymentDoor(state.deployments.record, clock, options.deployments)
        book = ProgressBook(state.progress)
        self.keeper = Keeper(
            engine,
            book,
            definitions=lambda: self.definitions.current,
            exclusions=state.exclusions.list,
            clock=clock,
            options=options.slo,
            metrics=metrics,
        )
        self.counts = StoredCounts(engine, book)
        self.slos = SloDesk(
            lambda: self.definitions.current,
            self.counts,
            state,
            clock=clock,
            entropy=RealEntropy(),
            options=options.slo,
            deployments=self.deployments,
            attributor=Attributor(reading, metrics),
            mistakes=lambda: self.definitions.mistakes,
            refused=self.keeper.refused,
        )
        self._leaving = threading.Event()
        self._watch = threading.Thread(target=self._watch_now_and_then, name="slo-watch", daemon=True)

    def _check_policy(self, name: str) -> None:
        known = self.definitions.current.policies
        if name not in known and not self.definitions.mistakes:
            names = ", ".join(sorted(known))
            raise ConfigError(
                f"slo.policy: no budget policy is called {name!r}; known are {names}; `kind: BudgetPolicy` makes more", key="slo.policy"
            )

    def statistics(self) -> Mapping[str, Callable[[], object]]:
        """A function per long-lived object, by its name in /metrics."""
        return {
            "state": self._state.statistics,
            "slo_files": self.definitions.statistics,
            "slo_keeper": self.keeper.statistics,
            "slo": self.slos.statistics,
            "deployments": self.door.statistics,
        }

    def start(self) -> None:
        """Begin to count and to watch."""
        self.keeper.start()
        self._watch.start()

    def stop(self) -> None:
        """Count no more; what is left is counted by the next start. Idempotent."""
        self._leaving.set()
        self.keeper.stop()
        if self._watch.is_alive():
            self._watch.join(STOP_WAIT_S)

    def burns(self, at: Instant) -> Mapping[str, ServiceBurn]:
        """The fastest burning objective of each service, over an hour."""
        return self.slos.burn_by_service(at=at)

    def _marked(self, start: int, end: int, service: str | None) -> Sequence[Deployment]:
        return self._state.deployments.list(service=service, start_ns=start, end_ns=end, limit=DEPLOYMENTS_MAX)

    def _watch_now_and_then(self) -> None:
        while not self._leaving.wait(self._interval_s):
            try:
                if self.definitions.refresh():
                    self._tell()
                for change in self.slos.watch():
                    if change.previous:  # where it begins is no news
                        left = change.remaining_ratio * 100
                        logger.warning(
                            "%s: its budget policy went from %s to %s, %.1f %% left", change.objective, change.previous, change.state, left
                        )
            except TocsinError as error:
                if not self._leaving.is_set():
                    logger.error("objectives could not be judged: %s; trying again", error)
            except Exception:
                logger.exception("objectives could not be judged; trying again")

    def _tell(self) -> None:
        if self.definitions.mistakes:
            for mistake in self.definitions.mistakes:
                logger.error("SLO files changed, and what was in force stays: %s", mistake)
        else:
            logger.info("SLO files were read anew: %d objectives", len(self.definitions.current.objectives))
