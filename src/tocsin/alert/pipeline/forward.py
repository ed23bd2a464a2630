"""
Alerts of our rules on their way to Alertmanagers, as a Prometheus sends them.

    POST /api/v2/alerts   [{"labels": ..., "annotations": ..., "startsAt": ..., "endsAt": now + 4 * max(resend, interval), ...}]

An alert is sent when it begins or ends, and again at every resend; one that ends without a word (its rule is gone) ends by `endsAt`. Each
target has a queue of its own, which drops what is oldest when it is full: what still fires is said again.
Source: Prometheus documentation, 'Alerting rules'; Alertmanager documentation, 'Alerts API'.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from tocsin.alert.notify.alertmanager import post_alerts
from tocsin.clock import Clock
from tocsin.errors import ConfigError, DeliveryError
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels

QUEUE_MAX = 10_000
BATCH_MAX = 256
TIMEOUT_S = 10.0
RESENDS_UNTIL_END = 4
RESOLVED_S = 900.0
STOP_S = 12.0
SECONDS_BETWEEN_COMPLAINTS = 300.0

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForwardStatistics:
    """
    Alerts for other Alertmanagers since the start, by the target's host and port.

    Args:
        sent: Alerts that were taken.
        failed: Alerts that were not: the target could not be reached, or refused.
        dropped: Alerts that were dropped since the queue was full.
        queued: Gauge: alerts in the queue.
    """

    sent: Mapping[str, int]
    failed: Mapping[str, int]
    dropped: Mapping[str, int]
    queued: Mapping[str, int]


class Forwarder:
    """
    Sends alerts to Alertmanagers. Safe to use from several threads.

    Args:
        urls: Their addresses, with a path where they have one.
        clock: The present.
        resend_s: Seconds after which a firing alert is sent again.
        interval_s: Seconds between evaluations.
        external_labels: Added to every alert that does not have them.

    Raises:
        ConfigError: An address is none.
    """

    def __init__(
        self, urls: Sequence[str], *, clock: Clock, resend_s: float, interval_s: float, external_labels: Mapping[str, str] | None = None
    ) -> None:
        ends_after_s = RESENDS_UNTIL_END * max(resend_s, interval_s)
        self._targets = [Target(_checked(url), clock, ends_after_s) for url in urls]
        self._resend_ns = round(resend_s * NANOSECONDS)
        self._external = dict(external_labels or {})
        self._lock = threading.Lock()
        self._sent_at: dict[Labels, tuple[Instant, Instant | None]] = {}
        self._forget_above = 2 * QUEUE_MAX

    def put(self, alerts: Sequence[Alert], at: Instant) -> None:
        """Queue what rules say; those that were sent a moment ago wait for the next time. Never waits for a target."""
        if not self._targets:
            return
        self._forget_old(at)
        due = [self._labelled(alert) for alert in alerts if self._is_due(alert, at)]
        for target in self._targets if due else ():
            target.put(due)

    def start(self) -> None:
        """Send in a thread per target from now on."""
        for target in self._targets:
            target.start()

    def stop(self) -> None:
        """Send what is queued, within a time limit; idempotent."""
        for target in self._targets:
            target.stop()

    def statistics(self) -> ForwardStatistics:
        """Counts since the start."""
        return ForwardStatistics(
            sent={target.name: target.sent for target in self._targets},
            failed={target.name: target.failed for target in self._targets},
            dropped={target.name: target.dropped for target in self._targets},
            queued={target.name: target.queued for target in self._targets},
        )

    def _is_due(self, alert: Alert, at: Instant) -> bool:
        ended = alert.ends_at if alert.resolved(at) else None
        if ended is not None and at - ended > round(RESOLVED_S * NANOSECONDS):
            return False
        with self._lock:
            before = self._sent_at.get(alert.labels)
            # Half: rules say everything at about every resend, and the last time may have been a little late.
            if before is not None and before[1] == ended and at - before[0] < self._resend_ns // 2:
                return False
            self._sent_at[alert.labels] = (at, ended)
            return True

    def _forget_old(self, at: Instant) -> None:
        """Forget what is said no more; only when much has come since the last time, for it looks at everything."""
        with self._lock:
            if len(self._sent_at) > self._forget_above:
                self._sent_at = {labels: sent for labels, sent in self._sent_at.items() if at - sent[0] < 2 * self._resend_ns}
                self._forget_above = max(2 * QUEUE_MAX, 2 * len(self._sent_at))

    def _labelled(self, alert: Alert) -> Alert:
        return replace(alert, labels=Labels({**self._external, **dict(alert.labels)})) if self._external else alert


class Target:
    """
    One Alertmanager with its queue.

    Args:
        url: Its address.
        clock: The present.
        ends_after_s: After so many seconds a firing alert ends there unless it is sent again.
        client: Sends.
    """

    def __init__(self, url: httpx.URL, clock: Clock, ends_after_s: float, client: httpx.Client | None = None) -> None:
        self.name = url.netloc.decode("ascii").rpartition("@")[2]  # without a password
        self._url = str(url)
        self._clock = clock
        self._ends_after_s = ends_after_s
        self._client = client or httpx.Client(timeout=TIMEOUT_S, trust_env=False)
        self._changed = threading.Condition()
        self._queue: deque[Alert] = deque()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._complain_at_s = 0.0
        self.sent = self.failed = self.dropped = 0

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._queue)

    def put(self, alerts: Sequence[Alert]) -> None:
        """Queue alerts; the oldest are dropped when there is no room."""
        with self._changed:
            self._queue.extend(alerts)
            over = len(self._queue) - QUEUE_MAX
            for _ in range(over):
                self._queue.popleft()
            self._changed.notify()
        if over > 0:
            self.dropped += over
            self._complain(f"its queue is full, {over} alerts were dropped; what still fires is sent again")

    def start(self) -> None:
        """Send in a thread."""
        self._thread = threading.Thread(target=self._run, name=f"forward-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what is queued, within a time limit."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._thread = None
        self._client.close()

    def send(self) -> int:
        """Send one batch of what waits; returns how many alerts it was. One that fails is not tried again: the alerts will be."""
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
        if not batch:
            return 0
        try:
            post_alerts(self._client, self._url, batch, self._clock.now_ns(), self._ends_after_s)
        except DeliveryError as error:
            self.failed += len(batch)
            self._complain(str(error))
        else:
            self.sent += len(batch)
        return len(batch)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
            self.send()

    def _complain(self, what: str) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._complain_at_s:
            self._complain_at_s = now_s + SECONDS_BETWEEN_COMPLAINTS
            _LOG.warning("alerts for the Alertmanager at %s: %s", self.name, what)


def _checked(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigError("expected the address of an Alertmanager, as http://alertmanager:9093", key="alert.forward")
    return url
