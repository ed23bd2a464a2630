"""Objectives that the engine refuses to count: set aside for a while, so that one wrong query does not hold up all others."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tocsin.clock import Clock
from tocsin.slo.counting.plans import Plan

AGAIN_S = 600.0  # after so long it is tried again: a timeout may have been the moment's fault

log = logging.getLogger("tocsin.slo.counting.refusals")


class Refusals:
    """
    Which objectives are set aside, and why.

    Args:
        clock: For how long.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused: dict[str, tuple[str, float, str]] = {}

    def refuse(self, plan: Plan, error: Exception) -> None:
        """Set an objective aside."""
        self._refused[plan.key] = (plan.revision, self._clock.monotonic_s(), str(error))
        log.error("objective %s (%s) can't be counted: %s", plan.key, plan.objective.place or "no place", error)

    def usable(self, plans: Sequence[Plan]) -> list[Plan]:
        """Those that are not set aside."""
        return [plan for plan in plans if not self._holds(plan)]

    def reasons(self) -> dict[str, str]:
        """Why, by the objective's key."""
        return {key: why for key, (_, _, why) in list(self._refused.items())}  # other threads ask while the keeper writes

    def forget_others(self, plans: Sequence[Plan]) -> None:
        """Forget those that are not among the plans, count something else by now, or waited long enough."""
        held = {plan.key for plan in plans if self._holds(plan)}
        self._refused = {key: entry for key, entry in self._refused.items() if key in held}

    def _holds(self, plan: Plan) -> bool:
        if plan.key not in self._refused:
            return False
        revision, since_s, _ = self._refused[plan.key]
        return revision == plan.revision and self._clock.monotonic_s() - since_s < AGAIN_S
