"""One process per journal: two writers in one directory would hand the same segments to two engines."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from tocsin.errors import Conflict


def lock_file(path: Path) -> Callable[[], None]:
    """
    Take the lock that `path` stands for and write this process's id into it; the returned function lets it go.

    The file stays when the lock is gone: removing it would let two processes lock two files of the same name.

    Raises:
        Conflict: Another process holds it, or this one already does.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise Conflict(
            f"the journal {path.parent} is in use by process {holder}; stop that process (`kill {holder}`), "
            "ask it over HTTP instead of opening its data, or choose another data directory"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)

    def release() -> None:
        os.close(handle)

    return release
