"""When it began: the minute from which on requests are bad as they are at worst, rather than as they were before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MINUTE_S = 60
REQUESTS_MIN = 3  # in a minute, for its share to say something


@dataclass(frozen=True, slots=True)
class MinuteOfRequests:
    """Bad requests and all requests of the minute that begins at `start_s`, seconds since 1970."""

    start_s: int
    bad: int
    total: int


def usual_ratio(minutes: Sequence[MinuteOfRequests], before_s: int) -> float | None:
    """Share of bad requests before an instant, 0 to 1; None without requests."""
    earlier = [minute for minute in minutes if minute.start_s < before_s]
    total = sum(minute.total for minute in earlier)
    return sum(minute.bad for minute in earlier) / total if total else None


def onset_s(minutes: Sequence[MinuteOfRequests], start_s: int, usual: float | None) -> int | None:
    """
    The first minute from `start_s` on that is nearer to the worst than to what is usual, seconds since 1970.

    Returns:
        None when no minute has enough requests, or none is bad beyond the usual, or the first one of the range is so already while
        something is known of the time before: it began earlier.
    """
    judged = [minute for minute in minutes if minute.start_s >= start_s and minute.total >= REQUESTS_MIN]
    worst = max((minute.bad / minute.total for minute in judged), default=0.0)
    bound = (worst + (usual or 0.0)) / 2
    if worst <= (usual or 0.0) or worst == 0:
        return None
    return next((minute.start_s for minute in judged if minute.bad / minute.total >= bound), None)
