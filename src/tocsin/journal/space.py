"""How much room the disk has left, looked at no more than once a second."""

from __future__ import annotations

from pathlib import Path

from tocsin.clock import Clock
from tocsin.journal.filesystem import FileSystem

LOOK_EVERY_S = 1.0  # at 1 GB/s the answer is off by 1 GB at worst; the disk's own 'no' is then handled like any other


class FreeSpace:
    """
    Says whether the disk is nearly full.

    Args:
        filesystem: The disk.
        directory: A folder on it.
        bytes_min: Less than this is short; 0 never looks.
        clock: For the seconds between two looks.
    """

    def __init__(self, filesystem: FileSystem, directory: Path, *, bytes_min: int, clock: Clock) -> None:
        self._filesystem = filesystem
        self._directory = directory
        self._bytes_min = bytes_min
        self._clock = clock
        self._looked_s: float | None = None
        self.free_bytes: int | None = None

    def short(self) -> bool:
        """Whether less than the minimum is free, as of at most a second ago; False when the disk does not say."""
        if not self._bytes_min:
            return False
        now_s = self._clock.monotonic_s()
        if self._looked_s is None or now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            self.free_bytes = self._look()
        return self.free_bytes is not None and self.free_bytes < self._bytes_min

    def _look(self) -> int | None:
        try:
            return self._filesystem.free_bytes(self._directory)
        except OSError:
            return None
