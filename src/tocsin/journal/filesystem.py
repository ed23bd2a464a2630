"""
The few calls by which the journal touches a disk.

They are passed in as one object, so that `tests/simulation` can stand a disk behind them that tears writes, fills up, fails
syncs and crashes between any two of them. Every call raises OSError as the operating system does, and nothing else, but for
`lock`. A name (created, renamed, removed) is durable only after `sync_directory`, contents only after `sync`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tocsin.journal.lock import lock_file

BUFFERS_MAX = 1024  # IOV_MAX of Linux and macOS: writev refuses more


class FileSystem(Protocol):
    """A disk. `handle` is what `create` returned, until `close`."""

    def make_directory(self, directory: Path) -> None:
        """Create it with its parents, durably; nothing happens when it exists."""
        ...

    def names(self, directory: Path) -> list[str]:
        """Names of the files in it, in any order."""
        ...

    def read(self, path: Path) -> bytes:
        """The whole file."""
        ...

    def create(self, path: Path) -> int:
        """A new empty file, open for appending; refuses one that exists."""
        ...

    def write(self, handle: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Append a part of the buffers' bytes (at most BUFFERS_MAX buffers), at least one byte; returns how many."""
        ...

    def sync(self, handle: int) -> None:
        """Make the file's contents durable. After a failure nobody knows what of the unsynced bytes is."""
        ...

    def close(self, handle: int) -> None:
        """Close it, without a sync."""
        ...

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut the file to that size, durably."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Give the file another name, replacing what has it; both or neither."""
        ...

    def remove(self, path: Path) -> None:
        """Remove the file's name."""
        ...

    def sync_directory(self, directory: Path) -> None:
        """Make the names in it durable."""
        ...

    def free_bytes(self, directory: Path) -> int:
        """Bytes that may still be written."""
        ...

    def lock(self, path: Path) -> Callable[[], None]:
        """
        Hold the lock file; the returned function lets it go.

        Raises:
            Conflict: Another process holds it.
        """
        ...


class DiskFileSystem:
    """The machine's own disk."""

    def make_directory(self, directory: Path) -> None:
        """Create it with its parents, each entry synced."""
        if directory.is_dir():
            return
        self.make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        self.sync_directory(directory.parent)

    def names(self, directory: Path) -> list[str]:
        """Names of the files in it."""
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]

    def read(self, path: Path) -> bytes:
        """The whole file. Not mapped: a failing disk would then kill the process by a signal instead of raising."""
        return path.read_bytes()

    def create(self, path: Path) -> int:
        """A new file for its owner alone: telemetry may hold secrets before the engine has redacted it."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, handle: int, buffers: Sequence[bytes | memoryview]) -> int:
        """One writev."""
        return os.writev(handle, buffers)

    def sync(self, handle: int) -> None:
        """One fdatasync, fsync where there is none."""
        _sync(handle)

    def close(self, handle: int) -> None:
        """Close the descriptor."""
        os.close(handle)

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut and fsync, since the new length is what must last."""
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, size_bytes)
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """One rename."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """One unlink."""
        path.unlink()

    def sync_directory(self, directory: Path) -> None:
        """Fsync the directory itself."""
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def free_bytes(self, directory: Path) -> int:
        """What the file system leaves to processes without privileges."""
        status = os.statvfs(directory)
        return status.f_bavail * status.f_frsize

    def lock(self, path: Path) -> Callable[[], None]:
        """An flock: it goes with the process, however that ends."""
        return lock_file(path)


def write_all(filesystem: FileSystem, handle: int, buffers: Sequence[bytes | memoryview]) -> None:
    """Append every byte of the buffers, in as many writes as the operating system wants."""
    waiting = list(buffers)
    first = 0
    while first < len(waiting):
        written = filesystem.write(handle, waiting[first : first + BUFFERS_MAX])
        while first < len(waiting) and written >= len(waiting[first]):
            written -= len(waiting[first])
            first += 1
        if written:
            waiting[first] = memoryview(waiting[first])[written:]


def store_file(filesystem: FileSystem, path: Path, buffers: Sequence[bytes | memoryview], *, unfinished: str) -> None:
    """
    Write a whole file so that it stands under its name complete or not at all.

    Its contents are durable on return, its name only after `sync_directory`. `unfinished` is the ending it has meanwhile.
    """
    temporary = path.with_name(path.name + unfinished)
    with suppress(FileNotFoundError):
        filesystem.remove(temporary)
    handle = filesystem.create(temporary)
    try:
        try:
            write_all(filesystem, handle, buffers)
            filesystem.sync(handle)
        finally:
            filesystem.close(handle)
        filesystem.rename(temporary, path)
    except OSError:
        with suppress(OSError):  # half a file on a full disk only makes it fuller; the next start removes what stays
            filesystem.remove(temporary)
        raise


def _sync(handle: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(handle)
    else:
        os.fsync(handle)
