"""What travels on the way in: a checked request body, and a closed journal segment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from tocsin.model.signal import Signal


@dataclass(frozen=True, slots=True)
class Batch:
    """
    One request that the door has checked: a serialized OTLP `Export{Trace,Logs,Metrics}ServiceRequest`.

    `records` counts spans, log records or data points in `body`, >= 1.
    """

    signal: Signal
    body: bytes
    records: int


Acceptor: TypeAlias = Callable[[Batch], "Future[None]"]
"""
Takes a batch; the future resolves once the batch is durable on disk, which is when it may be acknowledged.

Raises Overloaded at once when queues are full; the future fails with JournalError when the disk refuses.
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """
    A closed journal file, ready for the engine.

    Args:
        signal: What its frames hold.
        path: The file: varint-length-delimited protobuf messages (see `tocsin.journal.frame`).
        token: Unique for ever; the engine drops a second insert with the same token.
        frames: Number of requests in it.
        records: Number of spans, log records or data points in it.
        size_bytes: Its size.
    """

    signal: Signal
    path: Path
    token: str
    frames: int
    records: int
    size_bytes: int


class SegmentSource(Protocol):
    """Where the loader gets segments from, and says what became of them."""

    def take(self, signal: Signal, *, timeout_s: float) -> Segment | None:
        """The oldest closed segment of the signal that was not taken yet; waits up to `timeout_s`; None when there is none."""
        ...

    def complete(self, segment: Segment) -> None:
        """The engine has it durably: delete the file."""
        ...

    def quarantine(self, segment: Segment, reason: str) -> None:
        """The engine refuses it: move the file aside with its reason, count it; it can be replayed later."""
        ...
