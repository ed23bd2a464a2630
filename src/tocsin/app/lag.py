"""
How long acknowledged telemetry has been waiting for the engine, seen from counters alone.

Segments leave in the order in which they came. So if 40 were ever made and 37 are settled, the lag is the time since the 38th was
first seen: an upper bound that is off by one look at the counters (a second).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from tocsin.clock import Clock
from tocsin.journal.statistics import JournalStatistics, LaneStatistics
from tocsin.model.signal import Signal

SIGHTINGS_MAX = 7_200  # two hours of one look a second; older ones are merged into the oldest


class LagWatch:
    """
    Looks at the journal's counters now and then, and says how far the engine is behind.

    Args:
        read: The journal's statistics.
        clock: For durations.
    """

    def __init__(self, read: Callable[[], JournalStatistics], *, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._sightings: dict[Signal, deque[tuple[float, int]]] = {signal: deque() for signal in Signal}

    def look(self) -> dict[Signal, float]:
        """Take note of the counters; returns seconds of lag by signal, 0 where nothing waits."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            lanes = self._read().lanes
            return {signal: self._look_at(self._sightings[signal], lane, now_s) for signal, lane in lanes.items()}

    def _look_at(self, sightings: deque[tuple[float, int]], lane: LaneStatistics, now_s: float) -> float:
        settled = lane.segments_completed + lane.segments_quarantined - lane.segments_split
        made = settled + lane.backlog_segments
        while sightings and sightings[0][1] <= settled:
            sightings.popleft()
        if lane.backlog_segments == 0:
            sightings.clear()
            return 0.0
        if not sightings or sightings[-1][1] < made:
            if len(sightings) >= SIGHTINGS_MAX:
                sightings.pop()
            sightings.append((now_s, made))
        return now_s - sightings[0][0]
