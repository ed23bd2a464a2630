"""Calculators of availability: what a target means in time, and what dependencies make of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log, prod
from typing import Annotated

from tocsin.slo.calculators.calculation import Availabilities, Availability, Minutes, Quantity, Target, WindowDays, bad_share, checked

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONTH_S = 30 * DAY_S
YEAR_S = 365 * DAY_S
AVERAGE_MONTH_S = YEAR_S / 12  # 30.42 days

Count = Annotated[int, Quantity("How many dependencies.", 1, 100_000)]


@dataclass(frozen=True, slots=True)
class Downtime:
    """
    How long something may be down.

    Args:
        target: What is promised.
        bad_ratio: The share that may be bad: 1 - target.
        per_day_s: Seconds per day.
        per_week_s: Seconds per week.
        per_month_s: Seconds per month of 30 days, the usual window.
        per_average_month_s: Seconds per twelfth of a year (30.42 days).
        per_year_s: Seconds per year of 365 days.
        note: How it compares with figures that are in use.
    """

    target: float
    bad_ratio: float
    per_day_s: float
    per_week_s: float
    per_month_s: float
    per_average_month_s: float
    per_year_s: float
    note: str


@checked
def downtime(target: Target) -> Downtime:
    """
    How long may something be down that promises so much?

    `0.999` gives 86.4 s a day, 43.2 minutes in 30 days, 8.76 hours a year. Tables in use mix months: 99 % is 7.2 hours of 30 days,
    and 7.3 hours of an average month; 99.999 % is 25.92 seconds of 30 days, often rounded to 26; 99.99 % is 52.56 minutes a year.
    """
    bad = bad_share(target)
    month_s, average_s = MONTH_S * bad, AVERAGE_MONTH_S * bad
    note = f"A month here has 30 days ({_time(month_s)}); tables that take a twelfth of a year say {_time(average_s)}."
    return Downtime(target, bad, DAY_S * bad, WEEK_S * bad, month_s, average_s, YEAR_S * bad, note)


@dataclass(frozen=True, slots=True)
class ReachedTarget:
    """
    What a downtime leaves.

    Args:
        availability: Share of the window without it, 0 when it is longer than the window.
        nines: How many nines that is: 3 for 0.999, with decimals; None for no downtime at all.
        note: Empty, or what is odd about it.
    """

    availability: float
    nines: float | None
    note: str = ""


@checked
def availability_of_downtime(downtime_minutes: Minutes, window_days: WindowDays = 30) -> ReachedTarget:
    """
    What was the availability, with so much downtime in a window?

    43.2 minutes in 30 days are 99.9 %, three nines.
    """
    bad = downtime_minutes / (window_days * 24 * 60)
    if bad > 1:
        return ReachedTarget(0.0, 0.0, "The downtime is longer than the window.")
    return ReachedTarget(
        1 - bad, -log(bad) / log(10) if bad else None, "" if bad else "No downtime was seen; that is not 100 % of the future."
    )


@dataclass(frozen=True, slots=True)
class Combined:
    """
    What several parts are together.

    Args:
        availability: Of all together.
        bad_ratio: 1 - availability.
        weakest: The availability of the worst part.
        downtime_per_month_s: Seconds in 30 days.
        note: What it means for a target.
    """

    availability: float
    bad_ratio: float
    weakest: float
    downtime_per_month_s: float
    note: str


def _combined(parts: Availabilities, availability: float, bad: float, note: str) -> Combined:
    return Combined(availability, bad, min(parts), bad * MONTH_S, note)


@checked
def serial(availabilities: Availabilities) -> Combined:
    """
    What is the most that something can promise that needs all of its dependencies? Their product, if they fail independently of each other.

    99.95 % and 99.99 % are 99.940005 %, usually printed as 99.94 %: less than the weakest. What fails at the same time costs less.
    """
    whole = prod(availabilities)
    note = f"No target above {_percent(whole)} can be kept by what needs all of these; its own failures come on top."
    return _combined(availabilities, whole, 1 - whole, note)


@checked
def redundant(availabilities: Availabilities) -> Combined:
    """
    How available is something that works while any one of its parts does? All of them fail together only by chance.

    Two of 99 % are 99.99 %, if nothing takes both down at once: the same release, the same network, the same certificate.
    """
    bad = prod(bad_share(part) for part in availabilities)
    return _combined(availabilities, 1 - bad, bad, "Holds only for parts that fail independently of each other; few do.")


@checked
def equal_dependencies(availability: Availability, count: Count) -> Combined:
    """
    What is left with so many dependencies that are all alike?

    At 99.9 % each: 3 leave 99.7003 %, 5 leave 99.5010 %, 10 leave 99.0045 %; usually printed with one decimal.
    """
    whole = availability**count
    return _combined((availability,), whole, 1 - whole, f"{count} dependencies of {_percent(availability)} each leave {_percent(whole)}.")


@dataclass(frozen=True, slots=True)
class DependencyLimit:
    """
    How many dependencies a target bears.

    Args:
        count: At most so many; None for any number, when they never fail.
        combined: What those leave; 1 for none.
        note: The same in words.
    """

    count: int | None
    combined: float
    note: str


@checked
def dependency_limit(target: Target, availability: Availability) -> DependencyLimit:
    """
    How many dependencies of one availability does a target bear?

    99.5 % bears five of 99.9 %; 99.99 % does not bear one of 99.95 %.
    """
    if availability == 1:
        return DependencyLimit(None, 1.0, "What never fails costs nothing; nothing never fails.")
    # A quotient that is a whole number but for rounding still counts: three of 99.9 % leave exactly what three of 99.9 % leave.
    count = floor(log(target) / log(availability) + 1e-9) if availability > 0 else 0
    if count == 0:
        return DependencyLimit(0, 1.0, f"{_percent(target)} can't be kept by what needs even one dependency of {_percent(availability)}.")
    left = availability**count
    note = f"{count} dependencies of {_percent(availability)} leave {_percent(left)}; one more falls below {_percent(target)}."
    return DependencyLimit(count, left, note)


def _percent(share: float) -> str:
    """`99.940005 %`: as many digits as it takes, at most eight."""
    return f"{share * 100:.8g} %"


def _time(seconds: float) -> str:
    """`43.2 minutes`, `25.92 seconds`, `7.3 hours`."""
    for unit_s, unit in ((DAY_S, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.4g} {unit}"
    return f"{seconds:.4g} seconds"
