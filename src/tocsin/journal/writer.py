"""
Turns batches into segments: one commit at a time, a new file when the last one is full or in doubt.

Used by one thread, the lane's; knows nothing of queues and waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tocsin.clock import Clock, Entropy
from tocsin.journal.filesystem import FileSystem
from tocsin.journal.frame import encode_frame
from tocsin.journal.naming import SegmentName
from tocsin.journal.segment_file import SegmentFile
from tocsin.model.batch import Batch, Segment
from tocsin.model.signal import Signal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch on its way to the disk; `received` in nanoseconds since 1970-01-01 UTC."""

    batch: Batch
    received: int
    future: Future[None]


class SegmentWriter:
    """
    The writing end of a lane.

    Args:
        signal: What the lane carries.
        directory: The lane's folder; it exists.
        filesystem: The disk.
        clock: For the age of the open file.
        entropy: For names; real randomness wherever data outlives the process.
        next_sequence: Number of the first file.
    """

    def __init__(
        self, signal: Signal, directory: Path, *, filesystem: FileSystem, clock: Clock, entropy: Entropy, next_sequence: int
    ) -> None:
        self._signal = signal
        self._directory = directory
        self._filesystem = filesystem
        self._clock = clock
        self._entropy = entropy
        self._next_sequence = next_sequence
        self._file: SegmentFile | None = None
        self._unfinished: list[SegmentFile] = []

    @property
    def open_bytes(self) -> int:
        """Size of the open file, 0 when there is none."""
        return self._file.size_bytes if self._file else 0

    @property
    def open_age_s(self) -> float | None:
        """Seconds since the open file's first frame, None when it holds none."""
        return self._clock.monotonic_s() - self._file.begun_s if self._file and self._file.frames else None

    @property
    def unfinished(self) -> int:
        """Files that wait to be closed because the disk refused it."""
        return len(self._unfinished)

    @property
    def segments(self) -> int:
        """Files with acknowledged frames that are not closed yet."""
        return sum(1 for file in [self._file, *self._unfinished] if file and file.frames)

    def commit(self, entries: Sequence[Entry]) -> int:
        """
        Make the entries durable, in one write and one sync; returns the bytes that they take on disk.

        Raises:
            OSError: None of them is; the next commit may succeed.
        """
        file = self._file or self._begin()
        if not file.frames:
            file.begun_s = self._clock.monotonic_s()
        buffers: list[bytes | memoryview] = []
        for entry in entries:
            body = entry.batch.body
            length, trailer = encode_frame(body, records=entry.batch.records, received=entry.received, salt=file.name.salt)
            buffers += (length, body, trailer)
        size_bytes = sum(map(len, buffers))
        try:
            file.commit(buffers, size_bytes=size_bytes, frames=len(entries), records=sum(entry.batch.records for entry in entries))
        finally:
            if not file.clean:
                self.roll()
        return size_bytes

    def roll(self) -> None:
        """End the open file, if any; `finish` then closes it."""
        if self._file:
            self._unfinished.append(self._file)
            self._file = None

    def finish(self) -> list[Segment]:
        """Close the files that were ended; those that the disk does not let close yet stay for the next call."""
        segments: list[Segment] = []
        waiting: list[SegmentFile] = []
        for file in self._unfinished:
            try:
                segment = file.finish()
            except OSError as error:
                logger.warning("segment %s can't be closed yet, its acknowledged frames are safe: %s", file.name.stem, error)
                waiting.append(file)
            else:
                segments += [segment] if segment else []
        self._unfinished = waiting
        return segments

    def _begin(self) -> SegmentFile:
        name = SegmentName.new(self._next_sequence, self._entropy)
        self._next_sequence += 1
        self._file = SegmentFile(self._filesystem, self._directory, signal=self._signal, name=name, begun_s=self._clock.monotonic_s())
        return self._file
