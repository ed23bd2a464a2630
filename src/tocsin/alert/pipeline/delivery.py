"""
Delivery: a few workers take notifications out of the outbox and send them, each until somebody was told.

    delivered          done
    failed             again later, twice as long each time; after `give_up_s` of failures somebody else is told
    refused            somebody else is told at once: the same again would be refused again

An attempt is written down after it was made. A kill in between means that the same is sent once more, with the same key.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from tocsin.alert.pipeline.backoff import FIRST_S, backoff_s
from tocsin.alert.pipeline.delivery_records import DeliveryLimits, DeliveryStatistics
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.pipeline.steps import NoSteps, PipelineStep, Steps
from tocsin.alert.pipeline.trial import Result, Sender, Trial
from tocsin.alert.pipeline.waitlist import Waitlist
from tocsin.clock import Clock, Entropy
from tocsin.errors import TocsinError
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.notification import Attempt, DeliveryState, Notification, NotificationReason
from tocsin.state.alert_outbox import Outbox
from tocsin.state.alert_records import OutboxEntry, Waiting

POLL_S = 1.0  # how long a notification that nobody announced may lie
PAGE = 1000
TOLD_MAX = 200  # of one group, looked through for whoever was told in place of others
READ_WITHIN_S = 60.0
STOP_S = 15.0

_LOG = logging.getLogger(__name__)
Text = TypeVar("Text")


class Delivery:
    """
    Delivers what is in the outbox. Safe to use from several threads.

    Args:
        outbox: What waits.
        channel: The channel of a receiver by its name, as the configuration has it now; None when it is gone.
        page: Gathers the text of a page, within a time limit of its own.
        fallback: Who is told instead.
        clock: The present.
        entropy: For back-off.
        bare: The text of a page without facts, for when `page` fails; None: the page is then tried again.
        limits: How long to try.
        steps: Is told of each step.
    """

    def __init__(
        self,
        outbox: Outbox,
        channel: Callable[[str, str], Sender[Text] | None],
        page: Callable[[Notification], Text],
        fallback: Fallback,
        *,
        clock: Clock,
        entropy: Entropy,
        bare: Callable[[Notification], Text] | None = None,
        limits: DeliveryLimits | None = None,
        steps: Steps | None = None,
    ) -> None:
        self._outbox = outbox
        self._try = Trial(channel, page, bare, clock=clock, steps=steps or NoSteps()).of
        self._fallback = fallback
        self._clock = clock
        self._entropy = entropy
        self._limits = limits or DeliveryLimits()
        self._steps = steps or NoSteps()
        self._changed = threading.Condition()
        self._waitlist = Waitlist(self._limits.workers)
        self._read_until = 0
        self._read_again_at = self._read_at_s = clock.monotonic_s()
        self._unrecorded: dict[str, Result] = {}
        self._blamed: set[str] = set()
        self._untold_keys: set[str] = set()
        self._stopping = False
        self._workers: list[threading.Thread] = []
        self._outcomes: Counter[str] = Counter()
        self._undeliverable = self._fallbacks = self._untold = self._database_failures = 0
        self._delay_s = 0.0

    def start(self) -> None:
        """Deliver in threads from now on."""
        self._workers = [
            threading.Thread(target=self._work, name=f"delivery-{index}", daemon=True) for index in range(self._limits.workers)
        ]
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Begin no further attempt, and wait a while for those under way; idempotent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join(STOP_S)
        self._workers = []

    def wake(self) -> None:
        """Something new is in the outbox."""
        with self._changed:
            self._read_again_at = self._clock.monotonic_s()
            self._changed.notify()

    def advance(self) -> int:
        """Make every attempt that is due now, one after the other, in this thread; returns how many. For tests on a virtual clock."""
        count = 0
        while True:
            with self._changed:
                self._read()
                waiting = self._waitlist.take(self._clock.now_ns())
            if waiting is None:
                return count
            self._attempt(waiting)
            count += 1

    def next_at(self) -> Instant | None:
        """When something is due next; None when nothing waits."""
        with self._changed:
            return self._waitlist.next_at()

    def works(self) -> bool:
        """Whether the outbox was read lately, and nothing waits for long that nobody can be told: for the heartbeat."""
        with self._changed:
            return self._clock.monotonic_s() - self._read_at_s <= READ_WITHIN_S and not self._untold_keys

    def statistics(self) -> DeliveryStatistics:
        """Counts since the start; asks nothing of the database."""
        with self._changed:
            return DeliveryStatistics(
                attempts={outcome: self._outcomes[outcome] for outcome in ("delivered", "failed", "refused")},
                undeliverable=self._undeliverable,
                fallbacks=self._fallbacks,
                untold=self._untold,
                delay_s=self._delay_s,
                database_failures=self._database_failures,
                waiting=len(self._waitlist),
                under_way=self._waitlist.under_way,
                failing_channels=len(self._waitlist.failing),
            )

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            try:
                self._attempt(waiting)
            except Exception:  # noqa: BLE001 - it waits again, see `_attempt`; a dead worker would take every other notification with it
                _LOG.exception("a notification to %s of %s could not be worked on", waiting.channel, waiting.receiver)

    def _next(self) -> Waiting | None:
        """What to try now; waits until there is something; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                if self._clock.monotonic_s() >= self._read_again_at:
                    self._read()
                now = self._clock.now_ns()
                if (waiting := self._waitlist.take(now)) is not None:
                    self._changed.notify()  # there may be more for others
                    return waiting
                due = self._waitlist.next_at()
                ahead_s = POLL_S if due is None else (due - now) / NANOSECONDS
                self._changed.wait(min(max(ahead_s, 0.0) or POLL_S, POLL_S))
            return None

    def _read(self) -> None:
        """See what is new in the outbox."""
        self._read_again_at = self._clock.monotonic_s() + POLL_S
        try:
            while found := self._outbox.waiting(self._read_until, PAGE):
                for waiting in found:
                    self._waitlist.add(waiting)
                self._read_until = found[-1].number
            self._read_at_s = self._clock.monotonic_s()
        except TocsinError as error:
            self._database_failures += 1
            _LOG.warning("the outbox can't be read now: %s", error)

    def _attempt(self, waiting: Waiting) -> None:
        again_at: Instant | None = None
        try:
            again_at = self._attempted(waiting)
        except TocsinError as error:
            _LOG.warning("the outbox can't be written now, what was sent to %s is recorded later: %s", waiting.channel, error)
            again_at = self._clock.now_ns() + round(FIRST_S * NANOSECONDS)
            with self._changed:
                self._database_failures += 1
        except BaseException:
            again_at = self._clock.now_ns() + round(FIRST_S * NANOSECONDS)
            raise
        finally:
            self._release(waiting, again_at)

    def _release(self, waiting: Waiting, again_at: Instant | None) -> None:
        with self._changed:
            self._waitlist.release(waiting, again_at)
            if again_at is None:  # told, given up, or replaced: it is no longer this one that nobody hears
                self._untold_keys.discard(waiting.key)
                self._unrecorded.pop(waiting.key, None)
                self._blamed.discard(waiting.key)
            self._changed.notify()

    def _attempted(self, waiting: Waiting) -> Instant | None:
        """Try one; returns when to try again, None when it is settled."""
        self._steps.reached(PipelineStep.ATTEMPT_CLAIMED)
        result = self._unrecorded.get(waiting.key)
        entry = self._outbox.entry(waiting.key)
        if entry is None or (entry.state is not DeliveryState.PENDING and result is None):
            return None
        if result is None:
            result = self._try(entry.notification)
            self._unrecorded[waiting.key] = result
        again_at = self._settled(waiting, entry, result)
        self._unrecorded.pop(waiting.key, None)
        self._blamed.discard(waiting.key)
        return again_at

    def _settled(self, waiting: Waiting, entry: OutboxEntry, result: Result) -> Instant | None:
        """Write down what came of an attempt, and tell somebody else where that is due; returns when to try again."""
        if result.attempt.outcome == "delivered":
            ends = self._ends(entry.notification)
            self._outbox.record(result.attempt, DeliveryState.DELIVERED, 0, ends)
            self._delivered(waiting, result.attempt)
            if ends:
                self.wake()
            self._steps.reached(PipelineStep.ATTEMPT_RECORDED)
            return None
        again_at, failing_since = self._failed(waiting, entry, result)
        now = self._clock.now_ns()
        failing_s = (now - failing_since) / NANOSECONDS
        if not result.lasting and failing_s < self._limits.patience_s(waiting.channel):
            return self._postponed(result, again_at)
        instead = self._fallback.instead_of(entry.notification, result.attempt.detail, now)
        if not instead and not result.lasting and failing_s < self._limits.keep_trying_s:
            self._say_untold(entry, result)
            return self._postponed(result, again_at)
        self._given_up(entry, result, instead)
        if instead and not result.lasting:
            self._give_up_stranded(waiting, now)
        return None

    def _ends(self, notification: Notification) -> tuple[Notification, ...]:
        """Whoever heard in place of others that it began hears that it is over, too."""
        if notification.firing or notification.reason in (NotificationReason.FALLBACK, NotificationReason.TEST):
            return ()
        told = self._outbox.entries(group_key=notification.group_key, limit=TOLD_MAX)
        return self._fallback.ends(notification, [entry.notification for entry in told], self._clock.now_ns())

    def _postponed(self, result: Result, again_at: Instant) -> Instant | None:
        state = self._outbox.record(result.attempt, DeliveryState.PENDING, again_at)
        with self._changed:
            self._outcomes[result.attempt.outcome] += 1
        self._steps.reached(PipelineStep.ATTEMPT_RECORDED)
        return again_at if state is DeliveryState.PENDING else None

    def _delivered(self, waiting: Waiting, attempt: Attempt) -> None:
        with self._changed:
            self._waitlist.succeeded(waiting, attempt.duration_s)
            self._outcomes["delivered"] += 1
            self._delay_s += max(0.0, (attempt.at - waiting.created_at) / NANOSECONDS + attempt.duration_s)

    def _failed(self, waiting: Waiting, entry: OutboxEntry, result: Result) -> tuple[Instant, Instant]:
        """When to try again, and since when this notification fails, or its channel since it waits."""
        now = self._clock.now_ns()
        since = result.attempt.at if entry.failing_since is None else entry.failing_since
        with self._changed:
            endpoint = self._waitlist.endpoint(waiting)
            if endpoint.failing_since is not None:
                since = min(since, max(endpoint.failing_since, waiting.created_at))
            left_s = self._limits.patience_s(waiting.channel) - (now - since) / NANOSECONDS
            # What a receiver asks for is honoured, but somebody else is told when it is time for that.
            longest_s = max(left_s, FIRST_S) if left_s > 0 else math.inf

            def after_s(failures: int) -> float:
                return min(backoff_s(failures, self._entropy, retry_after_s=result.retry_after_s), longest_s)

            if result.blames_channel and waiting.key not in self._blamed:
                rests_until = now + round(after_s(endpoint.failures + 1) * NANOSECONDS)
                self._waitlist.failed(waiting, result.attempt.at, rests_until)
                self._blamed.add(waiting.key)  # once per attempt, however often it takes to write that down
            return now + round(after_s(entry.attempts + 1) * NANOSECONDS), since

    def _say_untold(self, entry: OutboxEntry, result: Result) -> None:
        notification = entry.notification
        with self._changed:
            if notification.key in self._untold_keys:
                return
            self._untold_keys.add(notification.key)
            self._untold += 1
        _LOG.error(
            "%s of %s could not be told about %s, and there is no fallback: %s; it is tried on. Name one in alert.fallback_receiver",
            notification.channel, notification.receiver, notification.group_key, result.attempt.detail,
        )  # fmt: skip

    def _given_up(self, entry: OutboxEntry, result: Result, instead: tuple[Notification, ...]) -> None:
        notification = entry.notification
        state = self._outbox.record(result.attempt, DeliveryState.UNDELIVERABLE, 0, instead)
        self._steps.reached(PipelineStep.FALLBACK_COMMITTED if instead else PipelineStep.ATTEMPT_RECORDED)
        replaced = state is not DeliveryState.UNDELIVERABLE
        with self._changed:
            self._outcomes[result.attempt.outcome] += 1
            self._read_again_at = self._clock.monotonic_s()
            if replaced:
                return
            self._undeliverable += 1
            self._fallbacks += len(instead)
            self._untold += 0 if instead or notification.key in self._untold_keys else 1
        told = ", ".join(f"{each.channel} of {each.receiver}" for each in instead) or "nobody else can be: name alert.fallback_receiver"
        log = _LOG.warning if instead else _LOG.error
        log(
            "%s of %s could not be told about %s: %s; told instead: %s",
            notification.channel, notification.receiver, notification.group_key, result.attempt.detail, told,
        )  # fmt: skip

    def _give_up_stranded(self, waiting: Waiting, now: Instant) -> None:
        """Others have waited at the same dead channel for as long: each of them waiting for its own turn to fail would take hours."""
        with self._changed:
            before = now - round(self._limits.patience_s(waiting.channel) * NANOSECONDS)
            since = self._waitlist.endpoint(waiting).failing_since
            stranded = self._waitlist.stranded(waiting, before) if since is not None and since <= before else []
        for other in stranded:
            self._give_up_untried(other, now)

    def _give_up_untried(self, waiting: Waiting, now: Instant) -> None:
        again_at: Instant | None = now
        try:
            entry = self._outbox.entry(waiting.key)
            why = f"not tried again: {waiting.channel} of {waiting.receiver} has taken nothing for too long"
            if entry is None or entry.state is not DeliveryState.PENDING:
                again_at = None
            elif instead := self._fallback.instead_of(entry.notification, why, now):
                self._given_up(entry, Result(Attempt(waiting.key, 0, now, 0.0, "failed", why)), instead)
                again_at = None
        except TocsinError as error:
            _LOG.warning("the outbox can't be written now, %s of %s is given up later: %s", waiting.channel, waiting.receiver, error)
        finally:
            self._release(waiting, again_at)
