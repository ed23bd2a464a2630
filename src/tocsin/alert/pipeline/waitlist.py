"""
Which notification is tried next: fair between receivers, in order within a group, so that a slow or dead receiver holds up nobody else.

    endpoint   a channel of a receiver. One that failed last time, or was slow, is tried by one worker at a time, and all such endpoints
               together by half of the workers; after a failure it rests, with everything that waits for it.
    lane       a group at an endpoint. Two notifications of one lane are never under way at once.

Holds no texts: a full outbox is a few megabytes here. Not safe to use from several threads by itself.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from tocsin.model.instant import Instant
from tocsin.state.alert_records import Waiting

SLOW_S = 2.0

EndpointKey: TypeAlias = tuple[str, str]
LaneKey: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class Endpoint:
    """
    What is known of a channel of a receiver since the start.

    Args:
        queue: A heap of (not before, number, what waits).
        under_way: How many are being sent.
        failures: In a row.
        failing_since: When the first of them began; None when the last attempt succeeded.
        rests_until: No attempt before.
        slow: The last attempt took long.
        served: The turn in which it was last served.
    """

    queue: list[tuple[Instant, int, Waiting]] = field(default_factory=list)
    under_way: int = 0
    failures: int = 0
    failing_since: Instant | None = None
    rests_until: Instant = 0
    slow: bool = False
    served: int = 0

    @property
    def doubtful(self) -> bool:
        """Whether a worker that tries it may be stuck for a while."""
        return self.slow or self.failing_since is not None

    @property
    def next_at(self) -> Instant:
        """When it can be tried next; the queue is not empty."""
        return max(self.queue[0][0], self.rests_until)


class Waitlist:
    """
    What waits in the outbox.

    Args:
        workers: How many work on it at once.
    """

    def __init__(self, workers: int) -> None:
        self._each_max = max(1, workers // 2)
        self._doubtful_max = max(1, workers // 2)
        self._endpoints: dict[EndpointKey, Endpoint] = {}
        self._lanes: set[LaneKey] = set()
        self._held: dict[LaneKey, list[Waiting]] = defaultdict(list)
        self._turn = 0

    def __len__(self) -> int:
        return sum(len(each.queue) for each in self._endpoints.values()) + sum(map(len, self._held.values()))

    @property
    def under_way(self) -> int:
        """How many are being sent."""
        return len(self._lanes)

    @property
    def failing(self) -> list[EndpointKey]:
        """Endpoints whose last attempt failed."""
        return sorted(key for key, endpoint in self._endpoints.items() if endpoint.failing_since is not None)

    def add(self, waiting: Waiting, at: Instant | None = None) -> None:
        """Something waits: not before `at`, or when it says itself."""
        lane = _lane(waiting)
        if lane in self._lanes:
            self._held[lane].append(waiting)
            return
        endpoint = self._endpoints.setdefault(_endpoint(waiting), Endpoint())
        heapq.heappush(endpoint.queue, (waiting.next_attempt_at if at is None else at, waiting.number, waiting))

    def take(self, now: Instant) -> Waiting | None:
        """The next one to send, of the endpoint that was served the longest ago; None when none may be sent now. Ends with `release`."""
        doubtful = sum(each.under_way for each in self._endpoints.values() if each.doubtful)
        ready = [each for each in self._endpoints.values() if each.queue and each.next_at <= now and self._has_room(each, doubtful)]
        if not ready:
            return None
        endpoint = min(ready, key=lambda each: each.served)
        _, _, waiting = heapq.heappop(endpoint.queue)
        if _lane(waiting) in self._lanes:  # it was put back before the one under way was taken
            self._held[_lane(waiting)].append(waiting)
            return self.take(now)
        self._turn += 1
        endpoint.served = self._turn
        endpoint.under_way += 1
        self._lanes.add(_lane(waiting))
        return waiting

    def release(self, waiting: Waiting, again_at: Instant | None = None) -> None:
        """It is no longer being sent; it waits again with `again_at`."""
        self.endpoint(waiting).under_way -= 1
        lane = _lane(waiting)
        self._lanes.discard(lane)
        if again_at is not None:
            self.add(waiting, again_at)
        for held in self._held.pop(lane, ()):
            self.add(held)

    def succeeded(self, waiting: Waiting, duration_s: float) -> None:
        """Its endpoint took it."""
        endpoint = self.endpoint(waiting)
        endpoint.failures, endpoint.failing_since, endpoint.rests_until = 0, None, 0
        endpoint.slow = duration_s >= SLOW_S

    def failed(self, waiting: Waiting, began: Instant, rests_until: Instant) -> None:
        """Its endpoint could not be reached, or could not take anything now."""
        endpoint = self.endpoint(waiting)
        endpoint.failing_since = began if endpoint.failing_since is None else endpoint.failing_since
        endpoint.rests_until = max(endpoint.rests_until, rests_until)
        endpoint.failures += 1

    def endpoint(self, waiting: Waiting) -> Endpoint:
        """What is known of its endpoint."""
        return self._endpoints[_endpoint(waiting)]

    def stranded(self, waiting: Waiting, decided_before: Instant) -> list[Waiting]:
        """Others at its endpoint that were decided before an instant; they are taken, and end with `release`."""
        endpoint = self.endpoint(waiting)
        taken = [each for _, _, each in endpoint.queue if each.created_at <= decided_before and _lane(each) not in self._lanes]
        numbers = {each.number for each in taken}
        endpoint.queue = [item for item in endpoint.queue if item[1] not in numbers]
        heapq.heapify(endpoint.queue)
        endpoint.under_way += len(taken)
        self._lanes.update(map(_lane, taken))
        return taken

    def next_at(self) -> Instant | None:
        """When something can be tried next; None when nothing waits. May be past while every worker is busy."""
        return min((each.next_at for each in self._endpoints.values() if each.queue), default=None)

    def _has_room(self, endpoint: Endpoint, doubtful: int) -> bool:
        if endpoint.doubtful:
            return endpoint.under_way == 0 and doubtful < self._doubtful_max
        return endpoint.under_way < self._each_max


def _endpoint(waiting: Waiting) -> EndpointKey:
    return waiting.receiver, waiting.channel


def _lane(waiting: Waiting) -> LaneKey:
    return waiting.group_key, waiting.receiver, waiting.channel
