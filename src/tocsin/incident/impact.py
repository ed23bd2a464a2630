"""
What an incident cost: the share of each objective's budget that its minutes spent, and the first minute that was bad.

    checkout-availability   1,204 bad events in 48 minutes = 31.2 % of the budget of 30 days
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.slo.answers import Budget
from tocsin.slo.definition import Definitions, Objective
from tocsin.slo.minutes import MINUTE_S, CountSource, MinuteRange
from tocsin.slo.slices import cells_of, slice_width_s, unit_of

QUIET_MINUTES_MAX = 5  # so many good or empty minutes may lie within one stretch of bad ones


@dataclass(frozen=True, slots=True)
class BudgetImpact:
    """
    What an incident cost one objective.

    Args:
        objective: Its key.
        title: For people.
        bad: Bad events, or slices, from its beginning to its end.
        total: All of them.
        unit: `events` or `slices`.
        allowed: How many its whole window may have; None where nothing was observed.
        share: bad / allowed: the share of the budget that it spent; None where nothing was observed.
    """

    objective: str
    title: str
    bad: float
    total: float
    unit: str
    allowed: float | None
    share: float | None


class BudgetDesk(Protocol):
    """How objectives stand; `slo.desk.SloDesk` is one."""

    def budget(self, key: str, *, at: Instant | None = None) -> Budget:
        """One of them."""
        ...


class Impacts:
    """
    Measures incidents against objectives. Safe to use from several threads.

    Args:
        definitions: What the files say now.
        counts: Counts per minute.
        slos: How objectives stand.
        lookback_s: How far before an alert its first bad minute is looked for, seconds.
    """

    def __init__(self, definitions: Callable[[], Definitions], counts: CountSource, slos: BudgetDesk, *, lookback_s: float) -> None:
        self._definitions = definitions
        self._counts = counts
        self._slos = slos
        self._lookback_s = round(lookback_s)

    def objectives(self, service: str) -> list[str]:
        """Keys of a service's objectives."""
        return [objective.key for objective in self._of(service)]

    def of(self, services: Sequence[str], start: Instant, end: Instant) -> list[BudgetImpact]:
        """What [start, end) cost each objective of these services, the dearest first; begun minutes count whole."""
        within = minutes_between(start, end)
        found = [self._impact(objective, within, end) for service in services for objective in self._of(service)]
        return sorted(found, key=lambda impact: (-(impact.share or 0.0), impact.objective))

    def first_bad(self, services: Sequence[str], alerted_at: Instant) -> Instant | None:
        """The first minute of the bad stretch in which an alert began, of the objective that saw it first; None where none was bad."""
        found = [self._first_bad(objective, alerted_at) for service in services for objective in self._of(service)]
        return min((instant for instant in found if instant is not None), default=None)

    def _of(self, service: str) -> list[Objective]:
        return [one for one in self._definitions().objectives.values() if one.service == service]

    def _impact(self, objective: Objective, within: MinuteRange, end: Instant) -> BudgetImpact:
        good, total = self._cells(objective, within)
        figures = self._slos.budget(objective.key, at=end).figures
        bad = max(0.0, float((total - good).sum()))
        share = bad / figures.allowed if figures.allowed else None
        title = objective.title or objective.key
        return BudgetImpact(objective.key, title, bad, float(total.sum()), unit_of(objective.budgeting), figures.allowed or None, share)

    def _first_bad(self, objective: Objective, alerted_at: Instant) -> Instant | None:
        within = minutes_between(alerted_at - self._lookback_s * NANOSECONDS, alerted_at)
        width_s = slice_width_s(objective.budgeting)
        good, total = self._cells(objective, within)
        bad = total - good > objective.allowed_ratio * total
        index = first_of_last_stretch(bad, gap_max=max(1, QUIET_MINUTES_MAX * MINUTE_S // width_s))
        if index is None:
            return None
        return (within.start_s // width_s * width_s + index * width_s) * NANOSECONDS

    def _cells(self, objective: Objective, within: MinuteRange) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        width_s = slice_width_s(objective.budgeting)
        whole = MinuteRange(within.start_s // width_s * width_s, -(-within.end_s // width_s) * width_s)
        counts = self._counts.minutes(objective.key, whole)
        return cells_of(objective.budgeting, counts.good, counts.total)


def minutes_between(start: Instant, end: Instant) -> MinuteRange:
    """The whole minutes that [start, end) touches, at least one."""
    minute_ns = MINUTE_S * NANOSECONDS
    first = start // minute_ns
    return MinuteRange(first * MINUTE_S, max(first + 1, -(-end // minute_ns)) * MINUTE_S)


def first_of_last_stretch(bad: NDArray[np.bool_], *, gap_max: int) -> int | None:
    """
    Where the last stretch of bad cells begins; None when there is none, or when it ended more than `gap_max` cells before the end.

    Args:
        bad: Whether a cell is bad, [cells].
        gap_max: So many cells that are not bad may lie within a stretch.
    """
    places = np.flatnonzero(bad)
    if not len(places) or len(bad) - 1 - places[-1] > gap_max:
        return None
    breaks = np.flatnonzero(np.diff(places) > gap_max + 1)
    return int(places[breaks[-1] + 1] if len(breaks) else places[0])
