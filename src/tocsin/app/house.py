"""
Journal, store, state, loader, fold, objectives and desk on one data directory, wired: everything but the doors.

    <data>/journal/        see `tocsin.journal`
    <data>/engine/         the embedded engine's tables
    <data>/state.sqlite    decisions of people, unless they live in PostgreSQL

`tocsin up` puts doors in front of it; `tocsin.open`, `tocsin import --data` and the labs use it as it is.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tocsin.api.context import Context
from tocsin.app.alerting import Alerting
from tocsin.app.judging import Judging
from tocsin.app.options import Options
from tocsin.app.replaying import replay_desk
from tocsin.clock import Clock, Entropy, RealEntropy
from tocsin.errors import StoreError, TocsinError
from tocsin.journal.journal import Journal
from tocsin.journal.statistics import RecoveryReport
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal
from tocsin.query.desk import Desk, DeskParts
from tocsin.query.metrics import Metrics
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.patterns.keeper import PatternKeeper
from tocsin.query.series.recent import RecentSeries
from tocsin.slo.counting.keeper import Keeper
from tocsin.slo.desk import SloDesk
from tocsin.state.state import State
from tocsin.store.fold import Fold
from tocsin.store.loader import Loader
from tocsin.store.store import Store

RETENTION_INTERVAL_S = 3600.0  # partitions are weeks: looking more often finds nothing
SETTLE_S = 3600.0  # how long `settle` waits; the engine takes a full default backlog in a fraction of that
STUCK_S = 10.0  # ... unless the engine has been refusing for so long
SETTLE_POLL_S = 0.01

logger = logging.getLogger(__name__)


class House:
    """
    Opens on construction, closes by `close` or as a context manager.

    Args:
        options: The tree; those of the doors don't matter here.
        clock: The present.
        entropy: For segment names.

    Raises:
        Conflict: Another process has the directory open.
        JournalError: The directory can't be written.
        StoreError: The engine does not start, or the database of the state can't be used.
        ConfigError: `state.url` is wrong, or `slo.policy` names no policy.
    """

    def __init__(self, options: Options, *, clock: Clock | None = None, entropy: Entropy | None = None) -> None:
        self.clock: Clock = clock or options.clock.clock()
        self.options = options
        data = options.server.data.absolute()
        self.journal = Journal(data / "journal", options=options.journal, clock=self.clock, entropy=entropy or RealEntropy())
        self.recovery = self.journal.start()
        with ExitStack() as opened:  # what is open is closed again when something after it does not open
            opened.callback(self.journal.close)
            self.store = Store.open(data, options.store, clock=self.clock)
            opened.callback(self.store.close)
            self.state = State.open(data, options.state)
            opened.callback(self.state.close)
            recent = RecentSeries()
            metrics = Metrics.of_engine(self.store.engine, self.clock, options.promql, recent=recent)
            opened.callback(metrics.close)
            self.judging = Judging(options, engine=self.store.engine, state=self.state, metrics=metrics, clock=self.clock)
            self._catalogue = Catalogue(self.store.engine, self.clock)
            self.patterns = PatternKeeper(self.store.engine, self._catalogue, self.clock)
            self.desk = Desk(self.store, self.clock, parts=self.desk_parts(metrics))
            self.alerting = Alerting(
                options, state=self.state, desk=self.desk, judging=self.judging, accept=self.accept, recent=recent, clock=self.clock
            )
            self.replay = replay_desk(
                options,
                options.replay,
                state=self.state,
                desk=self.desk,
                judging=self.judging,
                alerting=self.alerting,
                clock=self.clock,
            )
            opened.pop_all()
        self.loader = Loader(self.journal, self.store, clock=self.clock, on_loaded=self._segment_loaded)
        self.fold = Fold(self.store.engine, options.fold, self.clock)
        self._leaving = threading.Event()
        self._retention = threading.Thread(target=self._expire_now_and_then, name="retention", daemon=True)
        self._open = True
        report_recovery(self.recovery, self.journal)
        self.loader.start()
        self.fold.start()
        self.judging.start()
        self.patterns.start()
        self.alerting.start()
        self._retention.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def desk_parts(self, metrics: Metrics) -> DeskParts:
        """What a desk on this house has beside store and clock."""
        judging, options = self.judging, self.options
        return DeskParts(metrics, options.signals, judging.deployments.between, judging.burns, options.usage, self._catalogue)

    def _segment_loaded(self, signal: Signal, segment: int) -> None:
        self.judging.keeper.segment_loaded(signal, segment)
        self.patterns.segment_loaded(signal, segment)

    def context(self, **more: Any) -> Context:
        """What the API's handlers work with; `more` is what only a server has."""
        judging = self.judging
        return Context(
            desk=self.desk,
            clock=self.clock,
            journal=self.journal,
            slos=judging.slos,
            deployments=judging.deployments,
            deployment_door=judging.door,
            alerts=self.alerting.desk,
            rules=self.alerting.manager.groups,
            checked_rules=lambda: self.alerting.rules.checked,
            oncall=self.alerting.responding.oncall,
            incidents=self.alerting.responding.incidents,
            replay=self.replay,
            **more,
        )

    @property
    def slos(self) -> SloDesk:
        """Questions and decisions about objectives."""
        return self.judging.slos

    @property
    def keeper(self) -> Keeper:
        """What counts for objectives."""
        return self.judging.keeper

    def accept(self, batch: Batch) -> Future[None]:
        """The acceptor for the doors: resolves once the batch is durable."""
        return self.journal.append(batch)

    def settle(self, *, timeout_s: float = SETTLE_S) -> None:
        """
        Wait until everything that was acknowledged is queryable (or in quarantine).

        Raises:
            StoreError: The engine did not take everything in time; what is left stays in the journal.
        """
        begun_s = self.clock.monotonic_s()
        stuck_s = begun_s
        while any(lane.backlog_segments or lane.queued_bytes for lane in self.journal.statistics().lanes.values()):
            now_s = self.clock.monotonic_s()
            stuck = [lane.last_error for lane in self.loader.statistics().values() if lane.waiting]
            stuck_s = stuck_s if stuck else now_s
            if now_s - begun_s > timeout_s or now_s - stuck_s > STUCK_S:
                why = f": {stuck[0]}" if stuck else f" within {timeout_s:g} s"
                raise StoreError(f"the engine did not take everything that was acknowledged{why}; what is left stays in the journal")
            self._leaving.wait(SETTLE_POLL_S)

    def close(self, *, drain_s: float = 0.0) -> bool:
        """
        Stop loading, close journal and engine; idempotent. Call it when the doors are shut.

        Args:
            drain_s: Seconds to go on loading what was acknowledged. What is left is loaded by the next start.

        Returns:
            Whether nothing was left.
        """
        if not self._open:
            return True
        self._open = False
        drained = self._drain(drain_s)
        self._leaving.set()
        self.replay.close()
        self.alerting.stop()
        self.fold.stop()
        self.loader.stop()
        self.patterns.stop()
        self.judging.stop()
        self.journal.close()
        self._retention.join(10)
        self.desk.close()
        self.state.close()
        self.store.close()
        return drained

    def _drain(self, drain_s: float) -> bool:
        try:
            self.settle(timeout_s=drain_s)
        except StoreError as error:
            logger.warning("%s; the next start loads it", error)
            return False
        return True

    def _expire_now_and_then(self) -> None:
        while not self._leaving.is_set():
            try:
                self.store.expire(dropping=self.judging.keeper.dropping)
                self.state.expire(self.clock.now_ns())
            except TocsinError as error:
                if not self._leaving.is_set():
                    logger.error("retention could not drop old data: %s", error)
            except Exception:
                logger.exception("retention could not drop old data; trying again in an hour")
            self._leaving.wait(RETENTION_INTERVAL_S)


def report_recovery(report: RecoveryReport, journal: Journal) -> None:
    """Say in the log what the last process left, and what waits in quarantine: as loudly as it deserves."""
    if report.segments:
        logger.info(
            "the journal held %d segments with %d records that were not loaded yet; loading them now", report.segments, report.records
        )
    if report.tails_cut:
        logger.warning(
            "the last process ended in the middle of a write: %d unfinished ends (%d bytes) were cut; nothing acknowledged is lost by that",
            report.tails_cut,
            report.bytes_cut,
        )
    for token in report.corrupt:
        logger.error("segment %s is damaged on disk: its valid part was kept, the original is in quarantine; see `tocsin journal`", token)
    for what in report.unreadable:
        logger.error("a segment can't be read and stays where it is: %s", what)
    for name in report.ignored:
        logger.warning("the journal's directory holds %s, which is none of its files; it is left alone", name)
    refused = [entry for entry in journal.quarantined() if entry.kind.name == "REFUSED"]
    if refused:
        records = sum(entry.records for entry in refused)
        logger.error(
            "%d segments with %d records are in quarantine because the engine refused them; `tocsin journal` says why,"
            " `tocsin journal replay` tries again",
            len(refused),
            records,
        )


class DirectoryDesk(Desk):
    """A desk that has a data directory open, with its objectives as `slos`."""

    def __init__(self, house: House) -> None:
        parts = house.desk_parts(house.desk.metrics)
        super().__init__(house.store, house.clock, parts=parts, on_close=lambda: house.__exit__(None, None, None))
        self.slos = house.slos


def open_directory(directory: Path | str, *, options: Options | None = None, clock: Clock | None = None) -> DirectoryDesk:
    """
    A desk on a data directory, without a server; see `tocsin.open`.

    Args:
        directory: The data directory; created when missing.
        options: Others than the defaults; its `server.data` is not looked at.
        clock: The present, for `now-15m`; the machine's own by default.

    Raises:
        Conflict: A server, or another process, has it open.
    """
    house = House(options_for(Path(directory), options), clock=clock)
    try:
        house.settle()
    except BaseException:
        house.close()
        raise
    return DirectoryDesk(house)


def options_for(directory: Path, options: Options | None = None) -> Options:
    """
    The options (defaults, unless some are given) with another data directory, where nobody is told anything.

    Whoever opens a directory to read it, or to bring old files in, must not wake people with what it holds.
    """
    options = options or Options()
    server, alert = options.server.model_copy(update={"data": directory}), options.alert.model_copy(update={"enabled": False})
    return options.model_copy(update={"server": server, "alert": alert})
