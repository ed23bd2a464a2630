"""
Budgets in words, for a person at night.

    at this rate (14.2x over 1 h) the 30-day budget is gone in 15 h 43 min; 31 % left (13.4 of 43.2 minutes);
    214 bad of 309,400; counted 100 % of the window

What matters most stands first: how long it lasts. Then what is left, what was counted, what was excluded, and how much of the window
all that rests on. Numbers are rounded, but never to nought or to the whole: `under 0.1 %`, `over 99.9 %`.
"""

from __future__ import annotations

from datetime import timedelta
from math import floor

from tocsin.model.instant import EPOCH, NANOSECONDS, Instant
from tocsin.slo.answers import Budget, BudgetFigures, Coverage
from tocsin.slo.burn import present_rate
from tocsin.slo.definition import CalendarWindow, Objective, Occurrences, Window
from tocsin.slo.minutes import MINUTE_S
from tocsin.slo.slices import slice_width_s

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
LONG_S = 366 * 86_400  # beyond that a forecast says 'more than a year'
PERIODS = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}


def budget_sentence(budget: Budget, objective: Objective) -> str:
    """All of a budget in one sentence; `budget.sentence` itself is not read."""
    figures = budget.figures
    if figures.consumed_ratio is None or figures.remaining_ratio is None:
        parts = [_nothing(budget, objective), f"the budget is {minutes_words(figures.budget_minutes)} minutes"]
    else:
        parts = [_lead(budget, objective), _standing(figures, figures.remaining_ratio), _counted(figures, objective)]
    return "; ".join(part for part in [*parts, _exclusions(budget), _coverage(budget), recount_words(budget.coverage)] if part)


def recount_words(coverage: Coverage) -> str:
    """`being counted anew since what is counted changed: 40 % done`, or that it is for the first time; empty when neither is so."""
    if not coverage.recounting:
        return "" if coverage.complete else "what is older is still being counted for the first time"
    return f"being counted anew since what is counted, or an exclusion, changed: {floor(coverage.recounted_ratio * 100)} % done"


def window_words(window: Window) -> str:
    """`the 30-day budget`, `this month's budget`, `the budget of these 2 weeks`: whose budget a sentence is about."""
    if not isinstance(window, CalendarWindow):
        return f"the {span_words(window.duration_s)} budget"
    period = PERIODS[window.unit]
    return f"this {period}'s budget" if window.count == 1 else f"the budget of these {window.count} {period}s"


def span_words(seconds: int) -> str:
    """A length of time as an adjective: `30-day`, `6-hour`, `90-minute`."""
    for size_s, name in ((86_400, "day"), (3600, "hour")):
        if seconds % size_s == 0:
            return f"{seconds // size_s}-{name}"
    return f"{-(-seconds // 60)}-minute"


def duration_words(seconds: float) -> str:
    """A length of time in its two largest units: `2 d 2 h`, `3 h 5 min`, `12 min`, `40 s`; rounded to the smaller one."""
    if seconds < 1:
        return "less than a second" if seconds > 0 else "0 s"
    if seconds > LONG_S:
        return "more than a year"
    for (size_s, name), (small_s, small_name) in zip(UNITS, (*UNITS[1:], UNITS[-1]), strict=True):
        rounded = round(seconds / small_s) * small_s
        if rounded >= size_s:
            whole, rest = divmod(rounded, size_s)
            return f"{whole} {name} {rest // small_s} {small_name}" if rest else f"{whole} {name}"
    return "less than a second"


def percent_words(ratio: float) -> str:
    """A share as a percentage: `31 %`, `4.2 %`, `-12 %`; what is neither nothing nor everything never reads so."""
    percent = ratio * 100
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    if abs(percent) < 10 or 99 <= abs(percent) <= 101:
        return f"{_trimmed(percent, 1)} %"
    return f"{percent:,.0f} %"


def count_words(number: float) -> str:
    """A number of events: `9,870`, `0.5`; a decimal only where it isn't whole."""
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"


def minutes_words(minutes: float) -> str:
    """Minutes without their unit: `43.2`, `0.43`, `432`; as many decimals as still mean something."""
    if abs(minutes) >= 100:
        return f"{minutes:,.0f}"
    return _trimmed(minutes, 1 if abs(minutes) >= 1 else 2)


def rate_words(rate: float) -> str:
    """A burn rate: `14.2x`, `0.4x`, `720x`."""
    if 0 < rate < 0.05:
        return "under 0.1x"
    return f"{rate:,.0f}x" if rate >= 100 else f"{_trimmed(rate, 1)}x"


def minute_words(at: Instant) -> str:
    """An instant to the minute: `2026-11-06 04:00 UTC`."""
    return f"{EPOCH + timedelta(seconds=at // NANOSECONDS):%Y-%m-%d %H:%M} UTC"


def _trimmed(number: float, decimals: int) -> str:
    text = f"{number:,.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _nothing(budget: Budget, objective: Objective) -> str:
    whose = window_words(objective.window)
    if budget.coverage.elapsed_minutes == 0:
        return f"{whose} has just begun"
    if budget.excluded_minutes and budget.without_exclusions.total:
        return f"all that {whose} is about was excluded, so it is neither met nor missed"
    if budget.coverage.known_minutes == 0:
        return f"nothing is counted yet for {whose}, so it is neither met nor missed"
    return f"no events for {whose}, so it is neither met nor missed"


def _lead(budget: Budget, objective: Objective) -> str:
    whose = window_words(objective.window)
    present = present_rate(
        budget.burn_rates,
        budget.figures,
        allowed_ratio=objective.allowed_ratio,
        elapsed_s=budget.coverage.elapsed_minutes * MINUTE_S,
    )
    rate = present.rate if present else 0.0
    over = duration_words(present.over_s) if present else ""
    if budget.exhausted_in_s == 0:
        still = f" and still goes at {rate_words(rate)} over {over}" if rate > 1 else ""
        return f"{whose} is spent{still}{_anew(budget, objective.window)}"
    if budget.exhausted_in_s is not None:
        return f"at this rate ({rate_words(rate)} over {over}) {whose} is gone in {duration_words(budget.exhausted_in_s)}"
    if rate == 0:
        return f"nothing bad for {over}, {whose} lasts"
    return f"at this rate ({rate_words(rate)} over {over}) {whose} lasts"


def _anew(budget: Budget, window: Window) -> str:
    """When a calendar window brings a new budget."""
    left_s = (budget.coverage.window_minutes - budget.coverage.elapsed_minutes) * MINUTE_S
    return f", a new one begins in {duration_words(left_s)}" if isinstance(window, CalendarWindow) else ""


def _standing(figures: BudgetFigures, remaining_ratio: float) -> str:
    whole = minutes_words(figures.budget_minutes)
    if remaining_ratio > 0:
        return f"{percent_words(remaining_ratio)} left ({minutes_words(figures.remaining_minutes or 0.0)} of {whole} minutes)"
    return f"{percent_words(1.0 - remaining_ratio)} used ({minutes_words(figures.consumed_minutes or 0.0)} of {whole} minutes)"


def _counted(figures: BudgetFigures, objective: Objective) -> str:
    if isinstance(objective.budgeting, Occurrences):
        return f"{count_words(figures.bad)} bad of {count_words(figures.total)}"
    width = duration_words(slice_width_s(objective.budgeting))
    return f"{count_words(figures.bad)} bad of {count_words(figures.total)} slices of {width}"


def _exclusions(budget: Budget) -> str:
    without = budget.without_exclusions
    if not budget.excluded_minutes and without == budget.figures:
        return ""
    minutes = f"{duration_words(budget.excluded_minutes * MINUTE_S)} excluded" if budget.excluded_minutes else "some events excluded"
    if without.remaining_ratio is None:
        return minutes
    if without.remaining_ratio < 0:
        return f"{minutes}, else {percent_words(1.0 - without.remaining_ratio)} would be used"
    return f"{minutes}, else {percent_words(without.remaining_ratio)} would be left"


def _coverage(budget: Budget) -> str:
    coverage = budget.coverage
    if coverage.elapsed_minutes == 0:
        return ""
    what = "the window" if coverage.elapsed_minutes == coverage.window_minutes else "what has passed of the window"
    young = coverage.known_from is not None and coverage.known_from > budget.window_start
    since = f", since {minute_words(coverage.known_from)}" if young and coverage.known_from is not None else ""
    return f"counted {percent_words(coverage.ratio)} of {what}{since}"
