"""
The past of objectives that are new, or that count something else than before: counted newest first, piece by piece.

    counted_from_s   <----- piece -----|------ kept current by the keeper ------> now

A piece is counted, written, and only then does `counted_from_s` move back over it: a crash repeats one piece. Objectives that stand at the
same minute go together. Pieces grow and shrink so that each takes about a second.

An objective is known from the first minute on that says something about it, not from the first of everybody's telemetry: a service that is
an hour old has a budget that is an hour old, however long others have been there.

What retention dropped can't be counted again. A new objective does not know those minutes; one that counts something else now keeps what
was counted of them under its former definition. Until the past of that one is done, all of its older minutes say what they said before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from tocsin.clock import NANOSECONDS_PER_SECOND, Clock
from tocsin.errors import InvalidInput, Timeout
from tocsin.model.budget import CountProgress
from tocsin.slo.counting.plans import Plan
from tocsin.slo.counting.progress import ProgressBook
from tocsin.slo.counting.recount import LAYERS_OF_DROPS, clusters_of, first_seen_s, freshness, groups_of, recount, series_rows
from tocsin.slo.counting.series_counts import SeriesQueries
from tocsin.slo.definition import EventFreshness
from tocsin.slo.minutes import MINUTE_S
from tocsin.store.count_events import Minutes, first_event_s, stored_extent_s, table_of
from tocsin.store.engine import Engine
from tocsin.store.raw_drops import RawDrops
from tocsin.store.slo_minutes import MinuteRows, counted_layers

DAY_S = 86_400
PIECE_S_FIRST = 6 * 3600
PIECE_S_MIN = 600
PIECE_S_MAX = 7 * DAY_S
ROWS_MAX = 50_000  # minutes of services that one statement returns
LAYERS = 2**16
NONE = np.zeros(0, dtype=np.int64)
TAKES_S = (0.3, 1.0)  # a piece that took less is followed by a longer one, one that took more by a shorter one
SERIES_TIMES = (("samples", "ts"), ("samples_folding", "ts"), ("chunks", "start"))

log = logging.getLogger("tocsin.slo.counting.backfill")


class Backfill:
    """
    Counts the past; called by the keeper alone.

    Args:
        engine: Where everything is.
        book: How far each objective is counted.
        clock: The present, and how long pieces take.
        days_max: How far back to count, days.
        write: Writes rows durably.
        metrics: Evaluates PromQL; None when that is not to be.
    """

    def __init__(
        self,
        engine: Engine,
        book: ProgressBook,
        clock: Clock,
        *,
        days_max: float,
        write: Callable[[Sequence[MinuteRows]], int],
        metrics: SeriesQueries | None,
    ) -> None:
        self._engine = engine
        self._book = book
        self._clock = clock
        self._days_max = days_max
        self._write = write
        self._metrics = metrics
        self._lowest: dict[tuple[str, str], int] = {}
        self._piece_s = PIECE_S_FIRST

    def waiting(self, plans: Iterable[Plan]) -> list[Plan]:
        """Those of which something stored is not counted yet."""
        return [plan for plan in plans if (progress := self._book.get(plan.key)) is not None and not progress.backfilled]

    def step(self, plans: Sequence[Plan], drops: RawDrops) -> dict[str, Exception]:
        """
        Count one piece of those among `plans` that are waiting and stand at the newest minute.

        Returns:
            By key those whose counting was refused, and why.

        Raises:
            StoreError: The engine failed; nothing moved, so the next call repeats the piece.
        """
        waiting = self.waiting(plans)
        if not waiting:
            return {}
        newest_s = max(self._progress(plan).counted_from_s for plan in waiting)
        together = [plan for plan in waiting if self._progress(plan).counted_from_s == newest_s]
        batch = [plan for plan in together if _kind(plan) == _kind(together[0])]
        begun_s = self._clock.monotonic_s()
        try:
            self._count(batch, newest_s, drops)
            refused: dict[str, Exception] = {}
        except (InvalidInput, Timeout):
            self._piece_s = max(PIECE_S_MIN, self._piece_s // 2)
            refused = self._one_by_one(batch, newest_s, drops)
        took_s = self._clock.monotonic_s() - begun_s
        if took_s > TAKES_S[1]:
            self._piece_s = max(PIECE_S_MIN, self._piece_s // 2 // MINUTE_S * MINUTE_S)
        elif took_s < TAKES_S[0]:
            self._piece_s = min(PIECE_S_MAX, self._piece_s * 2)
        return refused

    def forget(self, objective: str) -> None:
        """Look again how far back an objective's telemetry reaches; called when it begins anew."""
        self._lowest = {key: lowest for key, lowest in self._lowest.items() if key[0] != objective}

    def _one_by_one(self, batch: Sequence[Plan], end_s: int, drops: RawDrops) -> dict[str, Exception]:
        refused: dict[str, Exception] = {}
        for plan in batch:
            try:
                self._count([plan], end_s, drops)
            except (InvalidInput, Timeout) as error:
                refused[plan.key] = error
        return refused

    def _count(self, batch: Sequence[Plan], end_s: int, drops: RawDrops) -> None:
        ends = {plan.key: self._end_s(plan, drops) for plan in batch}
        services = {service for plan in batch for stream in plan.streams for service in stream.services or ()}
        piece_s = min(self._piece_s, max(PIECE_S_MIN, ROWS_MAX // max(1, len(services)) * MINUTE_S))
        start_s = max(min(ends.values()), end_s - piece_s)
        written: list[MinuteRows] = []
        if start_s < end_s:
            within = Minutes(start_s, end_s)
            rows = self._rows(batch, within, drops)
            written = [self._replacing(plan, [some for some in rows if some.objective == plan.key], within, drops) for plan in batch]
            self._write(written)
        seen = {some.objective: first_seen_s(some) for some in written}
        moved = [self._moved(plan, start_s, seen.get(plan.key), drops) for plan in batch]
        self._book.put(moved)
        for progress in moved:
            if progress.backfilled:
                self.forget(progress.objective)

    def _rows(self, batch: Sequence[Plan], within: Minutes, drops: RawDrops) -> list[MinuteRows]:
        """Every minute of the piece, of every objective of the batch; one entry for each stream."""
        groups = groups_of(batch)
        together = [[one for key in cluster for one in groups[key]] for cluster in clusters_of(groups)]
        rows = [some for counted in together for some in recount(self._engine, counted, [within], drops)]
        for plan in batch:
            if isinstance(plan.objective.indicator, EventFreshness):
                rows.append(freshness(self._engine, plan, within, drops))
            elif plan.series is not None and self._metrics is not None:
                rows.append(series_rows(plan, self._metrics, within, drops))
        return rows

    def _replacing(self, plan: Plan, rows: Sequence[MinuteRows], within: Minutes, drops: RawDrops) -> MinuteRows:
        """
        What of an objective's rows is to be written.

        Those that say something, from the objective's beginning on; and noughts in place of what was counted under another definition.
        Minutes of which something was dropped are left as they are.
        """
        if not rows:
            return MinuteRows(plan.key, NONE, NONE, np.zeros((0, 4)))
        minutes, layers = (np.concatenate(arrays) for arrays in ([some.minutes for some in rows], [some.layers for some in rows]))
        counts = np.concatenate([some.counts for some in rows])
        says = (layers < LAYERS_OF_DROPS) & counts.any(axis=1) & (minutes >= self._lowest_s(plan))
        minutes, layers, counts = minutes[says], layers[says], counts[says]
        if self._progress(plan).known_from_s < within.end_s:
            former, former_layers = counted_layers(self._engine, plan.key, within.start_s, within.end_s)
            stored = np.logical_and.reduce([drops.layers(table, former) == 0 for table in _tables(plan)])
            gone = stored & ~np.isin(former * LAYERS + former_layers, minutes * LAYERS + layers)
            minutes, layers = np.concatenate([minutes, former[gone]]), np.concatenate([layers, former_layers[gone]])
            counts = np.concatenate([counts, np.zeros((int(gone.sum()), 4))])
        return MinuteRows(plan.key, minutes, layers, counts)

    def _moved(self, plan: Plan, start_s: int, seen_s: int | None, drops: RawDrops) -> CountProgress:
        """Progress once a piece is written that begins at `start_s`, and whose first minute that says something is `seen_s`."""
        progress, lowest_s = self._progress(plan), self._lowest_s(plan)
        done = start_s <= self._end_s(plan, drops)
        from_s = start_s
        if done and (older_s := self._older_s(plan, start_s, lowest_s, drops)) is not None:
            done, from_s = False, older_s
        elif done:
            from_s = max(lowest_s, min(progress.counted_from_s, _dropped_until_s(plan, drops)))
        known_s = progress.known_from_s
        if seen_s is not None:
            known_s = min(known_s, max(seen_s, _dropped_until_s(plan, drops)))
        return replace(progress, counted_from_s=from_s, backfilled=done, known_from_s=known_s, updated_s=self._now_s())

    def _older_s(self, plan: Plan, start_s: int, lowest_s: int, drops: RawDrops) -> int | None:
        """
        From where to go on, although all that was there is counted; None when that is all.

        While a past is counted, who counts what arrives leaves everything older to us. So telemetry that came meanwhile and is older than
        any before would be counted by nobody.
        """
        del self._lowest[plan.key, plan.revision]
        if plan.observation is not None:  # minutes before the first event were no observations
            return lowest_s if self._lowest_s(plan) < lowest_s else None
        return start_s if self._end_s(plan, drops) < start_s else None

    def _lowest_s(self, plan: Plan) -> int:
        """How far back there is anything to count for an objective, seconds since 1970; its present `counted_from_s` when nothing is."""
        key = (plan.key, plan.revision)
        if key not in self._lowest:
            self._lowest[key] = self._find_lowest_s(plan)
        return self._lowest[key]

    def _end_s(self, plan: Plan, drops: RawDrops) -> int:
        """
        How far back to go: as far as anything is to be counted, or was counted under another definition since the last drop.

        What was counted of another signal may be older than all that is stored of this one.
        """
        return min(self._lowest_s(plan), max(_dropped_until_s(plan, drops), self._progress(plan).known_from_s))

    def _find_lowest_s(self, plan: Plan) -> int:
        progress = self._progress(plan)
        now_s = self._now_s() // MINUTE_S * MINUTE_S
        earliest_s = max(0, int(now_s - self._days_max * DAY_S) // MINUTE_S * MINUTE_S)
        tables = SERIES_TIMES if plan.series is not None else [(stream.table, "ts") for stream in plan.streams]
        extents = [extent for table, column in tables if (extent := stored_extent_s(self._engine, table, column)) is not None]
        if not extents:
            return min(progress.counted_from_s, now_s)
        first_s = max(earliest_s, min(first for first, _ in extents))
        if plan.observation is not None and first_s < progress.counted_from_s:
            stream = plan.streams[0]
            within = Minutes(first_s, progress.counted_from_s)
            seen_s = first_event_s(self._engine, table_of(stream.signal), stream.events, services=stream.services, within=within)
            return progress.counted_from_s if seen_s is None else max(first_s, seen_s)
        return min(first_s, progress.counted_from_s)

    def _progress(self, plan: Plan) -> CountProgress:
        progress = self._book.get(plan.key)
        assert progress is not None, "the keeper adopts an objective before its past is counted"
        return progress

    def _now_s(self) -> int:
        return self._clock.now_ns() // NANOSECONDS_PER_SECOND


def _kind(plan: Plan) -> object:
    """Plans of one kind are counted together."""
    return plan.key if plan.series is not None or isinstance(plan.objective.indicator, EventFreshness) else None


def _tables(plan: Plan) -> list[str]:
    return ["chunks"] if plan.series is not None else sorted({stream.table for stream in plan.streams})


def _dropped_until_s(plan: Plan, drops: RawDrops) -> int:
    return max(drops.newest_end_s(table) for table in _tables(plan))
