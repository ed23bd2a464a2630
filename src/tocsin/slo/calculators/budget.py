"""
Calculators of error budgets: how much there is, how fast it goes, when an alert would say so, and whether a risk fits.

    burn rate      = share of the budget spent / share of the window that passed = error ratio / (1 - target)
    time to fire   = (1 - target) / error ratio x window x burn rate
    spent by then  = burn rate x window / period

Source: SRE Workbook, ch. 5 ('Alerting on SLOs').
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tocsin.errors import InvalidInput
from tocsin.slo.calculators.calculation import Minutes, Quantity, Share, Target, WindowDays, bad_share, checked

HOURS_PER_DAY = 24
MINUTES_PER_DAY = 24 * 60

Events = Annotated[float, Quantity("Events in the whole window; 0 when they are not to be counted.", 0)]
ElapsedDays = Annotated[float, Quantity("How much of the window has passed, days; 0 when that is not to be judged.", 0, 36_500)]
ConsumedMinutes = Annotated[float, Quantity("Minutes of total failure, or as much as parts of it come to.", 0)]
OverMinutes = Annotated[float, Quantity("The time in which they were consumed, minutes.", 0, low_open=True)]
Burn = Annotated[float, Quantity("How many times faster than allowed the budget goes.", 0, low_open=True)]
Days = Annotated[float, Quantity("In how many days the whole budget is spent.", 0, 36_500, low_open=True)]
Hours = Annotated[float, Quantity("The alert's long window, hours.", 0, 876_000, low_open=True)]
ErrorRatio = Annotated[float, Quantity("The share of bad events while it lasts; 1 is a total failure.", 0, 1, low_open=True)]


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """
    How much may be bad.

    Args:
        bad_ratio: The share: 1 - target.
        budget_minutes: Minutes of total failure.
        budget_events: Bad events; None when no events were given.
        note: What the minutes mean.
    """

    bad_ratio: float
    budget_minutes: float
    budget_events: float | None
    note: str


@checked
def error_budget(target: Target, window_days: WindowDays = 30, events: Events = 0) -> ErrorBudget:
    """
    How large is the error budget?

    99.9 % over 30 days: 43,200 minutes x 0.001 = 43.2 minutes; of 10 million events 10,000.
    """
    bad = bad_share(target)
    minutes = window_days * MINUTES_PER_DAY * bad
    note = f"{minutes:.4g} minutes of total failure, or twice as many of half of it."
    return ErrorBudget(bad, minutes, events * bad if events else None, note)


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """
    What is left of a budget.

    Args:
        budget_minutes: The whole budget.
        remaining_minutes: What is left; below 0 when it is overspent.
        remaining_ratio: The same as a share of the whole.
        consumed_ratio: What is spent, as a share.
        burn_rate: How fast it went so far; None when nothing is said of how much time passed.
        exhausted_in_days: When nothing is left at that pace; None when it lasts for the window, or nothing is said; 0 when it is spent.
        note: The same in words.
    """

    budget_minutes: float
    remaining_minutes: float
    remaining_ratio: float
    consumed_ratio: float
    burn_rate: float | None
    exhausted_in_days: float | None
    note: str


@checked
def budget_left(
    target: Target, consumed_minutes: ConsumedMinutes, window_days: WindowDays = 30, elapsed_days: ElapsedDays = 0
) -> BudgetLeft:
    """
    What is left, after so much downtime?

    35 of 43.2 minutes spent on day 15 of 30: 8.2 minutes left (19 %), a pace of 1.62x that lasts for another 3.5 days.
    10 of 43.2 spent: 33.2 left, 76.9 % (usually printed as 77 %).
    """
    if elapsed_days > window_days:
        raise InvalidInput(
            f"elapsed_days must be 0 to {window_days:g}, the days of the window: found {elapsed_days:g}; all of a rolling one has passed"
        )
    budget = window_days * MINUTES_PER_DAY * bad_share(target)
    left, consumed = budget - consumed_minutes, consumed_minutes / budget
    burn = consumed / (elapsed_days / window_days) if elapsed_days else None
    exhausted = None
    if burn:
        days = max(0.0, left) / consumed_minutes * elapsed_days
        exhausted = days if days < window_days - elapsed_days or left <= 0 else None
    words = (
        f"{left:.4g} of {budget:.4g} minutes are left" if left >= 0 else f"The budget of {budget:.4g} minutes is overspent by {-left:.4g}"
    )
    pace = "" if burn is None else f", spent at {burn:.3g}x" + (f": gone in {exhausted:.3g} days" if exhausted else "")
    return BudgetLeft(budget, left, left / budget, consumed, burn, exhausted, f"{words}{pace}.")


@dataclass(frozen=True, slots=True)
class Burning:
    """
    How fast a budget goes.

    Args:
        burn_rate: 1 spends exactly the whole budget in the window.
        exhausted_in_hours: When a whole budget would be gone; None when nothing is consumed.
        exhausted_in_days: The same in days.
        share_of_budget: What was consumed, as a share of the whole.
        note: The same in words.
    """

    burn_rate: float
    exhausted_in_hours: float | None
    exhausted_in_days: float | None
    share_of_budget: float
    note: str


@checked
def burn_rate(target: Target, consumed_minutes: ConsumedMinutes, over_minutes: OverMinutes, window_days: WindowDays = 30) -> Burning:
    """
    How fast does the budget go that lost so much in such a time?

    2 of 43.2 minutes within an hour: (2 / 43.2) x 720 = 33.3x, and a whole budget is gone in 30 days / 33.3 = 21.6 hours.
    A whole budget within an hour: 720x.
    """
    share = consumed_minutes / (window_days * MINUTES_PER_DAY * bad_share(target))
    rate = share * window_days * MINUTES_PER_DAY / over_minutes
    hours = window_days * HOURS_PER_DAY / rate if rate else None
    highest = 1 / bad_share(target)
    words = f"{rate:.4g}x" + (f": a whole budget is gone in {hours:.4g} hours." if hours else ": nothing is consumed.")
    odd = f" More than {highest:.4g}x can't be: the time would have to be longer than it is." if rate > highest * (1 + 1e-9) else ""
    return Burning(rate, hours, hours / HOURS_PER_DAY if hours else None, share, words + odd)


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """
    How long a budget lasts.

    Args:
        burn_rate: At which rate.
        days: Until what is left is gone.
        hours: The same in hours.
        note: The same in words, with the rounding that is in use.
    """

    burn_rate: float
    days: float
    hours: float
    note: str


@checked
def exhaustion(burn_rate: Burn, window_days: WindowDays = 30, remaining: Share = 1.0) -> Exhaustion:
    """
    How long does what is left of a budget last at a burn rate?

    14.4x: 50 hours, 2.08 days (usually printed as 2); 6x: 5 days; 3x: 10 days; 1x: 30 days. 33.3x: 21.6 hours.
    """
    days = window_days * remaining / burn_rate
    return Exhaustion(
        burn_rate, days, days * HOURS_PER_DAY, f"{remaining:.4g} of the budget lasts {days:.4g} days ({days * HOURS_PER_DAY:.4g} hours)."
    )


@checked
def burn_rate_of_exhaustion(days: Days, window_days: WindowDays = 30) -> Exhaustion:
    """
    Which burn rate spends a whole budget in so many days?

    A month's in an hour (0.0417 days): 720x; in 3 days: 10x; in 10 days: 3x.
    """
    rate = window_days / days
    return Exhaustion(rate, days, days * HOURS_PER_DAY, f"{rate:.4g}x spends a budget of {window_days:g} days in {days:.4g}.")


@dataclass(frozen=True, slots=True)
class AlertWindow:
    """
    What a burn-rate alert sees.

    Args:
        reachable: Whether anything at all can make it fire.
        highest_burn_rate: Of a total failure: 1 / (1 - target).
        error_ratio_needed: The share of bad events above which it fires.
        detection_s: Seconds from the start of the failure until it fires; None when this error ratio never makes it fire.
        budget_spent: Share of the budget that is gone when it fires; of a failure that is too weak for it, None.
        note: The same in words.
    """

    reachable: bool
    highest_burn_rate: float
    error_ratio_needed: float
    detection_s: float | None
    budget_spent: float | None
    note: str


@checked
def alert_window(
    target: Target, burn_rate: Burn, long_window_hours: Hours, window_days: WindowDays = 30, error_ratio: ErrorRatio = 1.0
) -> AlertWindow:
    """
    When does an alert on a burn rate fire, and what is spent by then?

    99.9 %, 14.4x over an hour, total failure: after 51.84 seconds, 2 % of the budget. 6x over 6 hours: 129.6 seconds, 5 %.
    With 90 % a total failure burns 10x: an alert on 14.4x can never fire.
    """
    bad = bad_share(target)
    highest, needed = 1 / bad, burn_rate * bad
    reachable = burn_rate <= highest * (1 + 1e-12)
    if not reachable or error_ratio < needed * (1 - 1e-12):
        why = f"even a total failure burns only {highest:.4g}x" if not reachable else f"it takes {needed:.4g} of the events to be bad"
        return AlertWindow(reachable, highest, needed, None, None, f"It never fires: {why}.")
    seconds = bad / error_ratio * long_window_hours * 3600 * burn_rate
    spent = burn_rate * long_window_hours / (window_days * HOURS_PER_DAY)
    return AlertWindow(
        True, highest, needed, seconds, spent, f"It fires after {seconds:.4g} seconds, when {spent:.2%} of the budget is spent."
    )


@dataclass(frozen=True, slots=True)
class RiskDecision:
    """
    Whether a risk fits into what is left.

    Args:
        proceed: It fits, even in the worst case.
        remaining_minutes: What is left before.
        expected_cost_minutes: Risk times probability.
        expected_left_minutes: What is left on average.
        worst_left_minutes: What is left in the worst case; below 0 when it does not fit.
        note: The same in words.
    """

    proceed: bool
    remaining_minutes: float
    expected_cost_minutes: float
    expected_left_minutes: float
    worst_left_minutes: float
    note: str


@checked
def risk_decision(
    target: Target, consumed_minutes: ConsumedMinutes, risk_minutes: Minutes, probability: Share = 1.0, window_days: WindowDays = 30
) -> RiskDecision:
    """
    Should a migration be done now that may cost so much?

    10 of 43.2 minutes spent, 15 at risk with 30 %: yes; 4.5 are expected (28.7 left), the worst case leaves 18.2.
    35.2 spent, 8 left, the same risk: no; the worst case is more than that.
    """
    left = window_days * MINUTES_PER_DAY * bad_share(target) - consumed_minutes
    expected = risk_minutes * probability
    proceed = risk_minutes <= left * (1 + 1e-12)
    note = (
        f"Proceed: even the worst case leaves {left - risk_minutes:.4g} minutes, the expected one {left - expected:.4g}."
        if proceed
        else f"Defer: the worst case of {risk_minutes:.4g} minutes is more than the {left:.4g} that are left."
    )
    return RiskDecision(proceed, left, expected, left - expected, left - risk_minutes, note)
