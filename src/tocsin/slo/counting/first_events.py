"""
Since when an objective whose every minute is an observation has any: since its first event.

Before it the stream may not have been there, so nothing can be said; from it on silence is bad. An event that is stored says it, and so
does a minute that was counted as an observation, which outlives the events.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tocsin.model.budget import CountProgress
from tocsin.slo.counting.plans import Plan
from tocsin.slo.minutes import MINUTE_S
from tocsin.store.count_events import Minutes, first_event_s, table_of
from tocsin.store.engine import Engine
from tocsin.store.slo_minutes import oldest_observation_s

NEVER_S = 2**32 // MINUTE_S * MINUTE_S  # after everything that can be stored


class FirstEvents:
    """
    Remembers the first minute of each objective; what a pass found holds once the pass is settled.

    Args:
        engine: Where events and counts are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first_s: dict[str, int] = {}
        self._found_s: dict[str, int] = {}

    def forget(self, objective: str) -> None:
        """Look anew; called when the objective begins anew."""
        self._first_s.pop(objective, None)
        self._found_s.pop(objective, None)

    def begin(self) -> None:
        """A pass begins: what one that failed found is found again."""
        self._found_s = {}

    def settle(self) -> None:
        """What this pass found is counted."""
        self._first_s.update(self._found_s)
        self._found_s = {}

    def of(self, objective: str) -> int:
        """The first minute that is an observation, seconds since 1970; `NEVER_S` while there is none, 0 where nobody looked."""
        return self._found_s.get(objective, self._first_s.get(objective, 0))

    def look(self, plan: Plan, progress: CountProgress, touched: AbstractSet[int]) -> Minutes:
        """
        Find the first minute.

        Args:
            plan: Of an objective whose minutes are observations.
            progress: How far it is counted.
            touched: Minutes in which anything of its stream arrived.

        Returns:
            Minutes that are observations since this call, whether or not anything arrived in them; empty mostly.

        Raises:
            InvalidInput, Timeout: The engine can't tell.
        """
        before_s = self._first_s[plan.key] if plan.key in self._first_s else self._counted_s(plan, progress)
        first_s = before_s
        if plan.key not in self._first_s and before_s > progress.counted_from_s:
            first_s = self._event_s(plan, 0 if before_s == NEVER_S else progress.counted_from_s, before_s)
        if touched:
            first_s = self._event_s(plan, min(touched), first_s)
        self._found_s[plan.key] = first_s
        return Minutes(max(first_s, progress.counted_from_s), before_s)

    def _counted_s(self, plan: Plan, progress: CountProgress) -> int:
        found_s = oldest_observation_s(self._engine, plan.key, progress.counted_from_s)
        return NEVER_S if found_s is None else found_s

    def _event_s(self, plan: Plan, from_s: int, before_s: int) -> int:
        """The minute of the first event in a range; its end when there is none."""
        if from_s >= before_s:
            return before_s
        stream = plan.streams[0]
        within = Minutes(from_s, before_s)
        found_s = first_event_s(self._engine, table_of(stream.signal), stream.events, services=stream.services, within=within)
        return before_s if found_s is None else found_s
