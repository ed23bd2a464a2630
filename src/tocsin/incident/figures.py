"""
How fast people were: time to detect, to acknowledge and to restore, with counts and spread, never a mean alone.

    detection  from the first bad minute to the first alert      where objectives tell the first bad minute
    MTTA       from the opening to the acknowledgement           where somebody acknowledged
    MTTR       from the beginning, as far as known, to the first quiet minute of the watching that went well
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tocsin.model.incident import Incident
from tocsin.model.instant import NANOSECONDS, Instant

ALL = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """
    Durations in seconds.

    Args:
        count: How many were measured.
        mean_s: Their mean; None of none, as all others.
        median_s: Half took at most so long.
        p90_s: Nine of ten took at most so long.
        longest_s: The longest.
    """

    count: int
    mean_s: float | None = None
    median_s: float | None = None
    p90_s: float | None = None
    longest_s: float | None = None


@dataclass(frozen=True, slots=True)
class ResponseFigures:
    """
    The times of some incidents.

    Args:
        service: Whose; empty for all services.
        severity: Which; empty for all severities.
        incidents: How many there were; durations are those of the ones for which they are known.
        detection: From the first bad minute to the first alert.
        acknowledge: From the opening to the acknowledgement (MTTA).
        restore: From the beginning to the restoration (MTTR).
        late_acknowledged: How many were answered late, or not yet though they should have been.
    """

    service: str
    severity: str
    incidents: int
    detection: Spread
    acknowledge: Spread
    restore: Spread
    late_acknowledged: int


def response_figures(incidents: Iterable[Incident], *, acknowledge_s: float, now: Instant) -> list[ResponseFigures]:
    """Of all incidents, and of each service and severity that had one; `acknowledge_s` is the target, seconds."""
    kept = list(incidents)
    found = [_figures(ALL, ALL, kept, acknowledge_s, now)]

    def place(incident: Incident) -> tuple[str, str]:
        return incident.service, incident.severity.value

    for (service, severity), some in groupby(sorted(kept, key=place), key=place):
        found.append(_figures(service, severity, list(some), acknowledge_s, now))
    return found


def spread_of(seconds: Iterable[float]) -> Spread:
    """
    Of durations: their number, mean, median, 90th percentile and longest.

    A percentile is the smallest duration that at least that share took at most (nearest rank), so it is one that happened.
    """
    ordered = sorted(seconds)
    if not ordered:
        return Spread(0)
    return Spread(len(ordered), math.fsum(ordered) / len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.9), ordered[-1])


def _figures(service: str, severity: str, incidents: Sequence[Incident], acknowledge_s: float, now: Instant) -> ResponseFigures:
    due_ns = round(acknowledge_s * NANOSECONDS)
    late = sum(1 for one in incidents if _answered_by(one, now) > one.opened_at + due_ns)
    return ResponseFigures(
        service=service,
        severity=severity,
        incidents=len(incidents),
        detection=_between(incidents, lambda one: one.first_bad_at, lambda one: one.alerted_at),
        acknowledge=_between(incidents, lambda one: one.opened_at, lambda one: one.acknowledged_at),
        restore=_between(incidents, lambda one: one.started_at, lambda one: one.restored_at),
        late_acknowledged=late,
    )


def _between(incidents: Sequence[Incident], first: Callable[[Incident], int | None], last: Callable[[Incident], int | None]) -> Spread:
    ends = [(first(incident), last(incident)) for incident in incidents]
    return spread_of(max(0, end - start) / NANOSECONDS for start, end in ends if start is not None and end is not None)


def _answered_by(incident: Incident, now: Instant) -> Instant:
    """When it was acknowledged; for one that never was, when it ended or how late it is now."""
    if incident.acknowledged_at is not None:
        return incident.acknowledged_at
    return incident.resolved_at if incident.resolved_at is not None else now


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
