"""What callers write for `start` and `end`, as a range."""

from __future__ import annotations

from tocsin.clock import Clock
from tocsin.errors import InvalidInput
from tocsin.model.instant import TimeRange, parse_instant
from tocsin.store.read_range import Within


def read_period(start: int | str | None, end: int | str | None, clock: Clock) -> Within:
    """
    The range from `start` (included) to `end` (left out).

    Args:
        start: Nanoseconds since 1970, a text as `parse_instant` reads it ('now-15m' too), or None for open.
        end: The same.
        clock: What `now` means.

    Raises:
        InvalidInput: One of them is no instant, or the range ends before it starts.
    """
    now = clock.now_ns()
    first, last = (parse_instant(at, now=now) if isinstance(at, str) else at for at in (start, end))
    if first is not None and last is not None:
        TimeRange(first, last)
    return Within(first, last)


def checked_limit(limit: int, *, most: int, name: str = "limit") -> int:
    """`limit` itself when it lies between 1 and `most`, else InvalidInput."""
    if not 1 <= limit <= most:
        raise InvalidInput(f"{name} is {limit}; it must be between 1 and {most}")
    return limit
