r"""
One target's step: ask, read, append, and say how it went; whatever happens, the step ends and the next one comes.

    fetch (within its time) -> take (in a worker thread) -> draft -> journal -> durable: confirm
         \-> failure of any kind: up = 0, the reason in the list of targets, stale markers for everything
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from tocsin.clock import Clock
from tocsin.collect.append import Draft, Report, Taken, TargetSeries
from tocsin.collect.schedule import NANOSECONDS_PER_MS, stamp_ms
from tocsin.collect.tally import Tally
from tocsin.collect.targets import Target
from tocsin.collect.transport import Answer, Budget, Share
from tocsin.errors import JournalError, LimitExceeded, Overloaded, TocsinError
from tocsin.model.batch import Acceptor, Batch
from tocsin.model.labels import Labels
from tocsin.model.signal import Signal

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class Source(Protocol):
    """Where a target's answer comes from: HTTP, a probe, a function of this process."""

    async def fetch(self, target: Target, share: Share) -> Answer:
        """The answer, within the target's timeout; raises an error of the tree when there is none."""
        ...


class Health(Enum):
    """How the last scrape of a target went; the value is its word in the API of Prometheus."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """
    A target as the list of targets shows it.

    Args:
        job: Job that it was configured under.
        url: What is asked; parameters that look like secrets are hidden.
        labels: What its series get.
        discovered: Labels before relabelling, secrets hidden as well.
        health: How the last scrape went.
        last_error: Why it failed; empty otherwise.
        last_scrape_ms: When it was, milliseconds since 1970-01-01 UTC; 0 before the first.
        last_duration_s: How long it took.
        interval_s: Time between two scrapes.
        timeout_s: Time that one may take.
    """

    job: str
    url: str
    labels: Labels
    discovered: Mapping[str, str]
    health: Health
    last_error: str
    last_scrape_ms: int
    last_duration_s: float
    interval_s: float
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Room:
    """
    What all scrapes share.

    Args:
        acceptor: The way into the journal.
        clock: Times scrapes.
        workers: Threads that read answers.
        budget: Memory for bodies.
        gate: Scrapes that may wait for an answer at the same time.
        tally: Counts.
    """

    acceptor: Acceptor
    clock: Clock
    workers: Executor
    budget: Budget
    gate: asyncio.Semaphore
    tally: Tally

    def now_ms(self) -> int:
        """The present instant."""
        return self.clock.now_ns() // NANOSECONDS_PER_MS


class Scrape:
    """
    A target with its series.

    Args:
        target: What is asked.
        source: How.
        series: What became of its series.
        room: What all scrapes share.
    """

    def __init__(self, target: Target, source: Source, series: TargetSeries, *, room: Room) -> None:
        self.target = target
        self._source = source
        self._series = series
        self._room = room
        self._health = Health.UNKNOWN
        self._error = ""
        self._last_ms = 0
        self._duration_s = 0.0
        self._refusal = ""  # why every scrape fails without a request: the job has too many targets
        self.busy = False

    def refuse(self, reason: str) -> None:
        """Fail every scrape from now on for this reason; an empty one ends that."""
        self._refusal = reason

    async def step(self, scheduled_ms: int) -> None:
        """
        Ask once and append what came.

        Args:
            scheduled_ms: The instant it was due, milliseconds since 1970-01-01 UTC.
        """
        room = self._room
        self.busy = True
        try:
            async with room.gate:
                started_ms, started_s = room.now_ms(), room.clock.monotonic_s()
                at_ms = stamp_ms(scheduled_ms=scheduled_ms, started_ms=started_ms, interval_s=self.target.interval_s)
                room.tally.count_by("scrapes", self.target.job)
                taken = await self._answer(at_ms)
            duration_s = room.clock.monotonic_s() - started_s
            self._note(taken, at_ms, duration_s)
            report = Report(taken.scraped is not None, duration_s, taken.samples, taken.post_relabel, taken.series_added)
            draft = await self._work(lambda: self._series.draft(taken, report, timestamp_ms=at_ms))
            await self._append(draft)
        except Exception:  # a bug of ours in one scrape must end neither the loop nor the other scrapes
            logger.exception("scrape of %s crashed", self.target.shown_url)
            room.tally.count("crashes")
        finally:
            self.busy = False

    async def end(self) -> None:
        """End all series of the target, because it is asked no more."""
        draft = self._series.ending(timestamp_ms=max(self._room.now_ms(), self._last_ms + 1))
        if draft is not None:
            await self._append(draft)

    def status(self) -> TargetStatus:
        """The target as the list of targets shows it."""
        target = self.target
        return TargetStatus(
            target.job,
            target.shown_url,
            target.labels,
            target.shown_discovered,
            self._health,
            self._error,
            self._last_ms,
            self._duration_s,
            target.interval_s,
            target.timeout_s,
        )

    async def _answer(self, at_ms: int) -> Taken:
        """What is taken of the answer; a failure of any kind is an answer without samples."""
        room = self._room
        try:
            if self._refusal:
                raise LimitExceeded(self._refusal)
            with room.budget.share() as share:
                answer = await self._source.fetch(self.target, share)
                room.tally.count("body_bytes", len(answer.body))
                taken = await self._work(lambda: self._series.take(answer, timestamp_ms=at_ms))
        except TocsinError as error:
            room.tally.count_by("failures", error.code)
            return Taken(None, str(error))
        except Exception as error:
            logger.exception("scrape of %s crashed", self.target.shown_url)
            room.tally.count("crashes")
            room.tally.count_by("failures", TocsinError.code)
            return Taken(None, f"a bug of Tocsin, see its log: {type(error).__name__}")
        room.tally.count("samples_scraped", taken.samples)
        if taken.error:
            room.tally.count_by("failures", LimitExceeded.code)
        return taken

    def _note(self, taken: Taken, at_ms: int, duration_s: float) -> None:
        """Remember how it went, and log when that is news."""
        health = Health.UP if taken.scraped is not None else Health.DOWN
        if health is Health.DOWN and (self._health is not Health.DOWN or taken.error != self._error):
            logger.warning("scrape of %s (job %s) failed: %s", self.target.shown_url, self.target.job, taken.error)
        elif health is Health.UP and self._health is Health.DOWN:
            logger.info("scrape of %s (job %s) succeeds again", self.target.shown_url, self.target.job)
        self._health, self._error, self._last_ms, self._duration_s = health, taken.error or taken.note, at_ms, duration_s
        if taken.scraped is not None:
            self._room.tally.count("samples_left_out", taken.left_out + taken.scraped.duplicates + taken.scraped.refused)

    async def _append(self, draft: Draft) -> None:
        """Hand a block to the journal and wait until it is durable; a refusal is counted, and the next block makes up for it."""
        room = self._room
        if not draft.block.records:
            return
        body = await self._work(draft.block.encode)
        try:
            # Shielded: a future of the journal must not be cancelled from here, it belongs to its writer.
            await asyncio.shield(asyncio.wrap_future(room.acceptor(Batch(Signal.SAMPLES, body, draft.block.records))))
        except Overloaded as error:
            self._refused(error)
        except asyncio.CancelledError:
            self._series.doubt(draft)
            raise
        except TocsinError as error:
            self._series.doubt(draft)
            self._refused(error)
        else:
            self._series.confirm(draft)
            room.tally.count("samples_appended", draft.block.records)
            room.tally.count("stale_markers", draft.stale_markers)

    def _refused(self, error: TocsinError) -> None:
        self._room.tally.count_by("appends_refused", error.code)
        reason = "the journal failed" if isinstance(error, JournalError) else "not taken"
        logger.warning("samples of %s are lost, %s: %s", self.target.shown_url, reason, error)

    async def _work(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._room.workers, function)
