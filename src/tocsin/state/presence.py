"""
Whether the file that is open is still the one at its path. Deleted or replaced while it is open, it would take every change and keep none:
they go to a file without a name, which is gone with the process.
"""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import StoreError


class Presence:
    """
    Remembers which file is open. Safe to use from several threads.

    Args:
        path: Where it is; None for a database that is no file of ours, which is always there.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None

    def remember(self) -> None:
        """What is at the path now is what was opened."""
        self._opened = self._identity()

    def check(self) -> None:
        """
        See that it is still there; before `remember` everything passes.

        Raises:
            StoreError: It is gone, or another file has its place. Nothing mends that but a new start.
        """
        if self._opened is None or (found := self._identity()) == self._opened:
            return
        what = "was deleted" if found is None else "was replaced by another file"
        error = StoreError(
            f"{self._path} {what} while it was open, so nothing that is decided can be kept; put the file back from a backup if you have"
            " one, then restart Tocsin (without the file it starts with no decisions)"
        )
        error.retryable = False
        raise error

    def _identity(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
