"""
The board: a file that says which faults hold until when. Whoever injects one writes it, the services look at it.

    {"slow-dependency": 1763690000.0}

A fault ends by itself, so that a demo that was left alone is whole again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tocsin.clock import Clock, RealClock
from tocsin.demo.faults.catalog import Fault
from tocsin.errors import ConfigError, NotFound

LOOK_INTERVAL_S = 0.25
NANOSECONDS = 1_000_000_000


class FaultBoard:
    """
    What holds now. Services ask it at every request; the file is looked at four times a second at most.

    Args:
        path: The file; one that is not there says that nothing is broken.
        clock: The present.
    """

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or RealClock()
        self._until_s: Mapping[str, float] = {}
        self._looked_s = float("-inf")

    def holds(self, fault: Fault) -> bool:
        """Whether a fault holds now."""
        return self.until_s(fault) > self._clock.now_ns() / NANOSECONDS

    def until_s(self, fault: Fault) -> float:
        """Until when a fault holds, seconds since 1970; 0 when nobody injected it."""
        now_s = self._clock.monotonic_s()
        if self._path is not None and now_s - self._looked_s >= LOOK_INTERVAL_S:
            self._looked_s = now_s
            self._until_s = read_board(self._path)
        return self._until_s.get(fault.value, 0.0)


def read_board(path: Path) -> dict[str, float]:
    """Until when each fault holds, seconds since 1970, by name; empty when the file is not there, or is not one of ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): float(until) for name, until in found.items()} if isinstance(found, dict) else {}


def write_board(path: Path, until_s: Mapping[str, float]) -> None:
    """Say which faults hold until when, at once for whoever reads."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(dict(until_s)), encoding="utf-8")
    draft.replace(path)


def board_path() -> Path:
    """
    Where the board of this user's demo lies: in a directory under the system's temporary one that only this user may enter.

    Raises:
        ConfigError: Somebody else made that directory.
    """
    folder = Path(tempfile.gettempdir()) / f"tocsin-demo-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or folder.is_symlink():
        raise ConfigError(f"{folder} belongs to somebody else; remove it, or set TMPDIR to a directory of your own")
    return folder / "faults.json"


def running_board() -> Path:
    """
    The board of the demo that runs now.

    Raises:
        NotFound: None does.
    """
    path = board_path()
    if not path.exists():
        raise NotFound("no demo runs, so there is nothing to break; start one with `tocsin demo --up` in another terminal")
    return path
