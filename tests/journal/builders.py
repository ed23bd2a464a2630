"""Batches, options, a clock and a disk for the journal's tests."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tocsin.journal.filesystem import DiskFileSystem
from tocsin.journal.frame import encode_frame
from tocsin.journal.journal import Journal
from tocsin.journal.naming import parse_token
from tocsin.journal.options import JournalOptions
from tocsin.journal.scan import read_frames
from tocsin.model.batch import Batch, Segment
from tocsin.model.signal import Signal

WAIT_S = 30.0  # how long a test waits for what must come; never waited in full when all is well
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
BROKEN = OSError(errno.EIO, "Input/output error")


class Opener(Protocol):
    """Opens a journal in the test's folder."""

    def __call__(self, journal_options: JournalOptions | None = None, *, threads: bool = True) -> Journal:
        """Start it; it is closed when the test ends."""
        ...


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000_000
        self.seconds = 0.0

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self.now

    def monotonic_s(self) -> float:
        """Seconds since the test began."""
        return self.seconds


class FailingDisk(DiskFileSystem):
    """The machine's disk, with calls that fail while `failures` names them, and syncs that can be held up."""

    def __init__(self) -> None:
        self.failures: dict[str, OSError] = {}
        self.calls: list[str] = []
        self.free: int | None = None
        self.sync_begun = threading.Event()
        self._sync_may_end = threading.Event()
        self._sync_may_end.set()

    def hold_sync(self) -> None:
        """Let the next syncs begin but not end."""
        self.sync_begun.clear()
        self._sync_may_end.clear()

    def release_sync(self) -> None:
        """Let them end."""
        self._sync_may_end.set()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failures:
            raise self.failures[name]

    def create(self, path: Path) -> int:
        """See `FileSystem`."""
        self._call("create")
        return super().create(path)

    def write(self, handle: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Writes only the first buffer when it fails, so that a torn frame is left behind."""
        if "write" in self.failures and buffers:
            super().write(handle, buffers[:1])
        self._call("write")
        return super().write(handle, buffers)

    def sync(self, handle: int) -> None:
        """See `FileSystem`."""
        self.sync_begun.set()
        assert self._sync_may_end.wait(WAIT_S)
        self._call("sync")
        super().sync(handle)

    def read(self, path: Path) -> bytes:
        """See `FileSystem`."""
        self._call("read")
        return super().read(path)

    def truncate(self, path: Path, size_bytes: int) -> None:
        """See `FileSystem`."""
        self._call("truncate")
        super().truncate(path, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        """See `FileSystem`."""
        self._call("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        """See `FileSystem`."""
        self._call("remove")
        super().remove(path)

    def sync_directory(self, directory: Path) -> None:
        """See `FileSystem`."""
        self._call("sync_directory")
        super().sync_directory(directory)

    def free_bytes(self, directory: Path) -> int:
        """What the test says, or the truth."""
        self._call("free_bytes")
        return super().free_bytes(directory) if self.free is None else self.free


def options(**changes: Any) -> JournalOptions:
    """Ordinary options, but segments may be closed at once and the machine's free space does not matter."""
    return JournalOptions(**{"segment_age_s_min": 0, "free_bytes_min": 0, **changes})


def batch(body: bytes = b"body", *, signal: Signal = Signal.TRACES, records: int = 1) -> Batch:
    """A batch; the journal doesn't look into its body."""
    return Batch(signal, body, records)


def append(journal: Journal, *bodies: bytes, signal: Signal = Signal.TRACES) -> None:
    """Send bodies one after the other and wait until each is durable."""
    for body in bodies:
        journal.append(batch(body, signal=signal)).result(WAIT_S)


def take(journal: Journal, signal: Signal = Signal.TRACES) -> Segment:
    """The next segment, which must come."""
    segment = journal.take(signal, timeout_s=WAIT_S)
    assert segment, "no segment came"
    return segment


def bodies_in(path: Path, token: str) -> list[bytes]:
    """The bodies of a segment file, which must be valid to its last byte."""
    parsed = parse_token(token)
    assert parsed
    data = path.read_bytes()
    frames = list(read_frames(data, salt=parsed[1].salt))
    assert sum(frame.end - frame.start for frame in frames) == len(data)
    return [data[frame.body : frame.body_end] for frame in frames]


def bodies(segment: Segment) -> list[bytes]:
    """The bodies of a segment."""
    return bodies_in(segment.path, segment.token)


def frame(body: bytes, *, salt: int, records: int = 1, received: int = 1) -> bytes:
    """A whole frame."""
    length, trailer = encode_frame(body, records=records, received=received, salt=salt)
    return length + body + trailer


Crash = Callable[[Journal], None]
