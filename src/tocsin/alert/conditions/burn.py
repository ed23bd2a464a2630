"""
Burn-rate conditions: does a budget burn too fast over a long and over a short window at once?

    at 12:01:40   whole minutes to 12:01:00   all windows of all objectives in one statement   5,000 rules ask, one reads

The first rule that asks in a minute has everything read that any rule asked in the minutes before; the others find their answer there. A
window that nobody asked for yet is read for all objectives at once, so a fresh start takes a statement per kind of window.

Only minutes that are over for `settle_s` seconds count: the last one is still being counted, and half of it would be a wrong rate. What was
excluded by time or by query does not burn. No event is no observation: it neither fires nor says that all is well.

Source: Site Reliability Workbook, chapter 5: multiwindow, multi-burn-rate alerts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.alert.conditions.burn_words import burn_note
from tocsin.alert.definition import BurnAbove, BurnPair, Condition, Element, Vector
from tocsin.clock import Clock
from tocsin.errors import NotFound, TocsinError
from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.spelling import did_you_mean
from tocsin.slo.burn import burn_rate
from tocsin.slo.definition import Objective, Occurrences
from tocsin.slo.exclusions import excluded_ranges, exclusion_range
from tocsin.slo.minutes import CountSource, MinuteRange
from tocsin.slo.reading import MinuteReading, Reading, Tally, Want, read_counts, read_minutes
from tocsin.slo.slices import aligned, last_whole, slice_width_s
from tocsin.slo.window import floor_minute

SETTLE_S = 30.0  # the keeper of counts passes every fifteen seconds
FRESH_S = 30.0  # late events change a minute after it was read
RETRY_S = 10.0  # thousands of rules that wait for a timeout each would hold up everything else
WINDOW_KEPT_S = 3600  # windows that nobody asked for so long are read no more

Objectives = Callable[[], Mapping[str, Objective]]
Exclusions = Callable[[], Sequence[Exclusion]]


@dataclass(frozen=True, slots=True)
class BurnStatistics:
    """
    Burn-rate conditions since the start.

    Args:
        asked: Times that a condition was asked at an instant.
        reads: Times that counts were read for all objectives at once.
        replayed: Times that a condition was asked over a stretch of the past.
    """

    asked: int = 0
    reads: int = 0
    replayed: int = 0


@dataclass(slots=True)
class _Minute:
    """What was read at the end of one minute, and what was answered from it."""

    end_s: int
    read_at_s: float
    readings: dict[tuple[str, int], Reading] = field(default_factory=dict)
    answers: dict[BurnAbove, Vector] = field(default_factory=dict)
    failure: TocsinError | None = None
    failed_at_s: float = 0.0


class BurnEvaluator:
    """
    Answers `BurnAbove`. Safe to use from several threads.

    Args:
        objectives: What is in force, by key.
        source: Where counts are.
        exclusions: All that were decided.
        clock: For how long a reading is used.
        settle_s: How long a minute must be over to count, seconds.
    """

    def __init__(
        self, objectives: Objectives, source: CountSource, exclusions: Exclusions, *, clock: Clock, settle_s: float = SETTLE_S
    ) -> None:
        self._objectives = objectives
        self._source = source
        self._exclusions = exclusions
        self._clock = clock
        self._settle_ns = round(settle_s * NANOSECONDS)
        self._lock = threading.Lock()
        self._windows: dict[int, int] = {}  # seconds, and the end of the minute in which somebody asked last
        self._minute = _Minute(-1, 0.0)
        self._statistics = BurnStatistics()

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        The objective, while one of its pairs of windows burns too fast.

        Raises:
            NotFound: There is no such objective.
            TocsinError: Counts can't be read now.
        """
        assert isinstance(condition, BurnAbove)
        objective = self._objective(condition.objective)
        end_s = self._end_s(at)
        with self._lock:
            self._count(asked=1)
            minute = self._minute_of(end_s)
            known = minute.answers.get(condition)
            if known is not None:
                return known
            windows = {length for pair in condition.pairs for length in (pair.long_s, pair.short_s)}
            self._windows |= dict.fromkeys(windows, end_s)
            missing = [length for length in windows if (objective.key, length) not in minute.readings]
            if missing:
                # At the start of a minute everything that is asked for lately, later only what is new.
                self._try(minute, objective, missing if minute.readings else [*self._windows])
            answer = _judge(
                condition, objective, lambda length: minute.readings[objective.key, length].kept(_range(objective, end_s, length))
            )
            minute.answers[condition] = answer
            return answer

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at each of many instants, from one reading of the minutes that they need."""
        assert isinstance(condition, BurnAbove)
        objective = self._objective(condition.objective)
        with self._lock:
            self._count(replayed=1)
        if not times:
            return []
        ends = [self._end_s(at) for at in times]
        width_s = slice_width_s(objective.budgeting)
        longest_s = max(pair.long_s for pair in condition.pairs) + 2 * width_s
        within = MinuteRange(floor_minute(max(0, min(ends) - longest_s)), max(ends))
        reach = MinuteRange(aligned(within, width_s).start_s, within.end_s)
        want = Want(objective, (within,), excluded_ranges(objective, self._exclusions(), reach))
        sums = _Running(read_minutes(self._source, want), within, width_s)
        answers: dict[int, Vector] = {}
        for end_s in ends:
            if end_s not in answers:
                answers[end_s] = _judge(condition, objective, _asker(sums, objective, end_s))
        return [answers[end_s] for end_s in ends]

    def statistics(self) -> BurnStatistics:
        """Counters since the start."""
        with self._lock:
            return self._statistics

    def _count(self, *, asked: int = 0, reads: int = 0, replayed: int = 0) -> None:
        last = self._statistics
        self._statistics = BurnStatistics(last.asked + asked, last.reads + reads, last.replayed + replayed)

    def _end_s(self, at: Instant) -> int:
        return floor_minute((at - self._settle_ns) // NANOSECONDS)

    def _minute_of(self, end_s: int) -> _Minute:
        """What is known at the end of a minute; nothing yet when it is another one, or was read long ago."""
        now_s = self._clock.monotonic_s()
        if self._minute.end_s != end_s or now_s - self._minute.read_at_s > FRESH_S:
            self._minute = _Minute(end_s, now_s)
            self._windows = {length: asked_s for length, asked_s in self._windows.items() if abs(end_s - asked_s) <= WINDOW_KEPT_S}
        return self._minute

    def _try(self, minute: _Minute, asked: Objective, windows: Sequence[int]) -> None:
        """Read, unless reading failed a moment ago: then that failure is everybody's."""
        now_s = self._clock.monotonic_s()
        if minute.failure is not None and now_s - minute.failed_at_s < RETRY_S:
            raise minute.failure
        try:
            self._read(minute, asked, windows)
        except TocsinError as error:
            minute.failure, minute.failed_at_s = error, now_s
            raise

    def _read(self, minute: _Minute, asked: Objective, windows: Sequence[int]) -> None:
        """Counts of all objectives over these windows."""
        objectives = list({**self._objectives(), asked.key: asked}.values())
        ranges = [tuple(_range(objective, minute.end_s, length) for length in windows) for objective in objectives]
        start_s = min(within.start_s for some in ranges for within in some)
        reach = MinuteRange(start_s - max(slice_width_s(objective.budgeting) for objective in objectives), minute.end_s)
        near = [one for one in self._exclusions() if not one.query and exclusion_range(one, reach)]
        wants = [
            Want(objective, some, excluded_ranges(objective, near, reach) if near else ())
            for objective, some in zip(objectives, ranges, strict=True)
        ]
        for objective, reading in zip(objectives, read_counts(self._source, wants), strict=True):
            minute.readings.update(dict.fromkeys(((objective.key, length) for length in windows), reading))
        self._count(reads=1)

    def _objective(self, key: str) -> Objective:
        objectives = self._objectives()
        if key in objectives:
            return objectives[key]
        raise NotFound(f"no objective is called {key!r}{did_you_mean(key, objectives)}; its rule can't be evaluated until there is one")


def _range(objective: Objective, end_s: int, length_s: int) -> MinuteRange:
    return last_whole(end_s, length_s, slice_width_s(objective.budgeting))


def _reader(minute: _Minute, objective: Objective) -> Callable[[int], Tally]:
    return lambda length_s: minute.readings[objective.key, length_s].kept(_range(objective, minute.end_s, length_s))


def _asker(sums: _Running, objective: Objective, end_s: int) -> Callable[[int], Tally]:
    return lambda length_s: sums.kept(_range(objective, end_s, length_s))


class _Running:
    """Running sums over the cells (minutes, or slices) of a stretch: any range of it costs four looks."""

    def __init__(self, reading: MinuteReading, within: MinuteRange, width_s: int) -> None:
        self._first_s, good, total = reading.kept_cells(within)
        self._width_s = width_s
        self._good = [0.0, *good.cumsum().tolist()]
        self._total = [0.0, *total.cumsum().tolist()]

    def kept(self, within: MinuteRange) -> Tally:
        """What counts over a range; the number of minutes is not told."""
        cut = aligned(within, self._width_s)
        first, last = (min(max(0, (edge_s - self._first_s) // self._width_s), len(self._good) - 1) for edge_s in (cut.start_s, cut.end_s))
        return Tally(self._good[last] - self._good[first], self._total[last] - self._total[first])


def _judge(condition: BurnAbove, objective: Objective, kept: Callable[[int], Tally]) -> Vector:
    """The objective with its highest pair that is exceeded; nothing when none is."""
    for pair in sorted(condition.pairs, key=lambda pair: -pair.factor):
        long = kept(pair.long_s)
        rate = burn_rate(long.bad, long.total, objective.allowed_ratio)
        if rate is None or rate <= pair.factor or _too_few(condition, objective, long):
            continue
        short = kept(pair.short_s)
        short_rate = burn_rate(short.bad, short.total, objective.allowed_ratio)
        if short_rate is not None and short_rate > pair.factor:
            return (_element(objective, pair, long, rate, short_rate),)
    return ()


def _too_few(condition: BurnAbove, objective: Objective, long: Tally) -> bool:
    return isinstance(objective.budgeting, Occurrences) and long.bad < condition.bad_min


def _element(objective: Objective, pair: BurnPair, long: Tally, rate: float, short_rate: float) -> Element:
    labels = Labels({"objective": objective.key, "slo": objective.slo, "service": objective.service})
    return Element(labels, rate, burn_note(objective, pair, long, rate, short_rate))
