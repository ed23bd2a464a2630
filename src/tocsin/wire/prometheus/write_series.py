"""
Who sent these samples? The series of one remote write request: known ones by their hash, the others through the registry.

    hash known? -> seen in this generation? -> labels durable for these days? -> its samples may go
    not known   -> parse labels -> registry admits -> definitions of its days travel along
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.model.sample_block import DAY_MS, SeriesDefinition
from tocsin.wire.prometheus.admission import SeriesRefusal
from tocsin.wire.prometheus.refusal_tally import RefusalTally
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.series_table import REFUSED_MAX, STALE, UNDEFINED, UNKNOWN, SeriesTable
from tocsin.wire.prometheus.write_kernels import NO_HASH
from tocsin.wire.prometheus.write_request import OpenRequest, SeriesFlaw

REASONS = tuple(SeriesRefusal)  # a refusal's number in a table is its place here, from 1


@dataclass(slots=True)
class ResolvedSeries:
    """
    The series of a request.

    Args:
        series_ids: [S] uint64; 0 for those that are refused, or that hold nothing.
        refusals: [S] uint8: 0, or why it is refused, as place in REASONS from 1.
        definitions: What must travel with the samples, by series id and day.
        marks: (raw hash, series id, day) to note in the table once the definitions are durable.
    """

    series_ids: NDArray[np.uint64]
    refusals: NDArray[np.uint8]
    definitions: dict[tuple[int, int], SeriesDefinition] = field(default_factory=dict)
    marks: list[tuple[int, int, int]] = field(default_factory=list)


class SeriesResolver:
    """
    Finds series. Safe to use from several threads.

    Args:
        registry: Admits new ones.
        table: What was found before.
        refused_s: Seconds for which a refusal is remembered.
    """

    def __init__(self, registry: SeriesRegistry, table: SeriesTable, *, refused_s: float) -> None:
        self._registry = registry
        self._table = table
        self._refused_s = refused_s
        self._examples: dict[SeriesRefusal, str] = {}  # what a remembered refusal says

    def resolve(self, request: OpenRequest, tally: RefusalTally, *, now_ms: int, now_s: float) -> ResolvedSeries:
        """
        Who the series of a request are.

        Args:
            request: Walked.
            tally: Gets the samples of refused series.
            now_ms: The present, milliseconds since 1970-01-01 UTC.
            now_s: The clock's monotonic seconds.
        """
        walked = request.walked
        generation = self._registry.generation
        found = self._table.look_up(walked.hashes, walked.days[0], walked.days[1], generation=generation, now_s=now_s)
        ids, verdicts = found.series_ids, found.verdicts
        self._touch(walked.hashes, ids, verdicts, generation)
        refusals = np.where((verdicts > 0) & (verdicts <= REFUSED_MAX), verdicts, 0).astype(np.uint8)
        resolved = ResolvedSeries(ids, refusals)
        holds = walked.counts > 0
        holds[request.items[:, 0]] = True
        asked = ((verdicts == UNKNOWN) | (verdicts == UNDEFINED)) & holds
        ids[(verdicts == UNKNOWN) & ~holds] = 0
        if asked.any():
            _Inquiry(self, request, resolved, now_ms=now_ms, now_s=now_s, generation=generation).run(np.flatnonzero(asked))
        if request.version == 2:
            empty = ~holds & (walked.left_out.sum(axis=1) == 0)
            refusals[empty] = REASONS.index(SeriesRefusal.NO_SAMPLES) + 1
            ids[empty] = 0
        self._count(request, refusals, tally)
        return resolved

    def settle(self, resolved: ResolvedSeries) -> None:
        """All definitions are durable."""
        if resolved.marks:
            hashes, _, days = zip(*resolved.marks, strict=True)
            self._table.define(np.array(hashes, np.uint64), np.array(days, np.int32))

    def _touch(self, hashes: NDArray[np.uint64], ids: NDArray[np.uint64], verdicts: NDArray[np.uint8], generation: int) -> None:
        rows = np.flatnonzero(verdicts == STALE)
        if not len(rows):
            return
        known = self._registry.touch(ids[rows])
        self._table.touch(hashes[rows[known]], generation=generation)
        lost = rows[~known]
        self._table.forget(hashes[lost])
        ids[lost] = 0
        verdicts[lost] = UNKNOWN

    def _count(self, request: OpenRequest, refusals: NDArray[np.uint8], tally: RefusalTally) -> None:
        if not refusals.any():
            return
        samples = np.bincount(refusals, weights=request.walked.counts, minlength=len(REASONS) + 1)
        series = np.bincount(refusals, minlength=len(REASONS) + 1)
        for number in np.flatnonzero(series[1:]).tolist():
            reason = REASONS[number]
            count = int(samples[number + 1])
            tally.add(reason, self.example(reason), samples=count, series=int(series[number + 1]))
            self._registry.count_refused(reason, count)

    def example(self, reason: SeriesRefusal) -> str:
        """What was said of the last series that was refused for a reason."""
        return self._examples.get(reason, "a time series without samples" if reason is SeriesRefusal.NO_SAMPLES else reason.value)

    def note(self, reason: SeriesRefusal, example: str) -> None:
        """Remember what was said of a series that is refused."""
        self._examples[reason] = example

    @property
    def registry(self) -> SeriesRegistry:
        """Who admits."""
        return self._registry

    @property
    def table(self) -> SeriesTable:
        """What was found before."""
        return self._table

    @property
    def refused_s(self) -> float:
        """Seconds for which a refusal is remembered."""
        return self._refused_s


class _Inquiry:
    """The slow way, for those series of a request that take it."""

    def __init__(
        self, resolver: SeriesResolver, request: OpenRequest, resolved: ResolvedSeries, *, now_ms: int, now_s: float, generation: int
    ) -> None:
        self._resolver = resolver
        self._request = request
        self._resolved = resolved
        self._now_ms, self._now_s, self._generation = now_ms, now_s, generation
        self._admitted: list[tuple[int, int]] = []  # raw hash, series id
        self._refused: list[tuple[int, int]] = []  # raw hash, number of the reason
        self._defined: list[tuple[int, int]] = []  # raw hash, day

    def run(self, rows: NDArray[np.int64]) -> None:
        walked = self._request.walked
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(walked.counts)))
        for series in rows.tolist():
            self._ask(series, walked.times[starts[series] : starts[series + 1]])
        table = self._resolver.table
        if self._admitted:
            hashes, ids = zip(*self._admitted, strict=True)
            table.admit(np.array(hashes, np.uint64), np.array(ids, np.uint64), generation=self._generation, now_s=self._now_s)
        if self._refused:
            hashes, reasons = zip(*self._refused, strict=True)
            until_s = self._now_s + self._resolver.refused_s
            raw = np.array(hashes, np.uint64)
            table.refuse(raw, np.array(reasons, np.uint8), until_s=until_s, generation=self._generation, now_s=self._now_s)
        if self._defined:
            hashes, days = zip(*self._defined, strict=True)
            table.define(np.array(hashes, np.uint64), np.array(days, np.int32))

    def _ask(self, series: int, times: NDArray[np.int64]) -> None:
        request, registry = self._request, self._resolver.registry
        raw_hash, count = int(request.walked.hashes[series]), int(request.walked.labels[series])
        if count > registry.options.labels_max:
            message = f"a series has {count} labels; at most {registry.options.labels_max} are taken (labels_max)"
            self._refuse(series, raw_hash, SeriesRefusal.LABELS_MAX, message)
            return
        if raw_hash == NO_HASH:
            message = f"a label refers to a symbol that is not among the {len(request.others)} there are, or has no partner"
            self._refuse(series, raw_hash, SeriesRefusal.SYMBOLS, message)
            return
        try:
            labels = request.labels(series)
        except SeriesFlaw as flaw:
            self._refuse(series, raw_hash, flaw.refusal, str(flaw))
            return
        # The kernel has judged the times already; judged again a moment later, one might fail, and the series be remembered as refused.
        admission = registry.admit(labels, self._now_ms, metadata=request.metadata(series, labels.metric))
        if admission.refusal is not None:
            self._refuse(series, raw_hash, admission.refusal, admission.message)
            return
        identity = admission.series_id
        self._resolved.series_ids[series] = identity
        self._admitted.append((raw_hash, identity))
        first_day, last_day = (int(day) for day in request.walked.days[:, series])
        days = [first_day] if first_day == last_day else np.unique(times // DAY_MS).tolist()
        for day in days if len(times) else ():
            if registry.definitions_needed(identity, day):
                self._resolved.definitions[identity, day] = registry.definition(identity, day, labels)
                self._resolved.marks.append((raw_hash, identity, day))
            else:
                self._defined.append((raw_hash, day))

    def _refuse(self, series: int, raw_hash: int, reason: SeriesRefusal, message: str) -> None:
        number = REASONS.index(reason) + 1
        self._resolved.series_ids[series] = 0
        self._resolved.refusals[series] = number
        self._resolver.note(reason, message)
        if raw_hash != NO_HASH:
            self._refused.append((raw_hash, number))
