"""What the stories of this room share: an objective, instants of November 2026, a month with downtime in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tocsin.model.budget import Exclusion
from tocsin.model.instant import EPOCH, NANOSECONDS
from tocsin.slo.definition import (
    Budgeting,
    CalendarWindow,
    EventCount,
    EventRatio,
    EventSignal,
    Indicator,
    Objective,
    Occurrences,
    RollingWindow,
    Window,
)
from tocsin.testing.counts import MemoryCounts

DAY_S = 86_400
KEY = "checkout-availability"
SPANS = EventRatio(EventCount(EventSignal.SPANS, "service:checkout"), EventCount(EventSignal.SPANS, "status:ok"))
MONTH = CalendarWindow(1, "M", "2026-01-01 00:00:00", "UTC")
THIRTY_DAYS = RollingWindow(30 * DAY_S)


def seconds(text: str) -> int:
    """`2026-11-16 00:00` (UTC) as seconds since 1970."""
    return int((datetime.fromisoformat(f"{text}+00:00") - EPOCH).total_seconds())


def instant(text: str) -> int:
    """The same as an instant."""
    return seconds(text) * NANOSECONDS


def objective(
    target: float = 0.999, window: Window = THIRTY_DAYS, *, budgeting: Budgeting | None = None, key: str = KEY, indicator: Indicator = SPANS
) -> Objective:
    """An objective of the service `checkout`."""
    return Objective(key, key, "checkout", target, indicator, window, budgeting or Occurrences())


def traffic(start: str, end: str, *, downtime: Mapping[str, int] | None = None, per_minute: int = 100) -> MemoryCounts:
    """Even traffic, all good but for `downtime`: minutes of total failure from an instant on."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds(start), seconds(end), good=per_minute, total=per_minute)
    for begin, minutes in (downtime or {}).items():
        counts.fill(KEY, seconds(begin), seconds(begin) + minutes * 60, good=0, total=per_minute)
    return counts


def maintenance(start: str, end: str, *, name: str = "upgrade", query: str = "") -> Exclusion:
    """A planned exclusion for all SLOs of `checkout`."""
    return Exclusion(name, "", "checkout", instant(start), instant(end), query, "mia", f"database {name}")
