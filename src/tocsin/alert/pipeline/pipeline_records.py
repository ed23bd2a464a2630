"""Counters of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PipelineStatistics:
    """
    Alerts on their way to people since the start.

    Args:
        alerts: Alerts that were taken, again and again as rules say them.
        events: Beginnings and ends of alerts (`fired`, `resolved`).
        flushes: Groups that were due and looked at.
        notifications: Notifications that were decided, by reason.
        database_failures: Steps that could not be written down at once; each is done again.
        unwritten_events: Gauge: beginnings and ends that are in memory alone.
    """

    alerts: int
    events: Mapping[str, int]
    flushes: int
    notifications: Mapping[str, int]
    database_failures: int
    unwritten_events: int
