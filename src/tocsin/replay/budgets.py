"""
What objectives say of a past: how much of a budget went in a stretch, and when so much went at once that it was an incident.

A significant event is a stretch in which the budget burned faster than it lasts, and which took more than a share of it. Stretches with
less than ten quiet minutes between them are one.

Source: Site Reliability Workbook, chapter 5: 'a significant event consumes a large fraction of the error budget'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.replay.evidence import KnownIncident
from tocsin.slo.definition import Objective
from tocsin.slo.exclusions import excluded_ranges
from tocsin.slo.figures import known_share
from tocsin.slo.minutes import MINUTE_S, CountSource, MinuteRange
from tocsin.slo.reading import MinuteReading, Want, read_minutes
from tocsin.slo.slices import aligned, slice_width_s
from tocsin.slo.window import ceil_minute, floor_minute, window_at

QUIET_S = 600  # so much quiet ends a stretch


class Budgets:
    """
    Asks objectives about the past. Safe to use from several threads.

    Args:
        objectives: Those in force, by key.
        source: Where counts are.
        exclusions: All that were decided.
    """

    def __init__(
        self, objectives: Callable[[], Mapping[str, Objective]], source: CountSource, exclusions: Callable[[], Sequence[Exclusion]]
    ) -> None:
        self._objectives = objectives
        self._source = source
        self._exclusions = exclusions

    def spent(self, key: str, start: Instant, end: Instant) -> float | None:
        """
        The share of an objective's budget that went in [start, end), 0 to 1 and more; None when there is no such objective, or no event.

        The budget is that of the window that ends then; what is not known of it is expected to have had as many events as what is.
        """
        objective = self._objectives().get(key)
        if objective is None or end <= start:
            return None if objective is None else 0.0
        stretch = MinuteRange(floor_minute(start // NANOSECONDS), ceil_minute(-(-end // NANOSECONDS)))
        window = window_at(objective.window, stretch.end_s)
        within = MinuteRange(window.start_s, max(window.elapsed_end_s, stretch.end_s))
        whole = self._read(objective, (within, stretch)).kept(within)
        progress = self._source.progress().get(key)
        excluded = excluded_ranges(objective, self._exclusions(), within)
        share = known_share(
            window,
            progress.known_from_s if progress is not None else None,
            excluded,
            observed_minutes=whole.minutes,
            width_s=slice_width_s(objective.budgeting),
        )
        budget = objective.allowed_ratio * whole.total / share if share else 0.0
        return self._read(objective, (stretch,)).kept(stretch).bad / budget if budget else None

    def significant(self, over: TimeRange, share_min: float) -> list[KnownIncident]:
        """
        Stretches in which an objective's budget burned faster than it lasts and lost more than a share of it, by their start.

        Args:
            over: The past.
            share_min: The share, 0 to 1.
        """
        found = [one for objective in self._objectives().values() for one in self._events(objective, over, share_min)]
        return sorted(found, key=lambda one: (one.start, one.name))

    def _events(self, objective: Objective, over: TimeRange, share_min: float) -> Iterator[KnownIncident]:
        within = MinuteRange(floor_minute(over.start // NANOSECONDS), floor_minute(over.end // NANOSECONDS))
        first_s, good, total = self._read(objective, (within,)).kept_cells(within)
        width_s = slice_width_s(objective.budgeting)
        bad = np.maximum(total - good, 0.0)
        burning = np.flatnonzero(bad > objective.allowed_ratio * total)
        if not len(burning):
            return
        for part in np.split(burning, np.flatnonzero(np.diff(burning) * width_s > QUIET_S) + 1):
            start, end = (first_s + int(part[0]) * width_s) * NANOSECONDS, (first_s + (int(part[-1]) + 1) * width_s) * NANOSECONDS
            spent = self.spent(objective.key, start, end)
            if spent is not None and spent > share_min:
                name = f"{objective.key} lost {spent * 100:.3g} % of its budget"
                yield KnownIncident(name, start, end, (objective.service,) if objective.service else (), objective.key)

    def _read(self, objective: Objective, ranges: tuple[MinuteRange, ...]) -> MinuteReading:
        width_s = slice_width_s(objective.budgeting)
        first_s = min(aligned(within, width_s).start_s for within in ranges)
        reach = MinuteRange(first_s, max(*(within.end_s for within in ranges), first_s + MINUTE_S))
        return read_minutes(self._source, Want(objective, ranges, excluded_ranges(objective, self._exclusions(), reach)))
