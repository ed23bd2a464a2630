"""
From alerts to notifications in a running server: the dispatcher decides, the relational state keeps, in one transaction per step.

    put(alerts)    the dispatcher takes them; what changed is written down
    advance(now)   what is due is planned, written down with its notifications, and then remembered by the dispatcher

What is written is never behind what was told: a kill at any moment means that the last step is done again, with the same keys.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from tocsin.alert.dispatch.dispatcher import DispatcherStatistics
from tocsin.alert.dispatch.state import Flush, GroupState, GroupView, Unsaved
from tocsin.alert.pipeline.pipeline_records import PipelineStatistics
from tocsin.alert.pipeline.steps import NoSteps, PipelineStep, Steps
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model.alert import Alert, AlertEvent, AlertEventKind, AlertStatus, Silence
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.state.alert_records import AlertChange
from tocsin.state.alerting import Alerting

POLL_S = 1.0  # the longest time between two looks, whatever a clock does
EXPIRE_S = 3600.0
STOP_S = 15.0
WRITTEN_WITHIN_S = 60.0
FLUSHES_PER_COMMIT = 200

_LOG = logging.getLogger(__name__)


class Dispatching(Protocol):
    """The dispatcher, as far as the pipeline drives it; see `alert.dispatch.dispatcher.Dispatcher`."""

    def load(
        self, group_states: Iterable[GroupState], alerts: Iterable[Alert], silences: Iterable[Silence], *, at: Instant | None = None
    ) -> None:
        """Go on where another left."""
        ...

    def put(self, alerts: Sequence[Alert], now: Instant) -> list[AlertEvent]:
        """Take alerts."""
        ...

    def set_silences(self, silences: Iterable[Silence]) -> None:
        """The silences that there are."""
        ...

    def plan(self, now: Instant) -> list[Flush]:
        """What is due."""
        ...

    def commit(self, flush: Flush) -> None:
        """It is kept."""
        ...

    def unsaved(self) -> Unsaved:
        """What changed since it was saved."""
        ...

    def saved(self, unsaved: Unsaved) -> None:
        """It is kept."""
        ...

    def next_at(self) -> Instant | None:
        """When there is something to do."""
        ...

    def status(self, fingerprint: str, now: Instant) -> AlertStatus:
        """What becomes of an alert."""
        ...

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert."""
        ...

    def alerts(self) -> list[Alert]:
        """All alerts."""
        ...

    def groups(self, now: Instant) -> list[GroupView]:
        """All groups."""
        ...

    def statistics(self) -> DispatcherStatistics:
        """What became of alerts."""
        ...


class Pipeline:
    """
    Drives a dispatcher. Safe to use from several threads.

    Args:
        alerting: Where everything is kept.
        dispatcher: Knows nothing yet; `load` tells it what is kept.
        clock: The present.
        announce: Called after notifications were committed, as `Delivery.wake`.
        history_days: How long history is kept; None: this pipeline drops nothing.
        steps: Is told of each step.
    """

    def __init__(
        self,
        alerting: Alerting,
        dispatcher: Dispatching,
        *,
        clock: Clock,
        announce: Callable[[], None] | None = None,
        history_days: float | None = None,
        steps: Steps | None = None,
    ) -> None:
        self._alerting = alerting
        self._dispatcher = dispatcher
        self._clock = clock
        self._announce = announce or _nobody
        self._history_days = history_days
        self._steps = steps or NoSteps()
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._events: list[AlertEvent] = []
        self._expire_at: Instant = 0
        self._written_at: Instant | None = None
        self._taken = self._flushes = self._failures = 0
        self._happened: Counter[AlertEventKind] = Counter()
        self._reasons: Counter[str] = Counter()

    def load(self) -> None:
        """
        Go on where the last process ended: nobody is told twice, and what was inhibited still is.

        Raises:
            StoreError: What is kept can't be read.
        """
        now = self._clock.now_ns()
        with self._lock:
            self._dispatcher.load(self._kept_groups(), self._alerting.alerts(), self._silences(now), at=now)
            self._written_at = now

    def replace(self, dispatcher: Dispatching) -> None:
        """
        Go on with another dispatcher, made for a new configuration: alerts and silences stay, and groups that it has as well.

        Raises:
            StoreError: What is kept can't be written or read; the old one stays.
        """
        now = self._clock.now_ns()
        with self._lock:
            self._write(now)
            dispatcher.load(self._kept_groups(), self._alerting.alerts(), self._silences(now))
            self._dispatcher = dispatcher
        self._wake()

    def put(self, alerts: Sequence[Alert], at: Instant) -> None:
        """Take what rules say; what can't be written now is written later, since rules say it again and again."""
        try:
            self.accept(alerts, at)
        except TocsinError as error:
            _LOG.error("alerts can't be written now, and are kept in memory: %s", error)

    def accept(self, alerts: Sequence[Alert], at: Instant) -> None:
        """
        Take alerts; they are on the disk when this returns.

        Raises:
            StoreError: They could not be written: they are in memory alone, and the caller may say them again.
        """
        with self._lock:
            # What a late evaluation says is about a past instant, but said now, and now is when it is its turn: neither must look like a
            # clock that went back.
            now = max(at, self._clock.now_ns())
            self._remember(self._dispatcher.put(alerts, now))
            self._taken += len(alerts)
            self._steps.reached(PipelineStep.ALERTS_TAKEN)
            self._write(now)
        self._wake()

    def silences_changed(self) -> None:
        """
        Read silences again.

        Raises:
            StoreError: They can't be read.
        """
        with self._lock:
            self._dispatcher.set_silences(self._silences(self._clock.now_ns()))
        self._wake()

    def advance(self, now: Instant) -> Instant | None:
        """
        Do everything that is due at an instant.

        Returns:
            When there is something to do again; None: not before something happens.

        Raises:
            StoreError: Something can't be written; it is still due.
        """
        with self._lock:
            now = max(now, self._clock.now_ns())
            self._remember(self._dispatcher.put((), now))
            self._write(now)
            flushes = self._dispatcher.plan(now)
            for start in range(0, len(flushes), FLUSHES_PER_COMMIT):
                self._flush(flushes[start : start + FLUSHES_PER_COMMIT])
            self._write(now)
            self._expire(now)
            return self._dispatcher.next_at()

    def start(self) -> None:
        """Advance in a thread from now on."""
        self._thread = threading.Thread(target=self._run, name="alert-pipeline", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the step that is under way, and write down what is in memory alone; idempotent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._thread = None

    def alerts(self) -> list[Alert]:
        """Every alert, each once, by its labels."""
        with self._lock:
            return sorted(self._dispatcher.alerts(), key=lambda alert: alert.labels)

    def groups(self) -> list[GroupView]:
        """Every group with its alerts and what becomes of them."""
        with self._lock:
            return self._dispatcher.groups(self._clock.now_ns())

    def status(self, fingerprint: str) -> AlertStatus:
        """What becomes of an alert now; empty for one that is not kept."""
        with self._lock:
            return self._dispatcher.status(fingerprint, self._clock.now_ns())

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert as it stands; None when it is not kept."""
        with self._lock:
            return self._dispatcher.alert(fingerprint)

    @property
    def written_at(self) -> Instant | None:
        """When the pipeline last saw that everything is on the disk; None before it was loaded."""
        return self._written_at

    def works(self) -> bool:
        """Whether everything was on the disk lately: for the heartbeat."""
        written_at = self._written_at
        return written_at is not None and self._clock.now_ns() - written_at <= round(WRITTEN_WITHIN_S * NANOSECONDS)

    def statistics(self) -> PipelineStatistics:
        """Counts since the start."""
        return PipelineStatistics(
            alerts=self._taken,
            events={kind.value: self._happened[kind] for kind in AlertEventKind},
            flushes=self._flushes,
            notifications=dict(self._reasons),
            database_failures=self._failures,
            unwritten_events=len(self._events),
        )

    def dispatched(self) -> DispatcherStatistics:
        """What the dispatcher has, and what it did since the configuration came into force."""
        with self._lock:
            return self._dispatcher.statistics()

    def _run(self) -> None:
        while not self._stopping:
            due: Instant | None = None
            with self._guarded():
                due = self.advance(self._clock.now_ns())
            with self._changed:
                if not self._stopping:
                    ahead_s = POLL_S if due is None else (due - self._clock.now_ns()) / NANOSECONDS
                    self._changed.wait(min(max(ahead_s, 0.01), POLL_S))
        with self._guarded(), self._lock:
            self._write(self._clock.now_ns())

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever fails, the thread that tells people lives on."""
        try:
            yield
        except TocsinError as error:
            _LOG.error("alerts and notifications can't be written now; it is tried again: %s", error)
        except Exception:  # noqa: BLE001 - see the docstring
            _LOG.exception("alerts could not be worked on; it is tried again")

    def _remember(self, events: Sequence[AlertEvent]) -> None:
        self._events += events
        self._happened.update(event.kind for event in events)

    def _write(self, now: Instant) -> None:
        """Write down what changed in memory."""
        unsaved = self._dispatcher.unsaved()
        events = self._events
        if unsaved or events:
            groups = {key: state.to_json() if state else None for key, state in unsaved.groups.items()}
            self._commit(AlertChange(unsaved.alerts, unsaved.forgotten, events, groups))
            self._events = []
            self._dispatcher.saved(unsaved)
            self._steps.reached(PipelineStep.ALERTS_WRITTEN)
        self._written_at = now

    def _flush(self, flushes: Sequence[Flush]) -> None:
        self._steps.reached(PipelineStep.FLUSH_PLANNED)
        notifications = [notification for flush in flushes for notification in flush.notifications]
        groups = {flush.group_key: flush.state.to_json() if flush.state else None for flush in flushes}
        self._commit(AlertChange(groups=groups, notifications=notifications))
        self._steps.reached(PipelineStep.FLUSH_COMMITTED)
        for flush in flushes:
            self._dispatcher.commit(flush)
        self._steps.reached(PipelineStep.FLUSH_DONE)
        self._flushes += len(flushes)
        self._reasons.update(notification.reason.value for notification in notifications)
        if notifications:
            self._announce()

    def _commit(self, change: AlertChange) -> None:
        try:
            self._alerting.commit(change)
        except TocsinError:
            self._failures += 1
            raise

    def _expire(self, now: Instant) -> None:
        if self._history_days is None or now < self._expire_at:
            return
        self._expire_at = now + round(EXPIRE_S * NANOSECONDS)
        self._alerting.expire(now, self._history_days)

    def _kept_groups(self) -> list[GroupState]:
        return [GroupState.from_json(content) for content in self._alerting.groups().values()]

    def _silences(self, now: Instant) -> Sequence[Silence]:
        return self._alerting.silences.list(ending_after=now)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _nobody() -> None:
    """There is no one to announce anything to."""
