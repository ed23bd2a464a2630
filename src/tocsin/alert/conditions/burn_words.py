"""
What a burn-rate condition found, in a sentence with its numbers.

    burns 33.3x over 1 h and 40x over 5 min (more than 14.4x is too fast): 214 of 9,870 events bad; a full 30-day budget lasts 21 h 36 min
"""

from __future__ import annotations

from tocsin.alert.definition import BurnPair
from tocsin.slo.definition import Objective, RollingWindow, Window
from tocsin.slo.reading import Tally
from tocsin.slo.slices import unit_of
from tocsin.slo.words import count_words, duration_words, span_words

PERIODS = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}
# In days, as they are on average: for how long a budget lasts, not for where a period begins.
UNIT_DAYS = {"d": 1.0, "w": 7.0, "M": 30.436875, "Q": 91.310625, "Y": 365.2425}
DAY_S = 86_400


def window_length_s(window: Window) -> float:
    """How long an objective's window is, seconds; of a calendar's the mean."""
    return float(window.duration_s) if isinstance(window, RollingWindow) else window.count * UNIT_DAYS[window.unit] * DAY_S


def burn_note(objective: Objective, pair: BurnPair, long: Tally, rate: float, short_rate: float) -> str:
    """The sentence for a pair of windows that burns too fast."""
    lasts = duration_words(window_length_s(objective.window) / rate)
    return (
        f"burns {rate:.3g}x over {duration_words(pair.long_s)} and {short_rate:.3g}x over {duration_words(pair.short_s)} "
        f"(more than {pair.factor:.4g}x is too fast): {count_words(long.bad)} of {count_words(long.total)} {unit_of(objective.budgeting)} "
        f"bad; at this rate a full {_budget_name(objective.window)} budget lasts {lasts}"
    )


def _budget_name(window: Window) -> str:
    if isinstance(window, RollingWindow):
        return span_words(window.duration_s)
    return f"{PERIODS[window.unit]}'s" if window.count == 1 else f"{window.count}-{PERIODS[window.unit]}"
