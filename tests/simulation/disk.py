"""
A disk in memory that fails and crashes on command, from one seed.

It keeps what the operating system would: contents apart from what of them is synced, names apart from those whose folder is
synced. `crash` throws away what was not durable, as adversarially as a journaling file system may: of unsynced contents any
prefix may survive, of unsynced names any subset that is consistent. After a failed sync the unsynced bytes are lost for good,
though they can still be read and later syncs succeed: what Linux does, and what a naive retry does not survive.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class Crash(BaseException):
    """The machine stops here. Not an Exception: nobody may handle it."""


@dataclass
class Faults:
    """What goes wrong: chances per call, 0 to 1, and the bytes that the disk still takes (None: any number)."""

    write: float = 0.0
    sync: float = 0.0
    truncate: float = 0.0
    rename: float = 0.0
    remove: float = 0.0
    create: float = 0.0
    sync_directory: float = 0.0
    free_bytes: int | None = None


@dataclass(eq=False)
class Inode:
    """A file's contents: as they are read, as they are on the platter, and where a failed sync lost bytes of them."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    lost: list[tuple[int, int]] = field(default_factory=list)

    def sync(self) -> None:
        """Everything becomes durable but what a failed sync has lost: that became zeros."""
        self.durable = bytearray(self.data)
        for start, end in self.lost:
            self.durable[start:end] = bytes(end - start)


@dataclass(frozen=True)
class NameChange:
    """A change of names that is not durable yet: created (no source), renamed, or removed (no target)."""

    inode: Inode
    source: Path | None
    target: Path | None

    @property
    def paths(self) -> set[Path]:
        """The names it touches."""
        return {path for path in (self.source, self.target) if path}


class SimulatedDisk:
    """A `journal.filesystem.FileSystem`; its randomness is passed in."""

    def __init__(self, chance: random.Random) -> None:
        self.faults = Faults()
        self.operations = 0
        self.lies: set[str] = set()  # files whose cut succeeded although a failed sync had lost bytes before it
        self._chance = chance
        self._names: dict[Path, Inode] = {}
        self._durable_names: dict[Path, Inode] = {}
        self._changes: list[NameChange] = []
        self._handles: dict[int, Inode] = {}
        self._next_handle = 3
        self._crash_in: int | None = None
        self._locked = False

    # ------------------------------------------------------------------------------------------------- for the scenario

    def crash_after(self, operations: int) -> None:
        """Raise Crash around the n-th operation from now, n >= 1."""
        self._crash_in = operations

    def crash(self) -> None:
        """Lose what is not durable, and come back healthy."""
        survival = self._chance.choice((0.0, 0.5, 1.0, 1.0))
        one_lost = self._chance.choice((None, *self._changes))
        for change in self._changes:
            if self._chance.random() < survival and change is not one_lost:
                self._make_durable(change)
        for inode in dict.fromkeys(self._durable_names.values()):  # not a set: its order would differ from run to run
            if inode.data.startswith(inode.durable) and not inode.lost:
                inode.durable = inode.data[: self._chance.randint(len(inode.durable), len(inode.data))]
            inode.data, inode.lost = bytearray(inode.durable), []
        self._names = dict(self._durable_names)
        self._changes, self._handles = [], {}
        self.heal()
        self._crash_in, self._locked = None, False

    def heal(self) -> None:
        """No more faults."""
        self.faults = Faults()

    def files(self) -> list[Path]:
        """All names there are."""
        return sorted(self._names)

    # ------------------------------------------------------------------------------------------------- for the journal

    def make_directory(self, directory: Path) -> None:
        """Folders need no bookkeeping here."""

    def names(self, directory: Path) -> list[str]:
        """Names in a folder, in no order."""
        names = [path.name for path in self._names if path.parent == directory]
        self._chance.shuffle(names)
        return names

    def read(self, path: Path) -> bytes:
        """A file's contents."""
        return bytes(self._inode(path).data)

    def create(self, path: Path) -> int:
        """A new file."""
        with self._operation(self.faults.create, path):
            if path in self._names:
                raise FileExistsError(errno.EEXIST, "exists", str(path))
            self._change(NameChange(Inode(), None, path))
            self._next_handle += 1
            self._handles[self._next_handle] = self._names[path]
        return self._next_handle

    def write(self, handle: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Append all, a part, or, when it fails or crashes, nothing or a part."""
        data = b"".join(buffers)
        part = self._chance.randint(1, len(data)) if self._chance.random() < 0.3 else len(data)
        if self.faults.free_bytes is not None:
            part = min(part, self.faults.free_bytes)
            if not part:
                raise OSError(errno.ENOSPC, "no space left on device")
            self.faults.free_bytes -= part
        with self._operation(self.faults.write, handle):
            self._handles[handle].data += data[:part]
        return part

    def sync(self, handle: int) -> None:
        """Contents become durable; when it fails, a part of them, and the rest never will."""
        inode = self._handles[handle]
        try:
            with self._operation(self.faults.sync, handle):
                inode.sync()
        except OSError:
            durable = self._chance.randint(len(inode.durable), len(inode.data))
            inode.lost.append((durable, len(inode.data)))
            inode.durable = inode.data[:durable]
            raise

    def close(self, handle: int) -> None:
        """Forget the handle."""
        with self._operation(0.0, handle):
            del self._handles[handle]

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut, durably; when it fails, perhaps cut and perhaps not."""
        with self._operation(self.faults.truncate, path):
            inode = self._inode(path)
            assert size_bytes <= len(inode.data), "a cut never makes a file longer"
            del inode.data[size_bytes:]
            inode.lost = [(start, min(end, size_bytes)) for start, end in inode.lost if start < size_bytes]
            if inode.lost:
                self.lies.add(f"{path.parent.name}-{path.stem}")
            inode.sync()

    def rename(self, source: Path, target: Path) -> None:
        """Both names change at once."""
        with self._operation(self.faults.rename, source):
            self._change(NameChange(self._inode(source), source, target))

    def remove(self, path: Path) -> None:
        """The name goes."""
        with self._operation(self.faults.remove, path):
            self._change(NameChange(self._inode(path), path, None))

    def sync_directory(self, directory: Path) -> None:
        """Names in the folder become durable, with everything they depend on."""
        with self._operation(self.faults.sync_directory, directory):
            needed: set[Path] = set()
            chosen: list[NameChange] = []
            for change in reversed(self._changes):
                if any(path.parent == directory for path in change.paths) or change.paths & needed:
                    needed |= change.paths
                    chosen.insert(0, change)
            for change in chosen:
                self._make_durable(change)
                self._changes.remove(change)

    def free_bytes(self, directory: Path) -> int:
        """Plenty, unless it is full."""
        return 1 << 40 if self.faults.free_bytes is None else self.faults.free_bytes

    def lock(self, path: Path) -> Callable[[], None]:
        """A lock that goes with a crash."""
        assert not self._locked, "two journals on one disk"
        self._locked = True

        def release() -> None:
            self._locked = False

        return release

    # ------------------------------------------------------------------------------------------------------------ inside

    @contextmanager
    def _operation(self, failure: float, what: object) -> Iterator[None]:
        self.operations += 1
        crashing = False
        if self._crash_in is not None:
            self._crash_in -= 1
            crashing = self._crash_in <= 0
        if crashing and self._chance.random() < 0.5:
            raise Crash
        if self._chance.random() < failure:
            raise OSError(errno.EIO, f"input/output error on {what}")
        yield
        if crashing:
            raise Crash

    def _inode(self, path: Path) -> Inode:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self._names[path]

    def _change(self, change: NameChange) -> None:
        self._apply(change, self._names)
        self._changes.append(change)

    def _make_durable(self, change: NameChange) -> None:
        if change.source is None or self._durable_names.get(change.source) is change.inode:
            self._apply(change, self._durable_names)

    @staticmethod
    def _apply(change: NameChange, names: dict[Path, Inode]) -> None:
        if change.source:
            del names[change.source]
        if change.target:
            names[change.target] = change.inode
