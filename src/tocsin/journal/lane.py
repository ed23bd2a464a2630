"""
One signal's way through the journal: a queue in memory, a thread that commits it in groups, closed segments for the loader.

    append -> queue -> [writer thread: write, sync, resolve futures] -> open file -> closed segments -> take -> complete

Group commit: while one sync runs, requests queue up; the next commit takes them all. So the slower the disk, the larger the
commit, and the same rule makes segments grow while the engine is busy: the open file is closed when somebody asks for one.

What always holds: a future resolves only after the sync; the writer thread survives every failure of the disk; the lock is never
held during a call to the disk.
"""

from __future__ import annotations

import logging
import threading
from bisect import insort
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

from tocsin.clock import Clock
from tocsin.errors import JournalError, LimitExceeded, Overloaded
from tocsin.journal.filesystem import FileSystem
from tocsin.journal.frame import FRAME_BYTES_MAX, LENGTH_BYTES_MAX, TRAILER_BYTES
from tocsin.journal.options import JournalOptions
from tocsin.journal.space import FreeSpace
from tocsin.journal.statistics import LaneStatistics
from tocsin.journal.writer import Entry, SegmentWriter
from tocsin.model.batch import Batch, Segment

FINISH_RETRY_S = 0.5  # a file that could not be closed delays its data by this much per attempt
HOLD_S_MAX = 1.0  # an exporter waits ten seconds for an answer by default
QUEUE_RETRY_AFTER_S = 1.0  # the queue drains at disk speed
BACKLOG_RETRY_AFTER_S = 5.0  # the backlog drains at the engine's
SPACE_RETRY_AFTER_S = 30.0  # somebody has to make room
FRAME_OVERHEAD_BYTES = LENGTH_BYTES_MAX + TRAILER_BYTES

logger = logging.getLogger(__name__)


class Lane:
    """
    One signal's journal; every method may be called from any thread, `turn` from one at a time.

    Args:
        writer: The writing end.
        options: Limits.
        filesystem: The disk.
        clock: For the instant of receipt.
        space: Says when the disk is nearly full.
    """

    def __init__(self, writer: SegmentWriter, *, options: JournalOptions, filesystem: FileSystem, clock: Clock, space: FreeSpace) -> None:
        self._writer = writer
        self._options = options
        self._filesystem = filesystem
        self._clock = clock
        self._space = space
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._offered = threading.Condition(self._lock)
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._ready: list[Segment] = []
        self._held: dict[str, Segment] = {}
        self._backlog_bytes = 0
        self._writing_segments = 0
        self._unremoved: list[Path] = []
        self._segment_wanted = False
        self._held_since_s: float | None = None
        self._seals_asked = 0
        self._seals_done = 0
        self._stopping = False
        self._closed = False
        self._disk_failing = False
        self._counts: Counter[str] = Counter()
        self._thread: threading.Thread | None = None

    def start(self, name: str) -> None:
        """Start the writer thread."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what is queued, close the open file, stop the thread; segments that were not taken stay for the next start."""
        with self._lock:
            self._stopping = True
            self._work.notify_all()
        if self._thread:
            self._thread.join()
        else:
            while self.turn(wait=False):
                pass
        self._retry_removals()

    # ------------------------------------------------------------------------------------------------------------ going in

    def append(self, batch: Batch) -> Future[None]:
        """
        Queue a batch; the future resolves when it is durable, or fails with JournalError.

        Raises:
            Overloaded: Too much is waiting, or the lane is closed.
            LimitExceeded: The batch is larger than any frame may be.
        """
        size_bytes = len(batch.body) + FRAME_OVERHEAD_BYTES
        if size_bytes > FRAME_BYTES_MAX:
            raise LimitExceeded(
                f"a request of {len(batch.body)} bytes is larger than the journal's limit of {FRAME_BYTES_MAX}; send less at once"
            )
        entry = Entry(batch, self._clock.now_ns(), Future())
        short_of_space = self._space.short()
        with self._lock:
            if refusal := self._refusal(size_bytes, short_of_space=short_of_space):
                self._counts["refused_batches"] += 1
                raise refusal
            self._queue.append(entry)
            self._queued_bytes += size_bytes
            self._work.notify()
        return entry.future

    def _refusal(self, size_bytes: int, *, short_of_space: bool) -> Overloaded | None:
        if self._stopping:
            return Overloaded("the journal is closed; send again when the server is back", retry_after_s=BACKLOG_RETRY_AFTER_S)
        if short_of_space:
            return Overloaded(
                f"less than journal.free_bytes_min ({self._options.free_bytes_min} bytes) is free on the journal's disk; make room",
                retry_after_s=SPACE_RETRY_AFTER_S,
            )
        # A single batch above the limit gets in when nothing else waits: refused for ever it would never be told so.
        if self._queue and self._queued_bytes + size_bytes > self._options.queue_bytes_max:
            return Overloaded(
                f"{self._queued_bytes} bytes wait for the disk, journal.queue_bytes_max is {self._options.queue_bytes_max}",
                retry_after_s=QUEUE_RETRY_AFTER_S,
            )
        if self._backlog_bytes > self._options.backlog_bytes_max:
            return Overloaded(
                f"{self._backlog_bytes} bytes wait for the engine, journal.backlog_bytes_max is {self._options.backlog_bytes_max}",
                retry_after_s=BACKLOG_RETRY_AFTER_S,
            )
        return None

    # --------------------------------------------------------------------------------------------------------- the writer

    def _run(self) -> None:
        while self.turn(wait=True):
            pass

    def turn(self, *, wait: bool) -> bool:
        """
        One turn of the writer: at most one commit, then close what is due.

        Args:
            wait: Sleep until there is something to do.

        Returns:
            False once the lane is closing and everything is written; no turn is needed after that.
        """
        with self._lock:
            if wait and not self._stopping and self._sleep_s() != 0:
                self._work.wait(self._sleep_s())
            held = wait and not self._stopping and self._hold_s() > 0
            entries = [] if held else self._next_entries()
            last = self._stopping and not self._queue
            seals = self._seals_asked
        if entries:
            self._commit(entries)
        if last or seals > self._seals_done or self._roll_due():
            self._writer.roll()
            self._segment_wanted = False
        segments = self._writer.finish()
        with self._lock:
            self._writing_segments = self._writer.segments
            self._counts["segments_closed"] += len(segments)
            self._put_on_offer(segments)
            sealed = not self._writer.unfinished and seals > self._seals_done
            if sealed:
                self._seals_done = seals
            self._closed = last
            # Only for news: a taker woken for nothing asks again, that wakes the writer, and both would spin for ever.
            if segments or sealed or last:
                self._offered.notify_all()
        return not last

    def _sleep_s(self) -> float | None:
        """How long nothing will be due, None for ever."""
        if self._seals_asked > self._seals_done and not self._writer.unfinished:
            return 0.0
        dues = [FINISH_RETRY_S] if self._writer.unfinished else []
        if self._queue:
            dues.append(self._hold_s())
        age_s = self._writer.open_age_s
        if self._segment_wanted and age_s is not None:
            dues.append(0.0 if self._roll_due() else max(0.0, self._options.segment_age_s_min - age_s))
        return min(dues) if dues else None

    def _hold_s(self) -> float:
        """
        How long to keep the queue waiting: while the engine is behind, senders who wait for answers are slowed down to its pace.

        Without this the disk, ten times as fast, would let the backlog grow to its limit, and what is acknowledged would be minutes from
        being queryable. A commit is held for HOLD_S_MAX at most, so an engine that stands still delays answers and refuses none.
        """
        if self._backlog_bytes <= self._options.backlog_bytes_easy:
            self._held_since_s = None
            return 0.0
        now_s = self._clock.monotonic_s()
        if self._held_since_s is None:
            self._held_since_s = now_s
        return max(0.0, self._held_since_s + HOLD_S_MAX - now_s)

    def _roll_due(self) -> bool:
        if self._writer.open_bytes >= self._options.segment_bytes_max:
            return True
        age_s = self._writer.open_age_s
        if not self._segment_wanted or age_s is None:
            return False
        return age_s >= self._options.segment_age_s_min or self._writer.open_bytes >= self._options.segment_bytes_eager

    def _next_entries(self) -> list[Entry]:
        entries: list[Entry] = []
        size_bytes = 0
        self._held_since_s = None
        while self._queue and (not entries or size_bytes < self._options.commit_bytes_max):
            entry = self._queue.popleft()
            self._queued_bytes -= len(entry.batch.body) + FRAME_OVERHEAD_BYTES
            # Who has gone meanwhile needs no durability, and a future can't be cancelled from here on.
            if entry.future.set_running_or_notify_cancel():
                entries.append(entry)
                size_bytes += len(entry.batch.body)
        return entries

    def _commit(self, entries: list[Entry]) -> None:
        try:
            size_bytes = self._writer.commit(entries)
        except Exception as error:  # noqa: BLE001 - whatever it is, a dead writer thread would leave every caller waiting for ever
            self._count_failure(error)
            for entry in entries:
                entry.future.set_exception(
                    JournalError(
                        f"the journal could not be written, nothing was acknowledged: {error}; make the disk writable and send again"
                    )
                )
            return
        with self._lock:
            self._disk_failing = False
            self._backlog_bytes += size_bytes
            self._writing_segments = self._writer.segments
            self._counts["commits"] += 1
            self._counts["acknowledged_batches"] += len(entries)
            self._counts["acknowledged_records"] += sum(entry.batch.records for entry in entries)
            self._counts["acknowledged_bytes"] += sum(len(entry.batch.body) for entry in entries)
        for entry in entries:
            entry.future.set_result(None)

    def _count_failure(self, error: Exception) -> None:
        with self._lock:
            first, self._disk_failing = not self._disk_failing, True
            self._counts["commits_failed"] += 1
        if first:  # once per outage: a full disk would otherwise be filled further by its own log
            logger.error(
                "the journal can't be written, requests are refused until it can: %s",
                error,
                exc_info=None if isinstance(error, OSError) else error,
            )

    # ----------------------------------------------------------------------------------------------------------- going out

    def offer(self, segments: Iterable[Segment]) -> None:
        """Put segments that stand on disk already on offer: found at start, or replayed from quarantine."""
        with self._lock:
            for segment in segments:
                self._backlog_bytes += segment.size_bytes
                self._put_on_offer([segment])
            self._offered.notify_all()

    def take(self, *, timeout_s: float) -> Segment | None:
        """The oldest closed segment that was not taken yet; when there is none, the open file is closed as soon as it is due."""
        with self._lock:
            self._offered.wait_for(self._ready_or_ask, timeout_s)
            return self._ready.pop(0) if self._ready else None

    def seal(self, *, timeout_s: float) -> bool:
        """Close the open file whatever its age; True when everything acknowledged before this call is on offer, False when time ran out."""
        with self._lock:
            self._seals_asked += 1
            mine = self._seals_asked
            self._work.notify()
        if self._thread is None:
            self.turn(wait=False)
        with self._lock:
            return self._offered.wait_for(lambda: self._closed or self._seals_done >= mine, timeout_s)

    def complete(self, segment: Segment) -> None:
        """Forget the segment and remove its file; its name may come back after a crash, which the engine's deduplication bears."""
        if not self._let_go(segment, count="segments_completed"):
            return
        with self._lock:
            self._unremoved.append(segment.path)
        self._retry_removals()

    def exchange(self, segment: Segment, parts: list[Segment]) -> None:
        """The file of a taken segment has been replaced by those of its parts, which count as taken too."""
        if self._let_go(segment, count="segments_split"):
            with self._lock:
                self._held.update({part.token: part for part in parts})
                self._backlog_bytes += sum(part.size_bytes for part in parts)

    def put_aside(self, segment: Segment) -> None:
        """The segment's file has been moved to quarantine."""
        self._let_go(segment, count="segments_quarantined")

    def statistics(self) -> LaneStatistics:
        """Counters since start and gauges of the moment."""
        with self._lock:
            return LaneStatistics(
                queued_bytes=self._queued_bytes,
                backlog_bytes=self._backlog_bytes,
                backlog_segments=len(self._held) + self._writing_segments,
                **self._counts,
            )

    def _ready_or_ask(self) -> bool:
        if not self._ready and not self._closed and not self._segment_wanted:
            self._segment_wanted = True
            self._work.notify()
        return bool(self._ready) or self._closed

    def _put_on_offer(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._held[segment.token] = segment
            insort(self._ready, segment, key=lambda one: one.token)

    def _let_go(self, segment: Segment, *, count: str) -> bool:
        with self._lock:
            if self._held.pop(segment.token, None) is None:
                return False
            self._backlog_bytes -= segment.size_bytes
            self._counts[count] += 1
            self._work.notify()
            return True

    def _retry_removals(self) -> None:
        with self._lock:
            paths, self._unremoved = self._unremoved, []
        for path in paths:
            try:
                self._filesystem.remove(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.warning("segment %s is loaded but its file can't be removed yet: %s", path.name, error)
                with self._lock:
                    self._unremoved.append(path)
                    self._counts["removals_failed"] += 1
