"""
Burn rates: how fast a budget goes. 1 spends exactly all of it in a window; 2 in half of one.

    2 of 43.2 minutes in an hour: 2 / 43.2 * 720 h = 33.3; a full budget is gone in 30 d / 33.3 = 21.6 h

Source: Site Reliability Workbook, chapter 5: burn rate = bad / total / (1 - target).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.slo.answers import BudgetFigures, BurnRate
from tocsin.slo.reading import Tally

BURN_WINDOWS_S = (300, 1800, 3600, 7200, 21_600, 86_400, 259_200)  # 5m, 30m, 1h, 2h, 6h, 1d, 3d
PRESENT_WINDOWS_S = (3600, 21_600, 86_400)  # which of them says what 'the present rate' is: the first with events


@dataclass(frozen=True, slots=True)
class PresentRate:
    """
    The burn rate that a forecast goes by.

    Args:
        rate: Budgets per window.
        over_s: Seconds that it was observed over.
    """

    rate: float
    over_s: int


def burn_rate(bad: float, total: float, allowed_ratio: float) -> float | None:
    """
    How fast a budget goes.

    Args:
        bad: Bad events or slices, >= 0.
        total: All of them, >= 0.
        allowed_ratio: Share that may be bad, above 0.

    Returns:
        Budgets per window, >= 0; None without events, which is no observation.
    """
    return bad / total / allowed_ratio if total > 0 else None


def burn_over(window_s: int, tally: Tally, *, allowed_ratio: float, coverage: float) -> BurnRate:
    """The burn rate over the last `window_s` seconds, of which the share `coverage` was counted, 0 to 1."""
    return BurnRate(window_s, burn_rate(tally.bad, tally.total, allowed_ratio), tally.bad, tally.total, coverage)


def present_rate(burn_rates: Sequence[BurnRate], figures: BudgetFigures, *, allowed_ratio: float, elapsed_s: int) -> PresentRate | None:
    """The rate over the last hour, without events there over 6 h, then over a day, then over what passed of the window; else None."""
    by_window = {burn.window_s: burn.rate for burn in burn_rates}
    for window_s in PRESENT_WINDOWS_S:
        rate = by_window.get(window_s)
        if rate is not None:
            return PresentRate(rate, window_s)
    rate = burn_rate(figures.bad, figures.total, allowed_ratio)
    return None if rate is None else PresentRate(rate, elapsed_s)


def exhausted_in_s(remaining_ratio: float, rate: float, *, window_s: int, left_s: int | None) -> float | None:
    """
    Seconds until a budget is gone at a steady rate.

    Args:
        remaining_ratio: Share of the budget that is left, may be negative.
        rate: Burn rate, >= 0.
        window_s: Length of the whole window, seconds.
        left_s: Seconds until a calendar window ends and its budget starts anew; None for a rolling window.

    Returns:
        0 when nothing is left. None when it lasts: in a calendar window, to its end; in a rolling window for ever, which a rate of 1 or
        less does because what it spends comes back as the window moves on. What comes back of earlier spending is not reckoned
        with, so a rolling budget may last longer than this says, never shorter.
    """
    if remaining_ratio <= 0:
        return 0.0
    if rate <= 0 or (left_s is None and rate <= 1):
        return None
    gone_s = remaining_ratio * window_s / rate
    return None if left_s is not None and gone_s >= left_s else gone_s
