"""
Evaluates groups of rules at their intervals.

    rules() -> groups -> two workers: due? -> GroupRun.step -> samples into the journal, changes into the state, alerts to the sink

An evaluation never overlaps itself; a group that is late leaves out what it missed, and that is counted. When rule files change, rules
that stayed go on with their alerts, and what missing ones fired is told to have ended. What must survive a restart is written before it is
told; after a restart every alert that fires is told again, so nothing is lost between the two.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tocsin.alert.definition import RuleGroup, RuleSet
from tocsin.alert.options import AlertOptions
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.manager_statistics import RuleStatistics, statistics_of
from tocsin.alert.rules.outcome import GroupOutcome, GroupStatus
from tocsin.alert.rules.restoring import Tolerance
from tocsin.alert.rules.run import GroupRun
from tocsin.alert.rules.schedule import Schedule
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.rule_alert import KeptGroup
from tocsin.query.series.recent import RecentSeries, SeriesSample
from tocsin.state.rule_states import RuleStates

WORKERS = 2
TICK_S = 1.0  # longest sleep: files that changed and a clock that was set are noticed after it
STAMP_NS = 60 * NANOSECONDS  # while alerts wait, it is written at least so often how far evaluation has come
STOP_S = 10.0  # evaluations that are under way at the end may take this long

Sink: TypeAlias = Callable[[Sequence[Alert], Instant], None]
Store: TypeAlias = Callable[[Sequence[SeriesSample]], None]

logger = logging.getLogger(__name__)


def drop(samples: Sequence[SeriesSample]) -> None:
    """A store that keeps nothing."""


@dataclass(frozen=True, slots=True)
class RuleSurroundings:
    """
    What evaluation works with.

    Args:
        evaluators: Answer conditions.
        texts: Fill texts in.
        clock: The present.
        sink: Gets alerts that fire or have ended; may be told the same again at any time. What it raises counts as not told.
        store: Gets samples; raises nothing.
        recent: Gets samples as soon as they are made; lies over the source of the evaluators.
        states: Keeps what must survive a restart; None: nothing does.
        options: How often alerts are said again, and how a restart is bridged.
    """

    evaluators: Evaluators
    texts: Texts
    clock: Clock
    sink: Sink
    store: Store = drop
    recent: RecentSeries | None = None
    states: RuleStates | None = None
    options: AlertOptions = field(default_factory=AlertOptions)


@dataclass(slots=True, eq=False)
class _Entry:
    """
    A group that is evaluated. Whoever has set `busy` may use the run; the rest changes under the manager's lock.

    Args:
        run: The group.
        schedule: When.
        due: Next instant.
        status: As of the last evaluation.
        busy: Somebody works on it.
        leaving: It is in no file any more: one last step ends what it left.
        written_at: When it was last written how far evaluation has come.
    """

    run: GroupRun
    schedule: Schedule
    due: Instant
    status: GroupStatus
    busy: bool = False
    leaving: bool = False
    missed: int = 0
    written_at: Instant | None = None


class RuleManager:
    """
    Evaluates what `rules` says, from `start` to `stop`. Safe to use from several threads.

    Args:
        rules: The rules in force; the same object for as long as they stay the same.
        surroundings: What evaluation works with.
    """

    def __init__(self, rules: Callable[[], RuleSet], surroundings: RuleSurroundings) -> None:
        self._rules = rules
        self._around = surroundings
        self._clock = surroundings.clock
        self._tolerance = Tolerance(surroundings.options.outage_tolerance_s, surroundings.options.for_grace_s)
        self._changed = threading.Condition()
        self._refreshing = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._taken: RuleSet | None = None
        self._kept: dict[str, KeptGroup] | None = None
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._counts = RuleStatistics()

    def start(self) -> None:
        """Go on where the last process was, tell what fires, and evaluate from now on."""
        self.refresh()
        self._threads = [threading.Thread(target=self._work, name=f"rules-{number}", daemon=True) for number in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let evaluations that are under way finish, and note how far they have come; idempotent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(STOP_S)
        self._threads = []
        for entry in self._entries.values():
            at = entry.status.evaluated_at
            if not entry.busy and at is not None and entry.run.waiting and entry.written_at != at:
                self._write(entry, at, None)

    def groups(self) -> list[GroupStatus]:
        """How every group stands, in the order of the files."""
        with self._changed:
            keys = [] if self._taken is None else [group.key for group in self._taken.groups]
            found = [self._entries[key] for key in keys if key in self._entries]
            return [replace(entry.status, missed=entry.missed) for entry in found]

    def statistics(self) -> RuleStatistics:
        """What was evaluated since the start."""
        with self._changed:
            return statistics_of(self._counts, [entry.status for entry in self._entries.values() if not entry.leaving])

    def refresh(self) -> None:
        """Take over the rules in force, if they are others than before."""
        rules = self._rules()
        if rules is self._taken or not self._refreshing.acquire(blocking=False):
            return
        try:
            if self._kept is None:
                self._kept = self._read_kept()
            now = self._clock.now_ns()
            wanted = {group.key: group for group in rules.groups}
            for key in [key for key in self._entries if key not in wanted]:
                self._dismiss(key, now)
            for group in wanted.values():
                self._admit(group, now)
            if not rules.mistakes:  # a file that can't be read now may bring these rules back
                for kept in self._kept.values():
                    self._bury(kept, now)
                self._kept = {}
            self._taken = rules
        except TocsinError as error:
            logger.warning("rules can't be taken over now, it is tried again: %s", error)
        except Exception:  # a bug here must not end the evaluation of what is in force
            logger.exception("rules can't be taken over")
        finally:
            self._refreshing.release()

    def evaluate_due(self) -> int:
        """Evaluate, in this thread, every group that is due now; how many that were."""
        count = 0
        while (work := self._take()) is not None:
            self._evaluate(*work)
            count += 1
        return count

    def _work(self) -> None:
        while not self._stopping:
            self.refresh()
            work = self._take()
            if work is not None:
                self._evaluate(*work)
                continue
            with self._changed:
                if not self._stopping:
                    self._changed.wait(self._pause_s())

    def _pause_s(self) -> float:
        due = min((entry.due for entry in self._entries.values() if not entry.busy), default=None)
        return TICK_S if due is None else min(TICK_S, max(0.001, (due - self._clock.now_ns()) / NANOSECONDS))

    def _take(self) -> tuple[_Entry, Instant] | None:
        """The group that has been due for longest, and the instant for which it is evaluated; None when none is due."""
        with self._changed:
            now = self._clock.now_ns()
            for entry in self._entries.values():
                if entry.due - now > entry.schedule.interval_ns:  # the clock went back
                    entry.due = entry.schedule.after(now)
            due = [entry for entry in self._entries.values() if not entry.busy and entry.due <= now]
            if not due or self._stopping:
                return None
            entry = min(due, key=lambda one: one.due)
            entry.busy = True
            if entry.leaving:
                return entry, now
            at = entry.schedule.latest(now)
            missed = (at - entry.due) // entry.schedule.interval_ns
            entry.missed += missed
            self._counts = self._counts.plus(iterations_missed=missed)
            entry.due = at + entry.schedule.interval_ns
            return entry, at

    def _evaluate(self, entry: _Entry, at: Instant) -> None:
        try:
            outcome = entry.run.step(at)
            self._around.store(outcome.samples)
            kept = self._keep(entry, outcome)
            told = self._tell(entry.run, outcome.alerts, at)
            with self._changed:
                self._counts = self._counts.after(outcome)
                entry.status = entry.run.status()
            if entry.leaving:
                self._forget(entry, at, done=kept and told)
        except Exception:  # a bug in one group must not end the evaluation of all others
            logger.exception("the group %s could not be evaluated", entry.run.group.key)
            with self._changed:
                self._counts = self._counts.plus(iterations_failed=1)
                if entry.leaving:
                    entry.due = at + entry.schedule.interval_ns
        finally:
            self._give_back(entry)

    def _keep(self, entry: _Entry, outcome: GroupOutcome) -> bool:
        """Write what must survive; what can't be written now is written with the next evaluation."""
        stale = entry.written_at is None or outcome.at - entry.written_at >= STAMP_NS or outcome.at < entry.written_at
        if not outcome.changes and not (entry.run.waiting and stale):
            return True
        return self._write(entry, outcome.at, outcome)

    def _write(self, entry: _Entry, at: Instant, outcome: GroupOutcome | None) -> bool:
        if self._around.states is None:
            return True
        try:
            if outcome is None:
                self._around.states.write(entry.run.group.key, at)
            else:
                self._around.states.write(entry.run.group.key, at, kept=outcome.changes.kept, gone=outcome.changes.gone)
                entry.run.written(outcome.changes)
        except TocsinError as error:
            logger.warning("the alerts of %s can't be kept now: %s", entry.run.group.key, error)
            with self._changed:
                self._counts = self._counts.plus(writes_failed=1)
            return False
        entry.written_at = at
        with self._changed:
            self._counts = self._counts.plus(writes=1)
        return True

    def _tell(self, run: GroupRun, alerts: Sequence[Alert], at: Instant) -> bool:
        """Hand alerts on; those that were not taken are due again."""
        if not alerts:
            return True
        try:
            self._around.sink(alerts, at)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next evaluation tries again
            logger.warning("%d alerts of %s could not be handed on: %s", len(alerts), run.group.key, error)
            run.not_taken(alerts)
            with self._changed:
                self._counts = self._counts.plus(tellings_failed=1)
            return False
        with self._changed:
            self._counts = self._counts.plus(alerts_told=len(alerts))
        return True

    def _forget(self, entry: _Entry, at: Instant, *, done: bool) -> None:
        """A group that is no more has ended what it left; until that was told it tries again."""
        key = entry.run.group.key
        if not done:
            entry.due = at + entry.schedule.interval_ns
            return
        if self._around.states is not None:
            self._around.states.forget(key)
        with self._changed:
            if self._entries.get(key) is entry:
                del self._entries[key]

    def _read_kept(self) -> dict[str, KeptGroup]:
        return {} if self._around.states is None else self._around.states.groups()

    def _make(self, group: RuleGroup) -> GroupRun:
        around = self._around
        return GroupRun(
            group,
            around.evaluators,
            texts=around.texts,
            clock=self._clock,
            recent=around.recent,
            resend_s=around.options.resend_s,
        )

    def _admit(self, group: RuleGroup, now: Instant) -> None:
        """A group of the files: new, changed, or as it was."""
        known = self._entries.get(group.key)
        if known is None:
            run = self._make(group)
            kept = (self._kept or {}).pop(group.key, None)
            if kept is not None:
                self._tell(run, run.restore(kept, now, self._tolerance), now)
            schedule = Schedule(group)
            with self._changed:
                self._entries[group.key] = _Entry(run, schedule, schedule.after(now), run.status())
                self._changed.notify_all()
        elif known.leaving or known.run.group != group:
            self._hold(known)
            self._exchange(known, group, now)
            known.leaving = False
            self._give_back(known)

    def _exchange(self, entry: _Entry, group: RuleGroup, now: Instant) -> None:
        run = self._make(group)
        run.take_over(entry.run)
        schedule = Schedule(group)
        with self._changed:
            if entry.leaving or schedule.interval_ns != entry.schedule.interval_ns:
                entry.due = schedule.after(now)
            entry.run, entry.schedule, entry.status = run, schedule, run.status()

    def _dismiss(self, key: str, now: Instant) -> None:
        """A group that is in no file any more."""
        entry = self._entries[key]
        if entry.leaving:
            return
        self._hold(entry)
        self._exchange(entry, replace(entry.run.group, rules=()), now)
        entry.leaving, entry.due = True, now
        self._give_back(entry)

    def _bury(self, kept: KeptGroup, now: Instant) -> None:
        """A group that was in the files when the last process was up."""
        file, _, name = kept.group.partition(";")
        group = RuleGroup(name, file, (), interval_s=self._around.options.interval_s)
        run = self._make(group)
        run.restore(kept, now, self._tolerance)
        with self._changed:
            self._entries[kept.group] = _Entry(run, Schedule(group), now, run.status(), leaving=True)

    def _hold(self, entry: _Entry) -> None:
        with self._changed:
            while entry.busy:
                self._changed.wait()
            entry.busy = True

    def _give_back(self, entry: _Entry) -> None:
        with self._changed:
            entry.busy = False
            self._changed.notify_all()
