"""
The journal: what makes 'acknowledged' mean 'never lost'.

    <directory>/lock                      held by the process that has the journal open
    <directory>/{traces,logs,metrics}/    segments, see `journal.naming` and `journal.frame`
    <directory>/quarantine/               see `journal.quarantine`

`Journal.append` is a `model.batch.Acceptor` for the doors, the journal itself a `model.batch.SegmentSource` for the loader.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from tocsin.clock import Clock, Entropy
from tocsin.errors import InvalidInput, JournalError, NotFound, Overloaded
from tocsin.journal.filesystem import DiskFileSystem, FileSystem
from tocsin.journal.lane import Lane
from tocsin.journal.naming import CLOSED, parse_token
from tocsin.journal.options import JournalOptions
from tocsin.journal.quarantine import Quarantine, QuarantinedSegment, QuarantineKind
from tocsin.journal.recovery import Recovery
from tocsin.journal.space import FreeSpace
from tocsin.journal.split import split_segment
from tocsin.journal.statistics import JournalStatistics, LaneStatistics, RecoveryReport
from tocsin.journal.writer import SegmentWriter
from tocsin.model.batch import Batch, Segment
from tocsin.model.signal import Signal

NOT_STARTED_RETRY_AFTER_S = 1.0

logger = logging.getLogger(__name__)


class Journal:
    """
    Batches in, durable; segments out, each until it is completed or quarantined. Safe to use from several threads.

    Args:
        directory: The journal's own folder; created by `start`.
        options: Limits.
        clock: For instants of receipt and ages.
        entropy: For segment names: `RealEntropy` wherever the data outlives the process, because tokens must never come twice.
        filesystem: The disk; the machine's own by default.
    """

    def __init__(
        self, directory: Path, *, options: JournalOptions, clock: Clock, entropy: Entropy, filesystem: FileSystem | None = None
    ) -> None:
        self._directory = directory
        self._options = options
        self._clock = clock
        self._entropy = entropy
        self._filesystem: FileSystem = filesystem or DiskFileSystem()
        self._quarantine = Quarantine(self._filesystem, directory / "quarantine", clock=clock)
        self._space = FreeSpace(self._filesystem, directory, bytes_min=options.free_bytes_min, clock=clock)
        self._lanes: dict[Signal, Lane] = {}
        self._report = RecoveryReport()
        self._release_lock: Callable[[], None] | None = None

    def start(self, *, threads: bool = True) -> RecoveryReport:
        """
        Take the lock, recover what the last process left, start the writers.

        Args:
            threads: False leaves the writing to calls of `turn`, for simulations that must repeat exactly.

        Returns:
            What was found; segments in it are on offer.

        Raises:
            Conflict: Another process has this journal open.
            JournalError: The disk can't be read or written.
        """
        assert not self._lanes, "a journal starts once"
        try:
            self._filesystem.make_directory(self._directory)
            self._release_lock = self._filesystem.lock(self._directory / "lock")
            self._quarantine.open()
            lanes = {signal: self._recover(signal) for signal in Signal}
        except OSError as error:
            self._release()
            raise JournalError(f"the journal {self._directory} can't be opened: {error}; check the disk and the permissions") from error
        if threads:
            for signal, lane in lanes.items():
                lane.start(f"journal-{signal.value}")
        self._lanes = lanes
        return self._report

    def close(self) -> None:
        """Make durable what is queued, close the open files, let the lock go; idempotent. Segments stay for the next start."""
        for lane in self._lanes.values():
            lane.close()
        self._release()

    def append(self, batch: Batch) -> Future[None]:
        """
        Queue a batch.

        Returns:
            Resolves when the batch is durable; fails with JournalError when the disk refuses it.

        Raises:
            Overloaded: Too much is waiting, the disk is nearly full, or the journal is not open.
            LimitExceeded: The batch is larger than a frame may be.
        """
        lane = self._lanes.get(batch.signal)
        if lane is None:
            raise Overloaded("the journal is not started yet; send again", retry_after_s=NOT_STARTED_RETRY_AFTER_S)
        return lane.append(batch)

    def take(self, signal: Signal, *, timeout_s: float) -> Segment | None:
        """The signal's oldest segment that was not taken yet; waits up to `timeout_s` seconds, closing the open one if need be."""
        return self._lanes[signal].take(timeout_s=timeout_s)

    def seal(self, *, timeout_s: float) -> bool:
        """
        Close the open files whatever their age, so that `take` finds everything that was acknowledged before this call.

        For a loader that drains: a file younger than `segment_age_s_min` would not be handed out otherwise.

        Returns:
            False when a file could not be closed within `timeout_s` seconds per signal; it stays for the next start.
        """
        sealed = [lane.seal(timeout_s=timeout_s) for lane in self._lanes.values()]  # every one, also when the first fails
        return all(sealed)

    def complete(self, segment: Segment) -> None:
        """The engine has it durably: its file goes. Never fails: a file that can't be removed is tried again later."""
        self._lanes[segment.signal].complete(segment)

    def quarantine(self, segment: Segment, reason: str) -> None:
        """
        The engine refuses it: move it aside, durably, with its reason.

        Raises:
            JournalError: The disk refused; the segment is still the caller's, call again.
        """
        try:
            self._quarantine.take_in(segment, reason)
        except OSError as error:
            raise JournalError(f"segment {segment.token} can't be moved to quarantine: {error}") from error
        self._lanes[segment.signal].put_aside(segment)
        logger.error("segment %s with %d records is in quarantine: %s", segment.token, segment.records, reason)

    def split(self, segment: Segment) -> list[Segment]:
        """
        Replace a taken segment by its two halves, taken as well; one of a single frame comes back as it is.

        Split only what the engine inserted nothing of: the halves have tokens of their own, so it would not know them again.

        Raises:
            JournalError: The disk refused, or the file is damaged; the segment is still the caller's, call again.
        """
        try:
            parts = split_segment(self._filesystem, segment)
        except OSError as error:
            raise JournalError(f"segment {segment.token} can't be split: {error}") from error
        if parts != [segment]:
            self._lanes[segment.signal].exchange(segment, parts)
        return parts

    def quarantined(self) -> list[QuarantinedSegment]:
        """What is in quarantine, by token."""
        return self._quarantine.entries()

    def replay_quarantined(self, token: str | None = None) -> list[Segment]:
        """
        Put refused segments back on offer under their old tokens, so that what the engine has of them is not inserted twice.

        Args:
            token: Which; None for every refused one.

        Raises:
            NotFound: No such segment is in quarantine.
            InvalidInput: It is the original of a damaged file, whose valid frames went on already.
            JournalError: The disk refused; those not yet moved are still in quarantine.
        """
        entries = [entry for entry in self._quarantine.entries() if token in {None, entry.token}]
        refused = [entry for entry in entries if entry.kind is QuarantineKind.REFUSED]
        if token is not None and not entries:
            raise NotFound(f"no segment {token!r} is in quarantine; list what is there")
        if token is not None and not refused:
            raise InvalidInput(f"{token} is the original of a damaged file; its valid frames were loaded already, it can't be replayed")
        try:
            return [segment for entry in refused if (segment := self._replay(entry))]
        except OSError as error:
            raise JournalError(f"quarantine can't be replayed: {error}") from error

    def statistics(self) -> JournalStatistics:
        """Counters since start and gauges of the moment."""
        entries = self._quarantine.entries()
        refused = [entry for entry in entries if entry.kind is QuarantineKind.REFUSED]
        return JournalStatistics(
            lanes={signal: self._lanes[signal].statistics() if self._lanes else LaneStatistics() for signal in Signal},
            quarantined_segments=len(refused),
            quarantined_records=sum(entry.records for entry in refused),
            corrupt_originals=len(entries) - len(refused),
            free_bytes=self._space.free_bytes,
            recovery=self._report,
        )

    def turn(self) -> None:
        """One turn of every writer, for a journal started without threads."""
        for lane in self._lanes.values():
            lane.turn(wait=False)

    def _recover(self, signal: Signal) -> Lane:
        recovery = self._recovery(signal)
        self._filesystem.make_directory(self._directory / signal.value)
        self._report += recovery.run()
        writer = SegmentWriter(
            signal,
            self._directory / signal.value,
            filesystem=self._filesystem,
            clock=self._clock,
            entropy=self._entropy,
            next_sequence=recovery.next_sequence,
        )
        lane = Lane(writer, options=self._options, filesystem=self._filesystem, clock=self._clock, space=self._space)
        lane.offer(recovery.segments)
        return lane

    def _recovery(self, signal: Signal) -> Recovery:
        return Recovery(signal, self._directory / signal.value, filesystem=self._filesystem, quarantine=self._quarantine)

    def _replay(self, entry: QuarantinedSegment) -> Segment | None:
        parsed = parse_token(entry.token)
        assert parsed, "quarantine lists only names that parse"
        signal, name = parsed
        self._quarantine.release(entry, self._directory / signal.value / (name.stem + CLOSED))
        # It may have been damaged while it lay there, or its note lost: read it as a start would.
        segment = self._recovery(signal).recover_file(name, CLOSED)
        if segment:
            self._lanes[signal].offer([segment])
        return segment

    def _release(self) -> None:
        if self._release_lock:
            self._release_lock()
            self._release_lock = None
