"""
Whether the relational state can be read and written, found out beside whoever asks: a lock, a server that hangs or a slow disk makes
nobody wait for longer than half a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from tocsin.clock import Clock
from tocsin.errors import TocsinError

EVERY_S = 3.0
WAIT_S = 0.5


class StateWatch:
    """
    Looks at the database when it is asked, at most every EVERY_S; safe to use from several threads.

    Args:
        probe: Raises an error of our tree when the database can't be read or written; may take its time.
        clock: For durations.
        wait_s: How long somebody who asks waits for a look that is under way, seconds.
    """

    def __init__(self, probe: Callable[[], None], *, clock: Clock, wait_s: float = WAIT_S) -> None:
        self._probe = probe
        self._clock = clock
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._last: _Look | None = None

    def problem(self) -> str:
        """What is wrong, empty when nothing is: as the last look saw it, which is no older than EVERY_S."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._last is None or (self._last.done.is_set() and now_s - self._last.started_s >= EVERY_S):
                self._last = _Look(now_s)
                # A thread that waits for a server that hangs must not keep the process from ending.
                threading.Thread(target=self._last.take, args=(self._probe,), name="state-watch", daemon=True).start()
            look = self._last
        if look.done.wait(self._wait_s):
            return look.found
        waited_s = self._clock.monotonic_s() - look.started_s
        return f"it has not answered for {waited_s:.1f} s; see whether another process locks it, and whether its disk or server works"


class _Look:
    """One look, from the thread that takes it to those that ask."""

    def __init__(self, started_s: float) -> None:
        self.started_s = started_s
        self.done = threading.Event()
        self.found = "looking at it failed, which is a bug; the log has the trace"

    def take(self, probe: Callable[[], None]) -> None:
        """Look; whatever happens, it is done afterwards."""
        try:
            probe()
            self.found = ""
        except TocsinError as error:
            self.found = str(error)
        finally:
            self.done.set()
