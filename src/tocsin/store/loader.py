"""
From closed segments to rows, for ever: a thread takes the oldest segment of its signal, has the engine insert it, and says so.

Each signal has two such threads. The engine decodes one segment on one core; with a second one under way the other core is used too,
and a segment that keeps failing does not hold up its signal.

A segment becomes visible at once and exactly once: the engine drops an insert whose token it has seen, so after a crash the same
segment is simply loaded again. When the engine refuses, nothing is dropped:

    the machine is at fault (disk full, engine down)     wait and try again; the backlog grows until the door says 'not now'
    too large for the engine's memory                    split in two, load the halves
    anything else, twice                                 split until the one request that cannot be stored is alone, and quarantine it

A split makes new tokens, which is only safe when no row of the segment is in: a segment of which a part got in is never split, only
tried again under its own token, and quarantined whole if that keeps failing. What can't be split is tried longer than what can.

A failure that nobody foresaw is treated like a refusal, and a journal that can't delete, split or set aside is asked again: a lane
that died would hold up its signal until the next restart, and say nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from tocsin.clock import Clock
from tocsin.errors import LimitExceeded, TocsinError
from tocsin.model.batch import Segment, SegmentSource
from tocsin.model.signal import Signal
from tocsin.store.faults import EngineUnavailable
from tocsin.store.store import segment_number

ATTEMPTS_BEFORE_SPLIT = 2
ATTEMPTS_BEFORE_QUARANTINE = 5  # of what can't be split: memory that a dashboard took is free again in seconds
LOADERS_PER_SIGNAL = 2
RETRY_S = (0.2, 1.0, 5.0, 15.0)  # waits between attempts; the last one repeats
TAKE_TIMEOUT_S = 0.5  # how soon a stop is noticed

log = logging.getLogger("tocsin.store.loader")

Result = TypeVar("Result")
OnLoaded: TypeAlias = Callable[[Signal, int], None]  # with the number by which rows name the segment


class Sink(Protocol):
    """What the loader needs of the store."""

    def load(self, segment: Segment) -> None:
        """Insert every record of a segment; idempotent by its token."""
        ...

    def holds_part_of(self, segment: Segment) -> bool:
        """Whether any record of the segment is stored."""
        ...


class SplittingSource(SegmentSource, Protocol):
    """A source that can also cut a segment in two."""

    def split(self, segment: Segment) -> list[Segment]:
        """Two segments with half of the frames each, in place of the given one."""
        ...


@dataclass(frozen=True, slots=True)
class LaneStatistics:
    """
    One signal's loading since the start.

    Args:
        segments, records, bytes: What the engine has taken.
        load_s: Time spent in the engine, seconds.
        failures: Attempts that the engine refused.
        splits: Segments cut in two to isolate what can't be stored.
        quarantined: Segments set aside.
        waiting: 1 while the lane waits for the machine to recover, else 0.
        last_error: What the engine said last; empty when the last load worked.
    """

    segments: int = 0
    records: int = 0
    bytes: int = 0
    load_s: float = 0.0
    failures: int = 0
    splits: int = 0
    quarantined: int = 0
    waiting: int = 0
    last_error: str = ""


@dataclass(slots=True)
class _Lane:
    signal: Signal
    segments: int = 0
    records: int = 0
    bytes: int = 0
    load_s: float = 0.0
    failures: int = 0
    splits: int = 0
    quarantined: int = 0
    waiting: int = 0
    last_error: str = ""
    thread: threading.Thread | None = field(default=None)


class Loader:
    """
    Keeps the store up with the journal.

    Args:
        source: Where segments come from (the journal).
        sink: Where they go (the store).
        clock: For durations.
        signals: Which lanes to run.
        retry_s: Waits between attempts, seconds; the last one repeats.
        loaders: Segments of one signal that are loaded at the same time.
        on_loaded: Told of each segment once all of it is stored, by the thread that loaded it, before the journal forgets the segment.
            It should return at once; what it raises is logged and changes nothing.
    """

    def __init__(
        self,
        source: SplittingSource,
        sink: Sink,
        *,
        clock: Clock,
        signals: Sequence[Signal] = tuple(Signal),
        retry_s: Sequence[float] = RETRY_S,
        loaders: int = LOADERS_PER_SIGNAL,
        on_loaded: OnLoaded | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._clock = clock
        self._retry_s = retry_s
        self._on_loaded = on_loaded
        self._lanes = [_Lane(signal) for signal in signals for _ in range(loaders)]
        self._stop = threading.Event()
        self._drain = threading.Event()

    def start(self) -> None:
        """Begin loading."""
        for number, lane in enumerate(self._lanes):
            lane.thread = threading.Thread(target=self._run, args=(lane,), name=f"loader-{lane.signal.value}-{number}", daemon=True)
            lane.thread.start()

    def stop(self, *, drain_s: float = 0.0) -> bool:
        """
        Stop loading.

        Args:
            drain_s: How long to go on until no closed segment is left, seconds. What is left then stays in the journal.

        Returns:
            Whether every lane came to its end: nothing was left when `drain_s` > 0.
        """
        if drain_s > 0:
            self._drain.set()
            self._join(drain_s)
        finished = self._drain.is_set() and not self._running()
        self._stop.set()
        self._join(60.0)
        return finished

    def load_pending(self) -> int:
        """Load in this thread whatever is closed now; returns the number of segments. For use without `start`."""
        loaded = 0
        for lane in self._lanes:
            while segment := self._source.take(lane.signal, timeout_s=0):
                self._load_until_settled(lane, segment)
                loaded += 1
        return loaded

    def statistics(self) -> dict[Signal, LaneStatistics]:
        """Counters by signal."""
        signals = dict.fromkeys(lane.signal for lane in self._lanes)
        return {signal: _together([lane for lane in self._lanes if lane.signal is signal]) for signal in signals}

    def _run(self, lane: _Lane) -> None:
        while not self._stop.is_set():
            segment = self._insist(lane, lambda: self._take(lane))
            if segment is not None:
                self._load_until_settled(lane, segment)
            elif self._drain.is_set():
                return

    def _take(self, lane: _Lane) -> Segment | None:
        return self._source.take(lane.signal, timeout_s=0 if self._drain.is_set() else TAKE_TIMEOUT_S)

    def _load_until_settled(self, lane: _Lane, segment: Segment) -> None:
        pending = [segment]
        while pending and not self._stop.is_set():
            pending = self._settle(lane, pending[0]) + pending[1:]

    def _settle(self, lane: _Lane, segment: Segment) -> list[Segment]:
        """Load one segment, or set it aside; returns the halves when it had to be split."""
        attempt = refusals = 0
        while not self._stop.is_set():
            attempt += 1
            error = self._attempt(lane, segment)
            if error is None:
                self._insist(lane, lambda: self._source.complete(segment))
                lane.waiting = 0
                return []
            if isinstance(error, EngineUnavailable):
                lane.waiting = 1
            else:
                refusals += 1
                if refusals >= ATTEMPTS_BEFORE_SPLIT or isinstance(error, LimitExceeded):
                    halves = self._give_up(lane, segment, error, refusals)
                    if halves is not None:
                        return halves
            self._wait(attempt)
        return []

    def _attempt(self, lane: _Lane, segment: Segment) -> Exception | None:
        begun = self._clock.monotonic_s()
        try:
            self._sink.load(segment)
        except Exception as error:
            lane.failures += 1
            lane.last_error = _said(error)
            unforeseen = not isinstance(error, TocsinError)
            log.error(
                "the engine refused segment %s (%d records): %s", segment.token, segment.records, lane.last_error, exc_info=unforeseen
            )
            return error
        lane.load_s += self._clock.monotonic_s() - begun
        lane.segments, lane.records, lane.bytes = lane.segments + 1, lane.records + segment.records, lane.bytes + segment.size_bytes
        lane.last_error = ""
        self._tell(segment)
        return None

    def _tell(self, segment: Segment) -> None:
        if self._on_loaded is None:
            return
        try:
            self._on_loaded(segment.signal, segment_number(segment))
        except Exception:
            log.exception("what waits for loaded segments failed on %s; the segment is stored", segment.token)

    def _give_up(self, lane: _Lane, segment: Segment, error: Exception, refusals: int) -> list[Segment] | None:
        """Split or quarantine; None when only waiting is safe, or another attempt may still help."""
        try:
            partial = self._sink.holds_part_of(segment)
        except Exception as failure:  # noqa: BLE001 - see the head of this file
            lane.waiting, lane.last_error = 1, _said(failure)
            return None
        if segment.frames > 1 and not partial:
            lane.splits += 1
            log.warning("splitting segment %s (%d requests) to find what the engine refuses", segment.token, segment.frames)
            return self._insist(lane, lambda: self._source.split(segment)) or []
        if refusals < (ATTEMPTS_BEFORE_QUARANTINE if partial or isinstance(error, LimitExceeded) else ATTEMPTS_BEFORE_SPLIT):
            return None
        lane.quarantined += 1
        log.error("quarantined segment %s (%d records): %s; see `tocsin journal`", segment.token, segment.records, _said(error))
        reason = _said(error) + (" (a part of it is stored; replay keeps its token)" if partial else "")
        self._insist(lane, lambda: self._source.quarantine(segment, reason))
        return []

    def _insist(self, lane: _Lane, act: Callable[[], Result]) -> Result | None:
        """Have the journal do something, again and again until it can; None when stopped before."""
        attempt = 0
        while not self._stop.is_set():
            attempt += 1
            try:
                return act()
            except Exception as error:  # noqa: BLE001 - see the head of this file
                lane.waiting, lane.last_error = 1, _said(error)
                log.error("the journal failed: %s; trying again", lane.last_error)
            self._wait(attempt)
        return None

    def _wait(self, attempt: int) -> None:
        self._stop.wait(self._retry_s[min(attempt, len(self._retry_s)) - 1])

    def _running(self) -> bool:
        return any(lane.thread is not None and lane.thread.is_alive() for lane in self._lanes)

    def _join(self, timeout_s: float) -> None:
        deadline_s = self._clock.monotonic_s() + timeout_s
        for lane in self._lanes:
            if lane.thread is not None:
                lane.thread.join(max(0.0, deadline_s - self._clock.monotonic_s()))


def _said(error: Exception) -> str:
    """What an error says; with its kind where it says nothing of itself that a human understands."""
    return str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}: {error}"


def _together(lanes: Sequence[_Lane]) -> LaneStatistics:
    """One signal's lanes as one: counters added, waiting when any waits, what any of them heard last."""
    added = ("segments", "records", "bytes", "load_s", "failures", "splits", "quarantined")
    return LaneStatistics(
        **{name: sum(getattr(lane, name) for lane in lanes) for name in added},
        waiting=max(lane.waiting for lane in lanes),
        last_error=next((lane.last_error for lane in lanes if lane.last_error), ""),
    )
