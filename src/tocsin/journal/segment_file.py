"""
The one file of a lane that is being written.

What always holds: `size_bytes` ends with the last acknowledged frame, and all bytes before it are synced. Bytes behind it exist
only while a commit runs, or after one failed (`clean` is then False) until `finish` has cut them off.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tocsin.journal.filesystem import FileSystem, write_all
from tocsin.journal.naming import CLOSED, OPEN, SegmentName
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


class SegmentFile:
    """
    A segment from its creation to its closing; used by one thread.

    Args:
        filesystem: The disk.
        directory: The lane's folder.
        signal: What the lane carries.
        name: Its name, never used before.
        begun_s: The moment of its first frame on the monotonic clock, seconds.

    Raises:
        OSError: The file could not be created.
    """

    def __init__(self, filesystem: FileSystem, directory: Path, *, signal: Signal, name: SegmentName, begun_s: float) -> None:
        self.name = name
        self.begun_s = begun_s
        self.size_bytes = 0
        self.frames = 0
        self.records = 0
        self.clean = True
        self._filesystem = filesystem
        self._directory = directory
        self._signal = signal
        self._entry_durable = False
        self._path = directory / (name.stem + OPEN)
        self._handle: int | None = filesystem.create(self._path)

    def commit(self, buffers: Sequence[bytes | memoryview], *, size_bytes: int, frames: int, records: int) -> None:
        """
        Append whole frames and make them durable.

        Raises:
            OSError: Nothing of it counts. When `clean` is False afterwards, the file takes no further commit.
        """
        assert self.clean, "a file whose end is in doubt takes no more frames"
        assert self._handle is not None, "a finished file takes no more frames"
        self.clean = False
        try:
            write_all(self._filesystem, self._handle, buffers)
        except OSError:
            # Nothing was synced yet, so after a cut the file is what it was: a full disk costs no new segment.
            self._filesystem.truncate(self._path, self.size_bytes)
            self.clean = True
            raise
        # A failed sync is not repeated: the kernel forgets which pages it could not write and would call the next one a success.
        # Source: PostgreSQL wiki, Fsync Errors.
        self._filesystem.sync(self._handle)
        if not self._entry_durable:
            self._filesystem.sync_directory(self._directory)
            self._entry_durable = True
        self.size_bytes += size_bytes
        self.frames += frames
        self.records += records
        self.clean = True

    def finish(self) -> Segment | None:
        """
        Cut off what was not acknowledged and give the file its closed name; None when nothing is left of it.

        Raises:
            OSError: Not yet; call again.
        """
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with suppress(OSError):  # everything that counts is synced already
                self._filesystem.close(handle)
        if not self.size_bytes:
            with suppress(FileNotFoundError):
                self._filesystem.remove(self._path)
            return None
        if not self.clean:
            self._filesystem.truncate(self._path, self.size_bytes)
            self.clean = True
        closed = self._directory / (self.name.stem + CLOSED)
        self._filesystem.rename(self._path, closed)
        return Segment(self._signal, closed, self.name.token(self._signal), self.frames, self.records, self.size_bytes)
