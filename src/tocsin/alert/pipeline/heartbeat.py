"""
A dead man's switch: a service outside is called while people would be told, and tells somebody when the calls stop.

A call says that rules were evaluated lately and that notifications can be written down and go out. When one of these is not so, no call is
made, and why stands in the log and in the statistics.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import httpx

from tocsin.clock import Clock
from tocsin.errors import ConfigError

TIMEOUT_S = 10.0
STOP_S = 12.0

_LOG = logging.getLogger(__name__)


class Beat(Enum):
    """What became of a heartbeat."""

    SENT = "sent"
    RULES_STALE = "rules_stale"  # withheld: no rule was evaluated lately
    OUTBOX_STUCK = "outbox_stuck"  # withheld: notifications can't be written down, or wait for too long
    FAILED = "failed"  # the service outside could not be reached, or refused


WITHHELD = (Beat.RULES_STALE, Beat.OUTBOX_STUCK)


@dataclass(frozen=True, slots=True)
class HeartbeatStatistics:
    """
    Calls of the service outside since the start.

    Args:
        beats: By what became of them: `sent`, `failed`, or why they were withheld.
        last: What became of the last one; empty before the first.
    """

    beats: Mapping[str, int]
    last: str


class Heartbeat:
    """
    Calls it.

    Args:
        url: Where; never shown: it often holds a secret.
        interval_s: Seconds between two calls.
        clock: For the time between complaints.
        rules_run: Whether rules were evaluated lately.
        outbox_works: Whether notifications are written down and go out.
        client: Calls.

    Raises:
        ConfigError: The address is none.
    """

    def __init__(
        self,
        url: str,
        interval_s: float,
        *,
        clock: Clock,
        rules_run: Callable[[], bool],
        outbox_works: Callable[[], bool],
        client: httpx.Client | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("expected an address, as https://example.org/ping", key="alert.heartbeat_url")
        self._url = url
        self._interval_s = interval_s
        self._clock = clock
        self._rules_run = rules_run
        self._outbox_works = outbox_works
        self._client = client or httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=True)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._beats = dict.fromkeys(Beat, 0)
        self._last: Beat | None = None

    def beat(self) -> Beat:
        """Call once, if there is reason to; returns what became of it."""
        result, detail = self._tried()
        if result is not self._last:
            level = logging.INFO if result is Beat.SENT else logging.ERROR
            _LOG.log(level, "the heartbeat is %s%s", "withheld: " + result.value if result in WITHHELD else result.value, detail)
        self._beats[result] += 1
        self._last = result
        return result

    def start(self) -> None:
        """Call at every interval from now on."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No further call; idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._thread = None
        self._client.close()

    def statistics(self) -> HeartbeatStatistics:
        """Counts since the start."""
        return HeartbeatStatistics({beat.value: count for beat, count in self._beats.items()}, self._last.value if self._last else "")

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.beat()

    def _tried(self) -> tuple[Beat, str]:
        if not self._holds(self._rules_run):
            return Beat.RULES_STALE, ""
        if not self._holds(self._outbox_works):
            return Beat.OUTBOX_STUCK, ""
        try:
            response = self._client.get(self._url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Beat.FAILED, f": {type(error).__name__}"
        return (Beat.SENT, "") if response.is_success else (Beat.FAILED, f": it answers {response.status_code}")

    def _holds(self, question: Callable[[], bool]) -> bool:
        try:
            return question()
        except Exception:  # noqa: BLE001 - a question that can't be answered is a reason to let the outside know
            _LOG.exception("whether people would be told can't be judged")
            return False
