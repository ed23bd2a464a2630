"""
The present: minutes for which something arrived, and minutes that ended without anything where that says something.

A minute is an observation of throughput or freshness only once it is over and a little more, for telemetry is on its way for a while; and
only from the first event on, for nobody knows whether there was to be any before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from tocsin.clock import NANOSECONDS_PER_SECOND, Clock
from tocsin.errors import InvalidInput, Timeout
from tocsin.model.budget import CountProgress
from tocsin.slo.counting.first_events import NEVER_S, FirstEvents
from tocsin.slo.counting.plans import Plan, Stream
from tocsin.slo.counting.progress import ProgressBook
from tocsin.slo.counting.recount import (
    LAYERS_OF_DROPS,
    clusters_of,
    first_seen_s,
    freshness,
    groups_of,
    pieces_of,
    ranges_of,
    recount,
    series_rows,
)
from tocsin.slo.counting.refusals import Refusals
from tocsin.slo.counting.series_counts import SeriesQueries, reach_s
from tocsin.slo.definition import EventFreshness, EventRate
from tocsin.slo.minutes import MINUTE_S
from tocsin.store.count_events import Minutes
from tocsin.store.engine import Engine
from tocsin.store.raw_drops import RawDrops
from tocsin.store.slo_minutes import MinuteRows, newest_minutes
from tocsin.store.touched import Touch

OVER_S = 30  # how long after its end a minute is over
PIECE_S = 6 * 3600  # minutes of one statement
ROWS_PER_INSERT = 100_000

Counted: TypeAlias = "Sequence[tuple[Plan, Stream]]"
Touched: TypeAlias = "Mapping[tuple[str, str], set[int]]"


class Current:
    """
    Counts what arrived; called by the keeper alone.

    Args:
        engine: Where everything is.
        book: How far each objective is counted.
        clock: The present.
        refusals: Takes objectives that can't be counted.
        write: Writes rows durably.
        metrics: Evaluates PromQL; None when that is not to be.
    """

    def __init__(
        self,
        engine: Engine,
        book: ProgressBook,
        clock: Clock,
        *,
        refusals: Refusals,
        write: Callable[[Sequence[MinuteRows]], int],
        metrics: SeriesQueries | None,
    ) -> None:
        self._engine = engine
        self._book = book
        self._clock = clock
        self._refusals = refusals
        self._write = write
        self._metrics = metrics
        self._first_events = FirstEvents(engine)
        self._judged_s: dict[str, int] = {}
        self._begun: dict[str, set[int]] = {}
        self._rows: list[MinuteRows] = []
        self._observing: set[str] = set()
        self._dropped_until_s = 0

    def over_s(self) -> int:
        """The end of the last minute that is over, seconds since 1970."""
        return (self._clock.now_ns() // NANOSECONDS_PER_SECOND - OVER_S) // MINUTE_S * MINUTE_S

    def resume(self) -> None:
        """Find out up to which minute each objective was judged by the last process; that minute is judged again."""
        self._judged_s = newest_minutes(self._engine, list(self._book.all()))

    def begin(self, objective: str, from_s: int) -> None:
        """An objective begins anew: its observations are judged from that minute on."""
        self._judged_s[objective] = from_s
        self._first_events.forget(objective)

    def count(self, plans: Sequence[Plan], touches: Iterable[Touch], drops: RawDrops) -> None:
        """
        Count every minute that was touched, and those that are over since the last call.

        Raises:
            StoreError: The engine failed; the next call must bring the same touches again.
        """
        touched: dict[tuple[str, str], set[int]] = defaultdict(set)
        for touch in touches:
            touched[touch.signal, touch.service].add(touch.minute_s)
        over_s, usable = self._prepared(plans, drops)
        usable = [plan for plan in usable if plan.observation is None or self._has_begun(plan, touched, over_s)]
        groups = groups_of(usable)
        minutes = {key: _minutes_of(touched, *key) | self._silent(counted, over_s) for key, counted in groups.items()}
        for cluster in clusters_of(groups):
            # Live telemetry touches the same minutes of all services; what is late is mostly late of one.
            often = Counter(minute for key in cluster for minute in minutes[key])
            shared = {minute for minute, times in often.items() if 2 * times > len(cluster)}
            self._count_events([one for key in cluster for one in groups[key]], shared, over_s, drops)
            for key in cluster:
                self._count_events(groups[key], minutes[key] - shared, over_s, drops)
        for plan in usable:
            if isinstance(plan.objective.indicator, EventFreshness):
                self._count_freshness(plan, plan.objective.indicator, touched, drops)
        self._flush()
        self._note_judged([plan for plan in usable if plan.observation is not None], over_s)
        self._first_events.settle()

    def _has_begun(self, plan: Plan, touched: Touched, over_s: int) -> bool:
        """Whether an event was ever seen; notes minutes that are observations since it is known."""
        stream, progress = plan.streams[0], self._book.get(plan.key)
        assert progress is not None, "the keeper adopts an objective before it is counted"
        try:
            since = self._first_events.look(plan, progress, _minutes_of(touched, stream.signal, stream.services))
        except (InvalidInput, Timeout) as error:
            self._refuse(plan, error)
            return False
        self._begun[plan.key] = set(range(since.start_s, min(since.end_s, over_s), MINUTE_S))
        return self._first_events.of(plan.key) < NEVER_S

    def count_series(self, plans: Sequence[Plan], late: Iterable[int], drops: RawDrops) -> None:
        """Evaluate PromQL for minutes that are over since the last call, and again for those that late samples may have changed."""
        over_s, usable = self._prepared(plans, drops)
        usable = [plan for plan in usable if plan.series is not None]
        minutes = set(late)
        for plan in usable:
            try:
                self._count_one_series(plan, minutes, over_s, drops)
            except (InvalidInput, Timeout) as error:
                self._refuse(plan, error)
        self._flush()
        self._note_judged(usable, over_s)

    def _prepared(self, plans: Sequence[Plan], drops: RawDrops) -> tuple[int, list[Plan]]:
        self._rows, self._begun = [], {}
        self._first_events.begin()
        self._observing = {plan.key for plan in plans if plan.observation is not None or plan.series is not None}
        self._dropped_until_s = max(drops.newest_end_s(table) for table in ("spans", "logs"))
        return self.over_s(), self._refusals.usable(plans)

    def _count_events(self, counted: Counted, minutes: set[int], over_s: int, drops: RawDrops) -> None:
        for piece in pieces_of(ranges_of(minutes), PIECE_S):
            self._guarded(counted, lambda some, piece=piece: recount(self._engine, some, piece, drops), over_s)  # type: ignore[misc]

    def _silent(self, counted: Counted, over_s: int) -> set[int]:
        """Minutes that are observations even if nothing arrived in them."""
        rates = [plan for plan, _ in counted if isinstance(plan.objective.indicator, EventRate)]
        return set().union(*(self._unjudged(plan, over_s) for plan in rates))

    def _count_one_series(self, plan: Plan, late: set[int], over_s: int, drops: RawDrops) -> None:
        assert plan.series is not None
        assert self._metrics is not None
        after_s = -(-reach_s(plan.series) // MINUTE_S) * MINUTE_S
        again = [Minutes(each.start_s, each.end_s + after_s) for each in ranges_of(late, gap_s=after_s)]
        for within in _disjoint([*again, *ranges_of(self._unjudged(plan, over_s))], over_s):
            self._rows += self._live([series_rows(plan, self._metrics, within, drops)], over_s)

    def _count_freshness(self, plan: Plan, indicator: EventFreshness, touched: Touched, drops: RawDrops) -> None:
        """An event counts for the minutes after it too, as far as freshness looks back."""
        over_s, stream = self.over_s(), plan.streams[0]
        after_s = -(-indicator.within_s // MINUTE_S) * MINUTE_S
        found = _minutes_of(touched, stream.signal, stream.services)
        again = [Minutes(each.start_s, each.end_s + after_s) for each in ranges_of(found, gap_s=after_s)]
        for within in _disjoint([*again, *ranges_of(self._unjudged(plan, over_s))], over_s):
            self._guarded([(plan, stream)], lambda _, within=within: [freshness(self._engine, plan, within, drops)], over_s)  # type: ignore[misc]

    def _guarded(self, counted: Counted, count: Callable[[Counted], list[MinuteRows]], over_s: int) -> None:
        """Count together; where the engine refuses, one by one, so that only those are set aside that it can't count."""
        try:
            self._rows += self._live(count(counted), over_s)
        except (InvalidInput, Timeout) as error:
            if len(counted) == 1:
                self._refuse(counted[0][0], error)
            else:
                for one in counted:
                    self._guarded([one], count, over_s)
        if sum(len(some.minutes) for some in self._rows) > ROWS_PER_INSERT:
            self._flush()

    def _refuse(self, plan: Plan, error: Exception) -> None:
        """Set aside; once it is tried again it begins anew, for minutes were missed."""
        self._refusals.refuse(plan, error)
        progress = self._book.get(plan.key)
        if progress is not None:
            self._book.put([replace(progress, revision="")])

    def _live(self, found: Iterable[MinuteRows], over_s: int) -> list[MinuteRows]:
        """Without what the counting of the past will bring, and without minutes that are no observations yet."""
        rows = []
        for some in found:
            progress = self._book.get(some.objective)
            assert progress is not None, "the keeper adopts an objective before it is counted"
            if some.objective in self._observing:
                from_s = max(progress.counted_from_s, self._first_events.of(some.objective))
                mask = (some.minutes >= from_s) & (some.minutes < over_s)
            else:
                mask = (some.minutes >= progress.counted_from_s) | (some.layers >= LAYERS_OF_DROPS) | progress.backfilled
            if progress.backfilled:
                self._reach_back(progress, some)
            rows.append(MinuteRows(some.objective, some.minutes[mask], some.layers[mask], some.counts[mask]))
            self._note_known(rows[-1])
        return rows

    def _note_known(self, rows: MinuteRows) -> None:
        """An objective is known from the first minute on that says something."""
        seen_s, progress = first_seen_s(rows), self._book.get(rows.objective)
        if seen_s is not None and progress is not None:
            known_s = max(seen_s, self._dropped_until_s)
            if known_s < progress.known_from_s:
                self._book.put([replace(progress, known_from_s=known_s)])

    def _reach_back(self, progress: CountProgress, rows: MinuteRows) -> None:
        """Telemetry came that is older than any before: events are known from there on, observations are to be looked for."""
        if some_observing := progress.objective in self._observing:
            older = rows.minutes < progress.counted_from_s
        else:
            older = (rows.minutes < progress.counted_from_s) & (rows.layers < LAYERS_OF_DROPS) & rows.counts.any(axis=1)
        if not older.any():
            return
        if some_observing:
            self._book.put([replace(progress, backfilled=False)])
            return
        from_s = max(int(rows.minutes[older].min()), self._dropped_until_s)
        if from_s < progress.counted_from_s:
            self._book.put([replace(progress, counted_from_s=from_s)])

    def _unjudged(self, plan: Plan, over_s: int) -> set[int]:
        """Minutes that are over and were not judged yet, or that are observations only since this pass."""
        progress = self._book.get(plan.key)
        from_s = self._judged_s.get(plan.key, over_s if progress is None else progress.counted_from_s)
        return set(range(max(from_s, self._first_events.of(plan.key)), over_s, MINUTE_S)) | self._begun.get(plan.key, set())

    def _note_judged(self, plans: Sequence[Plan], over_s: int) -> None:
        for plan in plans:
            self._judged_s[plan.key] = max(over_s, self._judged_s.get(plan.key, over_s))

    def _flush(self) -> None:
        self._write(self._rows)
        self._rows = []


def _minutes_of(touched: Touched, signal: str, services: frozenset[str] | None) -> set[int]:
    """What was touched of a signal, of some services or of all."""
    keys = [key for key in touched if key[0] == signal] if services is None else [(signal, service) for service in services]
    return set().union(*(touched.get(key, set()) for key in keys))


def _disjoint(ranges: Sequence[Minutes], end_s: int) -> list[Minutes]:
    """The same minutes up to `end_s`, each once, in order."""
    merged: list[Minutes] = []
    for each in sorted(ranges, key=lambda each: each.start_s):
        last_s = min(each.end_s, end_s)
        if merged and each.start_s <= merged[-1].end_s:
            merged[-1] = Minutes(merged[-1].start_s, max(merged[-1].end_s, last_s))
        elif each.start_s < last_s:
            merged.append(Minutes(each.start_s, last_s))
    return merged
