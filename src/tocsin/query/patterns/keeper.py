"""
Mines patterns online: what the loader has brought in is looked at once, in passes of a few seconds, so that a new kind of error has its
name while it is news.

What a crash left unmined is found by the next start, which looks at the last hour anew; learning the same shapes twice changes nothing.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable

from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model.instant import NANOSECONDS
from tocsin.model.signal import Signal
from tocsin.query.patterns.catalogue import Catalogue, CatalogueStatistics
from tocsin.store.engine import Engine
from tocsin.store.log_shapes import count_records, of_segments, read_shapes, shapes
from tocsin.store.read_range import Within
from tocsin.store.sql import ParameterNames, Sql
from tocsin.store.touched import touched_by

INTERVAL_S = 5.0
RESTART_S = 3600
RECORDS_MAX = 200_000  # of one pass; beyond, one of several records below WARN is looked at
SHAPES_MAX = 5_000
SEGMENTS_MAX = 200
MINUTE_NS = 60 * NANOSECONDS
STOP_WAIT_S = 30.0

logger = logging.getLogger(__name__)


class PatternKeeper:
    """
    Learns what is loaded.

    Args:
        engine: The telemetry.
        catalogue: Learns.
        clock: The present.
    """

    def __init__(self, engine: Engine, catalogue: Catalogue, clock: Clock) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._clock = clock
        self._segments: deque[int] = deque()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="patterns", daemon=True)

    def segment_loaded(self, signal: Signal, segment: int) -> None:
        """The loader brought a segment in; what it holds is mined by the next pass."""
        if signal is Signal.LOGS:
            self._segments.append(segment)

    def start(self) -> None:
        """Begin to mine."""
        self._thread.start()

    def stop(self) -> None:
        """Mine no more; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def statistics(self) -> CatalogueStatistics:
        """How many patterns there are."""
        return self._catalogue.statistics()

    def run_once(self) -> int:
        """Mine what was loaded since the last pass; returns how many segments that were."""
        chosen = [self._segments.popleft() for _ in range(min(len(self._segments), SEGMENTS_MAX))]
        if not chosen:
            return 0
        try:
            minutes = [touch.minute_s for touch in touched_by(self._engine, chosen) if touch.signal == Signal.LOGS.value]
            if minutes:
                within = Within(min(minutes) * NANOSECONDS, max(minutes) * NANOSECONDS + MINUTE_NS)
                self._learn(within, chosen)
        except TocsinError:
            self._segments.extendleft(reversed(chosen))
            raise
        return len(chosen)

    def mine(self, within: Within) -> None:
        """Learn whatever is stored in a range."""
        self._learn(within, ())

    def _learn(self, within: Within, segments: list[int] | tuple[int, ...]) -> None:
        names = ParameterNames()
        condition = of_segments(segments, names) if segments else Sql("1")
        records = int(self._engine.query(count_records(condition, within, names)).rows[0][0])
        one_in = max(1, math.ceil(records / RECORDS_MAX))
        names = ParameterNames()
        condition = of_segments(segments, names) if segments else Sql("1")
        found = read_shapes(self._engine, shapes(condition, within, one_in=one_in, limit=SHAPES_MAX, names=names))
        self._catalogue.learn(sorted(found, key=lambda shape: (shape.first_ns, shape.text)))

    def _run(self) -> None:
        now = self._clock.now_ns()
        self._guarded(lambda: self.mine(Within(now - RESTART_S * NANOSECONDS, now)))
        while not self._leaving.wait(INTERVAL_S):
            self._guarded(self.run_once)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except TocsinError as error:
            if not self._leaving.is_set():
                logger.error("log patterns could not be mined: %s; trying again", error)
        except Exception:
            logger.exception("log patterns could not be mined; trying again")
