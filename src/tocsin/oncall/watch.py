"""The thread that keeps on-call going: files are followed, steps that are due are called, what is old is dropped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.oncall.desk import OncallDesk
from tocsin.oncall.options import OncallOptions
from tocsin.state.oncall import Oncall

STOP_WAIT_S = 10.0
EXPIRE_S = 3600.0

log = logging.getLogger(__name__)


class OncallWatch:
    """
    Looks every `oncall.advance_s` seconds, until it is stopped.

    Args:
        desk: What is kept going.
        state: Where old pages are dropped.
        options: How often, and what is old.
        clock: For the age of things.
    """

    def __init__(self, desk: OncallDesk, state: Oncall, options: OncallOptions, clock: Clock) -> None:
        self._desk = desk
        self._state = state
        self._options = options
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._refreshed_s = self._expired_s = clock.monotonic_s()

    def start(self) -> None:
        """Look in a thread from now on."""
        self._thread = threading.Thread(target=self._work, name="oncall", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_WAIT_S)

    def look(self) -> None:
        """One look; what fails is tried again at the next, and does not keep the rest from being done."""
        now_s = self._clock.monotonic_s()
        if now_s - self._refreshed_s >= self._options.refresh_s:
            self._refreshed_s = now_s
            self._desk.plan.refresh()
            self._try("whether anybody is on call can't be seen", self._desk.look)
        self._try("steps that are due can't be called", self._desk.advance)
        if now_s - self._expired_s >= EXPIRE_S:
            self._expired_s = now_s
            self._try("old pages can't be dropped", lambda: self._state.pages.expire(self._clock.now_ns(), self._options.history_days))

    def _work(self) -> None:
        while not self._stopping.wait(self._options.advance_s):
            try:
                self.look()
            except Exception:  # a thread that is dead calls nobody
                log.exception("on-call could not be looked after; it is tried again")

    def _try(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except TocsinError as error:
            log.warning("%s now: %s", what, error)
