"""
Journal, store, loader, fold and desk on one data directory, wired: everything but the doors.

    <data>/journal/    see `tocsin.journal`
    <data>/engine/     the embedded engine's tables

`tocsin up` puts doors in front of it; `tocsin.open`, `tocsin import --data` and the labs use it as it is.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin.app.options import Options
from tocsin.clock import Clock, Entropy, RealEntropy
from tocsin.errors import StoreError, TocsinError
from tocsin.journal.journal import Journal
from tocsin.journal.statistics import RecoveryReport
from tocsin.model.batch import Batch
from tocsin.query.desk import Desk
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
        options: The tree; only journal, store and server.data matter here.
        clock: The present.
        entropy: For segment names.

    Raises:
        Conflict: Another process has the directory open.
        JournalError: The directory can't be written.
        StoreError: The engine does not start.
    """

    def __init__(self, options: Options, *, clock: Clock | None = None, entropy: Entropy | None = None) -> None:
        self.clock: Clock = clock or options.clock.clock()
        self.promql = options.promql
        data = options.server.data.absolute()
        self.journal = Journal(data / "journal", options=options.journal, clock=self.clock, entropy=entropy or RealEntropy())
        self.recovery = self.journal.start()
        try:
            self.store = Store.open(data, options.store, clock=self.clock)
        except BaseException:
            self.journal.close()
            raise
        self.loader = Loader(self.journal, self.store, clock=self.clock)
        self.fold = Fold(self.store.engine, options.fold, self.clock)
        self.desk = Desk(self.store, self.clock, promql=options.promql)
        self._leaving = threading.Event()
        self._retention = threading.Thread(target=self._expire_now_and_then, name="retention", daemon=True)
        self._open = True
        report_recovery(self.recovery, self.journal)
        self.loader.start()
        self.fold.start()
        self._retention.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

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
        self.fold.stop()
        self.loader.stop()
        self.journal.close()
        self._retention.join(10)
        self.desk.close()
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
                self.store.expire()
            except TocsinError as error:
                if not self._leaving.is_set():
                    logger.error("retention could not drop old data: %s", error)
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


def open_directory(directory: Path | str, *, options: Options | None = None, clock: Clock | None = None) -> Desk:
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
    return Desk(house.store, house.clock, promql=house.promql, on_close=lambda: house.__exit__(None, None, None))


def options_for(directory: Path, options: Options | None = None) -> Options:
    """The options (defaults, unless some are given) with another data directory."""
    options = options or Options()
    return options.model_copy(update={"server": options.server.model_copy(update={"data": directory})})
