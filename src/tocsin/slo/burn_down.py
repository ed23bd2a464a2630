"""The burn-down of a budget, for a chart: how much of this window's budget was left after each step of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.slo.budget import figures_at, place
from tocsin.slo.definition import Objective
from tocsin.slo.minutes import CountSource
from tocsin.slo.reading import read_minutes
from tocsin.slo.slices import slice_width_s

POINTS_MAX = 5000


@dataclass(frozen=True, slots=True)
class BurnDownPoint:
    """How much was left at an instant, as a share of the whole budget: 1 at first, may be negative. None while nothing was known."""

    at: Instant
    remaining_ratio: float | None


def burn_down(
    objective: Objective, source: CountSource, at: Instant, exclusions: Sequence[Exclusion] = (), points: int = 500
) -> list[BurnDownPoint]:
    """
    How a budget went down.

    The whole budget is what it is at the end: bad events up to a step, over what the whole window allows as it is known now. So the last
    point is what `judge_budgets` says, and a chart does not rise when traffic does.

    Args:
        objective: Whose.
        source: Where its counts are.
        at: At which instant.
        exclusions: All that were decided.
        points: At most how many points, 2 to 5000.

    Returns:
        Points at equal distances, the first at the window's start, the last at the end of what has passed of it.

    Raises:
        InvalidInput: So many points are not drawn.
    """
    if not 2 <= points <= POINTS_MAX:
        raise InvalidInput(f"a burn-down has 2 to {POINTS_MAX} points, not {points}")
    placed = place(objective, at, exclusions, source.progress(), windows=())
    elapsed, width_s = placed.window.elapsed, slice_width_s(objective.budgeting)
    reading = read_minutes(source, placed.want)
    allowed = figures_at(placed, reading.kept(elapsed), excluded=placed.excluded).allowed
    first_s, good, total = reading.kept_cells(elapsed)
    spent = np.concatenate(([0.0], np.maximum(np.cumsum(total - good), 0.0)))
    elapsed_s = elapsed.end_s - elapsed.start_s
    step_s = max(width_s, -(-elapsed_s // (points - 1) // width_s) * width_s)
    steps = [*range(elapsed.start_s, elapsed.end_s, step_s), elapsed.end_s]
    known_s = elapsed.end_s if placed.known_from_s is None else placed.known_from_s
    return [
        BurnDownPoint(
            step * NANOSECONDS,
            1.0 - float(spent[min(len(spent) - 1, max(0, (step - first_s) // width_s))]) / allowed if allowed and step >= known_s else None,
        )
        for step in steps
    ]
