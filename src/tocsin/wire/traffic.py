"""What passed through one protocol's door, counted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tocsin.model.signal import Signal
from tocsin.wire.door import Checked
from tocsin.wire.twin import REQUEST_NAMES


@dataclass(frozen=True, slots=True)
class TrafficStatistics:
    """
    Counts since start.

    Args:
        requests: Requests by signal, refused ones included.
        accepted: Records that were acknowledged, by signal.
        rejected: Records that were not let in, by signal.
        rejected_by_reason: The same by reason (`future`, `past`, `time_out_of_range`, `trace_id`, `span_id`).
        refused: Whole requests that were not taken, by the code of the error (`overloaded`, `parse_error`, ...) or `hang_up`.
        received_bytes: Size of the bodies as they came.
        inflated_bytes: Size of the bodies after decompression; equal to the former where the protocol's library inflates them.
        in_flight: Requests that are being worked on now.
    """

    requests: Mapping[Signal, int]
    accepted: Mapping[Signal, int]
    rejected: Mapping[Signal, int]
    rejected_by_reason: Mapping[str, int]
    refused: Mapping[str, int]
    received_bytes: int
    inflated_bytes: int
    in_flight: int


class Traffic:
    """Counts requests and records; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[Signal] = Counter()
        self._accepted: Counter[Signal] = Counter()
        self._rejected: Counter[Signal] = Counter()
        self._reasons: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._received_bytes = self._inflated_bytes = self._in_flight = 0

    @contextmanager
    def request(self, signal: Signal) -> Iterator[None]:
        """Around the work on one request."""
        with self._lock:
            self._requests[signal] += 1
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def count_body(self, *, received_bytes: int, inflated_bytes: int) -> None:
        """A body was read whole."""
        with self._lock:
            self._received_bytes += received_bytes
            self._inflated_bytes += inflated_bytes

    def count_answered(self, signal: Signal, checked: Checked) -> None:
        """A request was acknowledged, in part or as a whole."""
        with self._lock:
            self._accepted[signal] += checked.accepted
            self._rejected[signal] += checked.rejected
            for item in checked.refused:
                self._reasons[item.refusal.value] += item.count

    def count_refused(self, reason: str) -> None:
        """A request was not taken at all."""
        with self._lock:
            self._refused[reason] += 1

    def statistics(self) -> TrafficStatistics:
        """Counts since start."""
        with self._lock:
            return TrafficStatistics(
                requests=_by_signal(self._requests),
                accepted=_by_signal(self._accepted),
                rejected=_by_signal(self._rejected),
                rejected_by_reason=dict(self._reasons),
                refused=dict(self._refused),
                received_bytes=self._received_bytes,
                inflated_bytes=self._inflated_bytes,
                in_flight=self._in_flight,
            )


def _by_signal(counter: Counter[Signal]) -> dict[Signal, int]:
    return {signal: counter[signal] for signal in Signal if signal in REQUEST_NAMES or signal in counter}
