"""The calculators, listed: what the terminal and the API offer, and how Python code finds one by name."""

from __future__ import annotations

from tocsin.errors import NotFound
from tocsin.model.spelling import did_you_mean
from tocsin.slo.calculators.availability import availability_of_downtime, dependency_limit, downtime, equal_dependencies, redundant, serial
from tocsin.slo.calculators.budget import (
    alert_window,
    budget_left,
    burn_rate,
    burn_rate_of_exhaustion,
    error_budget,
    exhaustion,
    risk_decision,
)
from tocsin.slo.calculators.calculation import Calculator
from tocsin.slo.calculators.volume import average_lies, percentile_chance, storage_cost, trace_volume

CALCULATORS: tuple[Calculator, ...] = (
    Calculator("downtime", downtime, "How long may something be down that promises so much?"),
    Calculator("availability", availability_of_downtime, "What was the availability, with so much downtime?"),
    Calculator("serial", serial, "What is the most that can be promised by what needs all of its dependencies?"),
    Calculator("redundant", redundant, "How available is what works while any one of its parts does?"),
    Calculator("equal-dependencies", equal_dependencies, "What is left with so many dependencies that are all alike?"),
    Calculator("dependency-limit", dependency_limit, "How many dependencies does a target bear?"),
    Calculator("budget", error_budget, "How large is the error budget?"),
    Calculator("budget-left", budget_left, "What is left of it, after so much downtime?"),
    Calculator("burn-rate", burn_rate, "How fast does the budget go that lost so much in such a time?"),
    Calculator("exhaustion", exhaustion, "How long does a budget last at a burn rate?"),
    Calculator("burn-rate-of", burn_rate_of_exhaustion, "Which burn rate spends a whole budget in so many days?"),
    Calculator("alert-window", alert_window, "When does an alert on a burn rate fire, and what is spent by then?"),
    Calculator("risk", risk_decision, "Should something be done now that may cost so much?"),
    Calculator("percentile-chance", percentile_chance, "How likely is it that one of n requests is slower than a percentile?"),
    Calculator("average-lies", average_lies, "What do average and percentiles say when a few requests take much longer?"),
    Calculator("trace-volume", trace_volume, "How much data are traces, sampled or not?"),
    Calculator("storage-cost", storage_cost, "What does it cost to keep so much data a day?"),
)


def calculator_named(name: str) -> Calculator:
    """
    The calculator of a name.

    Raises:
        NotFound: There is none; the message lists those there are, or the one that was meant.
    """
    names = {calculator.name: calculator for calculator in CALCULATORS}
    if name in names:
        return names[name]
    raise NotFound(f"no calculator {name!r}" + (did_you_mean(name, names, cutoff=0.6) or f"; there are {', '.join(names)}"))
