"""
Keeps the counts per minute current: whatever arrives, its minutes are counted again, whole.

    the loader      -> segment 7 is stored
    `touched`       -> segment 7 brought spans of `checkout` in 12:01 and 12:02
    definitions     -> three objectives count spans of `checkout`
    one statement   -> good and total of those minutes, written with a higher version

Counting a minute reads its raw rows, so it may be done twice, and a late span, a repeated segment or a crash needs no thought. What must
not happen is that a minute is forgotten. Segments whose counting failed stay on the list. After a start everything that was loaded since
the last settled pass, and an hour before it, is counted again; what a loss of power took out of `touched` is found by its receipt in
`resources`, which is synced. Nothing is dropped by retention before it is counted (`dropping`), but for objectives that the engine refuses
to count, which would hold it up for ever; what arrives for dropped time is counted beside what was counted of it before, never in its
place.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tocsin.clock import NANOSECONDS_PER_SECOND, Clock
from tocsin.errors import Conflict, TocsinError
from tocsin.model.budget import CountProgress, Exclusion
from tocsin.model.signal import Signal
from tocsin.slo.counting.backfill import Backfill
from tocsin.slo.counting.current import Current
from tocsin.slo.counting.plans import Plan, plan_of
from tocsin.slo.counting.progress import ProgressBook
from tocsin.slo.counting.recount import LAYERS_OF_DROPS
from tocsin.slo.counting.refusals import Refusals
from tocsin.slo.counting.series_counts import SeriesQueries
from tocsin.slo.definition import Definitions, Objective
from tocsin.slo.exclusions import query_exclusions
from tocsin.slo.minutes import MINUTE_S
from tocsin.slo.options import SloOptions
from tocsin.store.count_events import stored_extent_s
from tocsin.store.engine import Engine
from tocsin.store.raw_drops import RawDrops, read_drops
from tocsin.store.slo_minutes import MinuteRows, counted_layers, delete_counts, drop_counts_before, insert_minutes
from tocsin.store.touched import (
    Settled,
    Touch,
    engine_now_s,
    forget_touched,
    read_settled,
    receipt_s,
    received_since,
    touched_by,
    touched_since,
    write_settled,
)

DAY_S = 86_400
AHEAD_S = 366 * DAY_S  # events may be dated into the future; more than a clock is ever wrong
LOADING_S_MAX = 3600  # a load takes less: what began so long before a pass was seen by it
RECEIPT_MARGIN_S = 600
SETTLE_S = 60.0  # how often it is written down how far counting got; a start repeats at most that and LOADING_S_MAX
TIDY_S = 3600.0
VERSIONS = 2**32  # set aside for one process
STOP_WAIT_S = 60.0
SAMPLES = "samples"
SIGNAL_OF_TABLE = {"spans": "traces", "logs": "logs", "chunks": SAMPLES}

log = logging.getLogger("tocsin.slo.counting.keeper")


@dataclass(frozen=True, slots=True)
class PassReport:
    """
    One pass.

    Args:
        segments: Loaded segments that were looked at.
        touched: Minutes of services for which something had arrived.
        rows: Counts written, minutes of objectives.
        backfilling: Objectives whose past is not counted yet.
        elapsed_s: How long it took, seconds.
    """

    segments: int
    touched: int
    rows: int
    backfilling: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class KeeperStatistics:
    """
    Counting since the start.

    Args:
        passes: Passes that worked.
        failures: Passes that failed; the next one takes up what they left.
        segments: Loaded segments that were looked at.
        rows: Counts written, minutes of objectives.
        count_s: Time spent, seconds.
        objectives: Gauge: objectives that are counted.
        backfilling: Gauge: of those, how many whose past is not counted yet.
        refused: Gauge: of those, how many the engine refuses to count; the log says why.
        waiting_segments: Gauge: loaded segments that wait for the next pass.
        failing: Gauge: 1 while the last pass failed.
        last_error: What went wrong last; empty when the last pass worked.
    """

    passes: int = 0
    failures: int = 0
    segments: int = 0
    rows: int = 0
    count_s: float = 0.0
    objectives: int = 0
    backfilling: int = 0
    refused: int = 0
    waiting_segments: int = 0
    failing: int = 0
    last_error: str = ""


class Keeper:
    """
    Counts in a thread of its own; the only writer of counts and progress.

    Args:
        engine: Where telemetry and counts are.
        book: How far each objective is counted.
        definitions: What is in force; asked at every pass.
        exclusions: Those that came through the API; those of the files are among the definitions.
        clock: The present.
        options: Intervals and limits.
        metrics: Evaluates PromQL; None leaves objectives in PromQL uncounted.
    """

    def __init__(
        self,
        engine: Engine,
        book: ProgressBook,
        *,
        definitions: Callable[[], Definitions],
        exclusions: Callable[[], Sequence[Exclusion]],
        clock: Clock,
        options: SloOptions,
        metrics: SeriesQueries | None = None,
    ) -> None:
        self._engine = engine
        self._book = book
        self._definitions = definitions
        self._exclusions = exclusions
        self._clock = clock
        self._options = options
        self._metrics = metrics
        self._backfill = Backfill(engine, book, clock, days_max=options.backfill_days, write=self._write, metrics=metrics)
        self._refusals = Refusals(clock)
        self._current = Current(engine, book, clock, refusals=self._refusals, write=self._write, metrics=metrics)
        self._segments: deque[tuple[Signal, int]] = deque()
        self._counting = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._plans: dict[str, Plan] = {}
        self._settled: Settled | None = None
        self._version = self._versions_end = 0
        self._started = False
        self._left: list[Touch] = []
        self._late_samples: set[int] = set()
        self._series_at_s = self._settled_at_s = self._tidied_at_s = float("-inf")
        self._counts: dict[str, Any] = {}

    def start(self) -> None:
        """Begin counting."""
        self._thread = threading.Thread(target=self._run, name="slo-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the statement that runs; what is left is counted by the next start. Idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_WAIT_S)

    def refused(self) -> Mapping[str, str]:
        """Objectives that the engine refuses to count now, by key, and why."""
        return self._refusals.reasons()

    def segment_loaded(self, signal: Signal, number: int) -> None:
        """A segment is stored: its minutes are counted by the next pass. Returns at once; for the loader's threads."""
        self._segments.append((signal, number))

    def recount(self, objective: str) -> None:
        """Count an objective anew from the next pass on, as far as its telemetry is stored."""
        with self._counting:
            progress = self._book.get(objective)
            if progress is not None:
                self._book.put([replace(progress, revision="")])

    def forget(self, objective: str) -> None:
        """Delete an objective's counts; if it is still defined, the next pass begins anew."""
        with self._counting:
            self._book.remove([objective])
            delete_counts(self._engine, objective)

    def run_once(self) -> PassReport:
        """
        Bring everything up to date in this thread, the past and PromQL too, however long that takes.

        Raises:
            StoreError, Timeout: The engine failed; the next pass takes up what is left.
        """
        return self._pass(backfill_s=None, series=True)

    @contextmanager
    def dropping(self, table: str, start_s: int, end_s: int) -> Iterator[None]:
        """
        Around retention's drop of raw telemetry: what is stored of that time is counted first, and nothing is counted until the end.

        Args:
            table: `spans`, `logs` or `chunks`.
            start_s: The first event time that goes, seconds since 1970.
            end_s: The end of what goes.

        Raises:
            Conflict: An objective is still being counted anew and has not come to that time yet.
            StoreError: The engine failed; nothing may be dropped.
        """
        with self._counting:
            self._begin()
            plans, drops, signal = self._adopt(), read_drops(self._engine), SIGNAL_OF_TABLE[table]
            concerned = [plan for plan in self._refusals.usable(plans) if signal in _signals(plan)]
            behind = [plan.key for plan in self._backfill.waiting(concerned)]
            if behind:
                raise Conflict(f"{len(behind)} objectives, {behind[0]} among them, have not been counted so far back yet")
            if signal == SAMPLES:
                self._count_series(plans, drops)
            else:
                since_s = 0 if self._settled is None else self._settled.loaded_s - LOADING_S_MAX
                found = [*self._left, *touched_since(self._engine, since_s)]
                due = [touch for touch in found if touch.signal == signal and start_s // MINUTE_S * MINUTE_S <= touch.minute_s < end_s]
                self._current.count(plans, due, drops)
            yield

    def statistics(self) -> KeeperStatistics:
        """What was done since the start, and how it stands."""
        plans = list(self._plans.values())
        return KeeperStatistics(
            **self._counts,
            objectives=len(plans),
            backfilling=len(self._backfill.waiting(plans)),
            refused=len(self._refusals.reasons()),
            waiting_segments=len(self._segments),
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._pass(backfill_s=self._options.interval_s * self._options.backfill_share, series=False)
            except Exception as error:  # a keeper that died would leave every budget standing still, and say nothing
                if not self._stop.is_set():
                    log.error("objectives could not be counted: %s; trying again", error, exc_info=not isinstance(error, TocsinError))
            self._stop.wait(self._options.interval_s)

    def _pass(self, *, backfill_s: float | None, series: bool) -> PassReport:
        begun_s = self._clock.monotonic_s()
        rows_before = self._counts.get("rows", 0)
        with self._counting:
            segments = [self._segments.popleft() for _ in range(len(self._segments))]
            try:
                touches = self._count_arrived(segments, series=series)
                waiting = self._count_past(backfill_s)
            except Exception as error:
                self._segments.extendleft(segments)
                self._add(failures=1)
                self._counts.update(failing=1, last_error=str(error))
                raise
            took_s = self._clock.monotonic_s() - begun_s
            self._add(passes=1, segments=len(segments), count_s=took_s)
            self._counts.update(failing=0, last_error="")
            return PassReport(len(segments), touches, self._counts.get("rows", 0) - rows_before, waiting, took_s)

    def _count_arrived(self, segments: Sequence[tuple[Signal, int]], *, series: bool) -> int:
        """Count what arrived; returns how many minutes of services that touched."""
        loaded_s = engine_now_s(self._engine)
        self._begin()
        plans, drops = self._adopt(), read_drops(self._engine)
        found = [*self._left, *touched_by(self._engine, [number for _, number in segments])]
        if self._metrics is not None:
            self._late_samples.update(touch.minute_s for touch in found if touch.signal == SAMPLES)
        self._current.count(plans, found, drops)
        self._left = []
        now_s = self._clock.monotonic_s()
        if series or now_s - self._series_at_s >= self._options.series_interval_s:
            self._count_series(plans, drops)
            self._series_at_s = now_s
        if now_s - self._settled_at_s >= SETTLE_S and not self._late_samples:
            self._settle(loaded_s)
            self._settled_at_s = now_s
        if now_s - self._tidied_at_s >= TIDY_S:
            self._tidy()
            self._tidied_at_s = now_s
        return len(found)

    def _count_series(self, plans: Sequence[Plan], drops: RawDrops) -> None:
        if self._metrics is not None:
            self._current.count_series(plans, self._late_samples, drops)
            self._late_samples = set()

    def _count_past(self, backfill_s: float | None) -> int:
        """Count the past for so long, or all of it; returns how many objectives still wait."""
        begun_s = self._clock.monotonic_s()
        while True:
            plans = self._refusals.usable(list(self._plans.values()))
            waiting = self._backfill.waiting(plans)
            over = backfill_s is not None and self._clock.monotonic_s() - begun_s >= backfill_s
            if not waiting or over or self._stop.is_set():
                return len(waiting)
            refused = self._backfill.step(plans, read_drops(self._engine))
            for key, error in refused.items():
                self._refusals.refuse(self._plans[key], error)
                self._book.put([replace(progress, revision="") for progress in [self._book.get(key)] if progress is not None])

    def _begin(self) -> None:
        """The first time in this process: set versions aside, and find what the last process may have left uncounted."""
        if self._started:
            return
        self._settled = read_settled(self._engine)
        before = self._settled or Settled(0, 0, 0)
        self._version, self._versions_end = before.version, before.version + VERSIONS
        write_settled(self._engine, replace(before, version=self._versions_end))
        self._left = touched_since(self._engine, before.loaded_s - LOADING_S_MAX)
        if before.received_s:
            self._left += received_since(self._engine, before.received_s - RECEIPT_MARGIN_S)
        self._current.resume()
        self._started = True

    def _adopt(self) -> list[Plan]:
        """The plans of everything that is defined, each with its progress; those that are new, or count something else now, begin anew."""
        definitions, kept = self._definitions(), self._book.all()
        exclusions = (*definitions.exclusions, *self._exclusions())
        self._plans = {key: self._planned(objective, exclusions) for key, objective in definitions.objectives.items()}
        plans = [plan for plan in self._plans.values() if plan.series is None or self._metrics is not None]
        self._refusals.forget_others(plans)
        changed = [plan for plan in self._refusals.usable(plans) if plan.key not in kept or kept[plan.key].revision != plan.revision]
        gone = [progress for key, progress in kept.items() if key not in self._plans and progress.revision]
        # Objectives that are gone keep their counts. Nobody counts them now, so one that comes back is counted anew.
        self._book.put([*self._beginnings(changed, kept), *(replace(each, revision="", updated_s=self._now_s()) for each in gone)])
        return plans

    def _planned(self, objective: Objective, exclusions: Sequence[Exclusion]) -> Plan:
        known = self._plans.get(objective.key)
        applying = [each for each in query_exclusions(objective, exclusions) if each.withdrawn is None]
        if known is not None and known.objective is objective and list(known.exclusions) == applying:
            return known
        return plan_of(objective, applying)

    def _beginnings(self, plans: Sequence[Plan], kept: Mapping[str, CountProgress]) -> list[CountProgress]:
        """Progress of objectives of which nothing is counted yet: all of their past is to come."""
        if not plans:
            return []
        now_s = self._now_s()
        ends = [extent[1] for table in ("spans", "logs") if (extent := stored_extent_s(self._engine, table)) is not None]
        after_all_s = max([now_s // MINUTE_S * MINUTE_S + MINUTE_S, *ends])
        begun = []
        for plan in plans:
            from_s = after_all_s if plan.series is None and plan.observation is None else self._current.over_s()
            known_s = min(kept[plan.key].known_from_s, from_s) if plan.key in kept else from_s
            begun.append(CountProgress(plan.key, plan.revision, from_s, False, known_s, now_s))
            self._current.begin(plan.key, from_s)
            self._backfill.forget(plan.key)
            if plan.key in kept and (plan.series is not None or plan.observation is not None):
                self._clear(plan.key, from_s)
        return begun

    def _clear(self, key: str, from_s: int) -> None:
        """Take back what was counted under another definition of minutes that are no observations yet."""
        minutes, layers = counted_layers(self._engine, key, from_s, from_s + AHEAD_S)
        raw = layers < LAYERS_OF_DROPS
        if raw.any():
            self._write([MinuteRows(key, minutes[raw], layers[raw], np.zeros((int(raw.sum()), 4)))])

    def _settle(self, loaded_s: int) -> None:
        received_s = receipt_s(self._engine, loaded_s)
        self._versions_end += 1
        self._settled = Settled(loaded_s, self._now_s() if received_s is None else received_s, self._versions_end)
        write_settled(self._engine, self._settled)

    def _tidy(self) -> None:
        """Drop counts that are too old, what is known to be counted, and progress of objectives that have been gone for long."""
        before_s = self._now_s() - round(self._options.counts_days * DAY_S)
        drop_counts_before(self._engine, before_s)
        if self._settled is not None:
            forget_touched(self._engine, self._settled.loaded_s)
        old = [key for key, progress in self._book.all().items() if key not in self._plans and progress.updated_s < before_s]
        if old:
            self._book.remove(old)

    def _write(self, rows: Sequence[MinuteRows]) -> int:
        self._version += 1
        written = insert_minutes(self._engine, rows, version=self._version)
        self._add(rows=written)
        return written

    def _add(self, **counts: float) -> None:
        for name, count in counts.items():
            self._counts[name] = self._counts.get(name, 0) + count

    def _now_s(self) -> int:
        return self._clock.now_ns() // NANOSECONDS_PER_SECOND


def _signals(plan: Plan) -> set[str]:
    """What an objective is counted from."""
    return {SAMPLES} if plan.series is not None else {stream.signal for stream in plan.streams}
