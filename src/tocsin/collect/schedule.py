"""
When targets are asked: each at its own place within its interval, so that a thousand of them don't ask at once.

A target's instants are `k * interval + offset`, with an offset from its digest: the same after every restart, on every machine.
Samples carry the scheduled instant, not the one at which the request left, as long as the two are near (`stamp_ms`): steps that are
exactly equal compress to almost nothing, and the value is no less true for having been asked a few milliseconds later.
"""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

NANOSECONDS_PER_MS = 1_000_000

Item = TypeVar("Item")


def next_instant_ms(*, after_ms: int, interval_s: float, digest: int) -> int:
    """The first of a target's instants after a moment, milliseconds since 1970-01-01 UTC."""
    interval_ms = max(1, round(interval_s * 1000))
    offset_ms = digest % interval_ms
    return ((after_ms - offset_ms) // interval_ms + 1) * interval_ms + offset_ms


def stamp_ms(*, scheduled_ms: int, started_ms: int, interval_s: float) -> int:
    """
    The time that samples carry: the scheduled one if the scrape started within a hundredth of the interval (at least 2 ms) of it, else the
    real one.

    Prometheus allows 2 ms; a process that shares its cores is later than that, and a hundredth of a step is below what any rate shows.
    """
    tolerance_ms = max(2, round(interval_s * 10))
    return scheduled_ms if abs(started_ms - scheduled_ms) <= tolerance_ms else started_ms


class Timetable(Generic[Item]):
    """Who is due when. Not safe to use from several threads."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Item]] = []
        self._count = 0

    def put(self, instant_ms: int, item: Item) -> None:
        """Note that an item is due at an instant."""
        self._count += 1
        heapq.heappush(self._heap, (instant_ms, self._count, item))

    def due(self, now_ms: int) -> list[tuple[int, Item]]:
        """Take out what is due, with the instants it was due at, oldest first."""
        out: list[tuple[int, Item]] = []
        while self._heap and self._heap[0][0] <= now_ms:
            instant_ms, _, item = heapq.heappop(self._heap)
            out.append((instant_ms, item))
        return out

    def wait_s(self, now_ms: int, *, at_most: float) -> float:
        """Seconds until something is due, at most as many as said."""
        if not self._heap:
            return at_most
        return min(at_most, max(0.0, (self._heap[0][0] - now_ms) / 1000))
