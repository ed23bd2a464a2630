"""
Time slices: minutes put together to slices of equal length, each of which is judged as one.

Slices lie on multiples of their length since 1970. A slice belongs to the range in which it ends, so each belongs to exactly one
of two neighbouring ranges, and the one that is still running does not count yet. A slice without events does not count.

Source: OpenSLO v1, budgetingMethod Timeslices and RatioTimeslices.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.slo.definition import Budgeting, Occurrences, Timeslices
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange

Numbers: TypeAlias = NDArray[np.float64]


def slice_width_s(budgeting: Budgeting) -> int:
    """Seconds that are counted as one: a slice's, at least a minute; a minute's where every event counts."""
    return MINUTE_S if isinstance(budgeting, Occurrences) else max(MINUTE_S, budgeting.slice_s // MINUTE_S * MINUTE_S)


def unit_of(budgeting: Budgeting) -> str:
    """What is counted: `events` or `slices`."""
    return "events" if isinstance(budgeting, Occurrences) else "slices"


def aligned(within: MinuteRange, width_s: int) -> MinuteRange:
    """The slices that end in a range: after its start, at the latest at its end."""
    return MinuteRange(within.start_s // width_s * width_s, within.end_s // width_s * width_s)


def last_whole(end_s: int, length_s: int, width_s: int) -> MinuteRange:
    """
    The last `length_s` seconds before `end_s`; where no slice may end in so short a time, the last whole slice before `end_s`.

    Args:
        end_s: Seconds since 1970, a multiple of 60.
        length_s: A multiple of 60.
        width_s: Seconds of a slice, 60 for events.
    """
    if length_s >= width_s:
        return MinuteRange(end_s - length_s, end_s)
    last_s = end_s // width_s * width_s
    return MinuteRange(last_s - width_s, last_s)


def cells_of(budgeting: Budgeting, good: Numbers, total: Numbers) -> tuple[Numbers, Numbers]:
    """
    Good and total in the objective's own unit.

    Args:
        budgeting: How events become budget.
        good: Good events per minute, [minutes], whole slices.
        total: All events per minute, [minutes].

    Returns:
        Per minute for occurrences, unchanged. Per slice otherwise: total is 1 where there was an event, good is 1 or 0, or the share
        of good events.
    """
    if isinstance(budgeting, Occurrences):
        return good, total
    width = slice_width_s(budgeting) // MINUTE_S
    events = total.reshape(-1, width).sum(axis=1)
    counts = events > 0
    ratio = np.clip(np.divide(good.reshape(-1, width).sum(axis=1), events, out=np.zeros_like(events), where=counts), 0.0, 1.0)
    if isinstance(budgeting, Timeslices):
        # 55 / 100 is the very float 0.55, whereas 0.55 * 100 is a little more than 55.
        ratio = (ratio >= budgeting.slice_target).astype(np.float64)
    return np.where(counts, ratio, 0.0), counts.astype(np.float64)


def whole_slices(counts: MinuteCounts, width_s: int) -> MinuteCounts:
    """The same minutes without those at both ends that make no whole slice."""
    first = -counts.start_s % width_s // MINUTE_S
    last = first + max(0, (len(counts.total) - first) // (width_s // MINUTE_S)) * (width_s // MINUTE_S)
    return MinuteCounts(
        counts.start_s + first * MINUTE_S,
        counts.good[first:last],
        counts.total[first:last],
        counts.excluded_good[first:last],
        counts.excluded_total[first:last],
    )
