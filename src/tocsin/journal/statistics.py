"""What the journal counts. Counters run since start, gauges are of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.model.signal import Signal


@dataclass(frozen=True, slots=True)
class LaneStatistics:
    """
    One signal's part of the journal.

    Args:
        queued_bytes: Gauge: waiting in memory for the disk.
        backlog_bytes: Gauge: on disk, waiting for the engine or being loaded.
        backlog_segments: Gauge: segments of those, the one being written included.
        acknowledged_batches: Requests made durable.
        acknowledged_records: Spans, log records or data points in those.
        acknowledged_bytes: Bytes of their bodies.
        commits: Writes with a sync that succeeded.
        commits_failed: Writes or syncs that the disk refused; their requests were answered with JournalError.
        refused_batches: Requests answered with Overloaded.
        segments_closed: Segments made ready for the engine.
        segments_completed: Segments that the engine took.
        segments_split: Segments rewritten as two halves.
        segments_quarantined: Segments put aside.
        removals_failed: Completed segments whose file could not be removed at first.
    """

    queued_bytes: int = 0
    backlog_bytes: int = 0
    backlog_segments: int = 0
    acknowledged_batches: int = 0
    acknowledged_records: int = 0
    acknowledged_bytes: int = 0
    commits: int = 0
    commits_failed: int = 0
    refused_batches: int = 0
    segments_closed: int = 0
    segments_completed: int = 0
    segments_split: int = 0
    segments_quarantined: int = 0
    removals_failed: int = 0


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """
    What was found at start; anything but zeros below `records` deserves a loud line in the log.

    Args:
        segments: Segments offered to the engine again.
        frames: Requests in them.
        records: Spans, log records or data points in those.
        tails_cut: Files whose last write had not finished; nothing acknowledged is lost by the cut.
        bytes_cut: Bytes cut from those.
        corrupt: Tokens of damaged files: the original is in quarantine, its valid frames are in a segment of the same token.
        bytes_corrupt: Bytes of those files that belong to no valid frame.
        unreadable: Files that could not be read or repaired and stay where they are, with the reason.
        ignored: Names of files that are none of the journal's.
    """

    segments: int = 0
    frames: int = 0
    records: int = 0
    tails_cut: int = 0
    bytes_cut: int = 0
    corrupt: tuple[str, ...] = ()
    bytes_corrupt: int = 0
    unreadable: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing was cut, damaged, unreadable or foreign."""
        return not (self.tails_cut or self.corrupt or self.unreadable or self.ignored)

    def __add__(self, other: RecoveryReport) -> RecoveryReport:
        return RecoveryReport(
            segments=self.segments + other.segments,
            frames=self.frames + other.frames,
            records=self.records + other.records,
            tails_cut=self.tails_cut + other.tails_cut,
            bytes_cut=self.bytes_cut + other.bytes_cut,
            corrupt=self.corrupt + other.corrupt,
            bytes_corrupt=self.bytes_corrupt + other.bytes_corrupt,
            unreadable=self.unreadable + other.unreadable,
            ignored=self.ignored + other.ignored,
        )


@dataclass(frozen=True, slots=True)
class JournalStatistics:
    """
    The whole journal.

    Args:
        lanes: Per signal.
        quarantined_segments: Gauge: refused segments in quarantine, to be replayed or looked at.
        quarantined_records: Gauge: spans, log records or data points in them.
        corrupt_originals: Gauge: damaged originals in quarantine, kept as evidence.
        free_bytes: Gauge: free on the disk when last looked at, None when never.
        recovery: What the last start found.
    """

    lanes: Mapping[Signal, LaneStatistics]
    quarantined_segments: int
    quarantined_records: int
    corrupt_originals: int
    free_bytes: int | None
    recovery: RecoveryReport = field(default_factory=RecoveryReport)
