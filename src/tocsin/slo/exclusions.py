"""
What planned exclusions by time take out of a window: whole minutes, `start` rounded down, `end` up.

Exclusions with a query are not looked at here: they apply when events are counted, and stand in columns of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.definition import Objective
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange
from tocsin.slo.window import ceil_minute, floor_minute


def time_exclusions(objective: Objective, exclusions: Iterable[Exclusion]) -> list[Exclusion]:
    """Those that take time out of this objective's window."""
    return [exclusion for exclusion in exclusions if not exclusion.query and exclusion.applies_to(objective.slo, objective.service)]


def query_exclusions(objective: Objective, exclusions: Iterable[Exclusion]) -> list[Exclusion]:
    """Those that take events out of this objective's counts."""
    return [exclusion for exclusion in exclusions if exclusion.query and exclusion.applies_to(objective.slo, objective.service)]


def exclusion_range(exclusion: Exclusion, within: MinuteRange) -> MinuteRange | None:
    """The minutes of `within` that an exclusion takes out, None when there are none."""
    start_s = within.start_s if exclusion.start is None else floor_minute(exclusion.start // NANOSECONDS)
    end_s = within.end_s if exclusion.end is None else ceil_minute(-(-exclusion.end // NANOSECONDS))
    clipped = MinuteRange(max(start_s, within.start_s), min(end_s, within.end_s))
    return clipped if clipped.start_s < clipped.end_s else None


def excluded_ranges(objective: Objective, exclusions: Iterable[Exclusion], within: MinuteRange) -> tuple[MinuteRange, ...]:
    """What is taken out of `within`, in order; ranges that touch or overlap are one."""
    found = [exclusion_range(exclusion, within) for exclusion in time_exclusions(objective, exclusions)]
    merged: list[MinuteRange] = []
    for piece in sorted((piece for piece in found if piece), key=lambda piece: piece.start_s):
        if merged and piece.start_s <= merged[-1].end_s:
            merged[-1] = MinuteRange(merged[-1].start_s, max(merged[-1].end_s, piece.end_s))
        else:
            merged.append(piece)
    return tuple(merged)


def minutes_in(within: MinuteRange, ranges: Sequence[MinuteRange]) -> int:
    """How many minutes of `within` lie in disjoint ranges."""
    return sum(max(0, min(piece.end_s, within.end_s) - max(piece.start_s, within.start_s)) for piece in ranges) // MINUTE_S


def mask_of(counts: MinuteCounts, ranges: Iterable[MinuteRange]) -> NDArray[np.bool_]:
    """Which of the minutes lie in one of the ranges, [minutes]."""
    mask = np.zeros(len(counts.total), dtype=np.bool_)
    for piece in ranges:
        first, last = (max(0, (edge_s - counts.start_s) // MINUTE_S) for edge_s in (piece.start_s, piece.end_s))
        mask[first:last] = True
    return mask
