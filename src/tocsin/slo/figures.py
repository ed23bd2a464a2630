"""
A budget in numbers: how many may be bad, how many are, what is left; in events (or slices) and in minutes.

    target 99.9 %, 30 days, all of it known: of 1,000,000 events 1,000 may be bad; that is 43.2 minutes of total failure
    day 15 of a month, 35 bad minutes of 21,600: the month is expected to bring 43,200, so 43.2 may be bad and 8.2 are left
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from tocsin.model.budget import CountProgress
from tocsin.slo.answers import BudgetFigures
from tocsin.slo.exclusions import minutes_in
from tocsin.slo.minutes import MINUTE_S, MinuteRange
from tocsin.slo.reading import Tally
from tocsin.slo.slices import aligned
from tocsin.slo.window import WindowAt


def figures_of(tally: Tally, *, allowed_ratio: float, share: float, window_minutes: int, unit: str) -> BudgetFigures:
    """
    The arithmetic of one budget.

    Args:
        tally: What was counted in the window so far.
        allowed_ratio: Share that may be bad, above 0.
        share: Share of the window that the counts stand for, above 0 and at most 1.
        window_minutes: Minutes of the whole window.
        unit: `events` or `slices`.
    """
    budget_minutes = allowed_ratio * window_minutes
    if tally.total <= 0:
        return BudgetFigures(unit, tally.good, tally.bad, 0.0, None, 0.0, None, None, None, budget_minutes, None, None)
    allowed = _snapped(allowed_ratio * tally.total / share)
    # Divided in this order: 29 / 100 is the very float 0.29, so spending exactly all of it gives exactly 1.
    consumed = tally.bad / tally.total / allowed_ratio * share
    return BudgetFigures(
        unit=unit,
        good=tally.good,
        bad=tally.bad,
        total=tally.total,
        sli=(tally.total - tally.bad) / tally.total,
        allowed=allowed,
        consumed_ratio=consumed,
        remaining_ratio=1.0 - consumed,
        remaining=allowed - tally.bad,
        budget_minutes=budget_minutes,
        consumed_minutes=consumed * budget_minutes,
        remaining_minutes=(1.0 - consumed) * budget_minutes,
    )


def known_minutes(within: MinuteRange, known_from_s: int | None, excluded: Sequence[MinuteRange]) -> int:
    """Minutes of a range that were counted: since counting began, less what exclusions by time take out."""
    if known_from_s is None or known_from_s >= within.end_s:
        return 0
    known = MinuteRange(max(within.start_s, known_from_s), within.end_s)
    return (known.end_s - known.start_s) // MINUTE_S - minutes_in(known, excluded)


def recounted_ratio(within: MinuteRange, progress: CountProgress | None) -> float:
    """
    Share of what is known of a range that was counted under the present definition, 0 to 1.

    It is below 1 only while an objective that was counted before is counted anew: `counted_from_s` then lies after `known_from_s`, and
    minutes between them hold what was counted before.
    """
    if progress is None or progress.backfilled:
        return 1.0
    known_s = max(within.start_s, progress.known_from_s)
    if not known_s < min(progress.counted_from_s, within.end_s):
        return 1.0
    return max(0, within.end_s - progress.counted_from_s) / (within.end_s - known_s)


def is_complete(within: MinuteRange, progress: CountProgress | None) -> bool:
    """Whether what is stored of a range was counted, under any definition: not so while an objective is counted for the first time."""
    if progress is None or progress.backfilled or progress.known_from_s < progress.counted_from_s:
        return True
    return progress.counted_from_s <= within.start_s


def known_share(
    window: WindowAt, known_from_s: int | None, excluded: Sequence[MinuteRange], *, observed_minutes: int, width_s: int
) -> float:
    """
    Share of a window that its counts stand for.

    Args:
        window: Where it lies.
        known_from_s: First minute that was counted, seconds since 1970; None when nothing was.
        excluded: What exclusions by time take out of it. They are not a part of the window here: with all else known, the share is 1.
        observed_minutes: Minutes with events; they are what is known where nobody kept since when it was counted.
        width_s: Seconds of a slice, 60 for events.

    Returns:
        Above 0 and at most 1; 1 when nothing is known, so that one may divide by it.
    """
    past, whole = aligned(window.elapsed, width_s), aligned(window.whole, width_s)
    size = (whole.end_s - whole.start_s) // MINUTE_S - minutes_in(whole, excluded)
    known = observed_minutes if known_from_s is None else known_minutes(past, known_from_s, excluded)
    return min(1.0, known / size) if known > 0 and size > 0 else 1.0


def _snapped(allowed: float) -> float:
    """Whole where it is whole but for rounding: 0.29 * 100 is a hair less than 29, and 'none left' must not read as a tiny debt."""
    return float(round(allowed)) if isclose(allowed, round(allowed), rel_tol=1e-12) else allowed
