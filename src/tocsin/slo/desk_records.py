"""What the desk of objectives says beside budgets: problems of the files, its counters and gauges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.slo.answers import Budget

FAST_S = 300
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class DefinitionProblems:
    """
    What is to be said of the files.

    Args:
        mistakes: What is wrong, with file and line; while there is any, what the files said before is in force.
        remarks: What is allowed but probably not meant.
    """

    mistakes: list[str]
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class ObjectiveStatistics:
    """
    An objective as the last round of `watch` found it; not a number where nothing was observed.

    Args:
        remaining_ratio: Gauge: share of the error budget that is left; negative when it is overspent.
        sli: Gauge: share of good events over the window.
        burn_rate_1h: Gauge: burn rate over the last hour; 1 spends the whole budget in one window.
        burn_rate_5m: Gauge: burn rate over the last five minutes.
        coverage_ratio: Gauge: share of the window that passed which is known.
    """

    remaining_ratio: float
    sli: float
    burn_rate_1h: float
    burn_rate_5m: float
    coverage_ratio: float


@dataclass(frozen=True, slots=True)
class SloStatistics:
    """
    What the desk of objectives did since the start.

    Args:
        rounds: Times that all policies were judged.
        transitions: Changes of policies' states that were written down.
        gate_go: Answers of the gate that let a deployment through, behind a canary or not; asking alone is not counted.
        gate_no_go: Answers of the gate that did not.
        exceptions_used: Deployments that an exception let through.
        objectives: Objectives as the last round found them, by key.
    """

    rounds: int = 0
    transitions: int = 0
    gate_go: int = 0
    gate_no_go: int = 0
    exceptions_used: int = 0
    objectives: Mapping[str, ObjectiveStatistics] = field(default_factory=dict)


def rate_over(budget: Budget, window_s: int) -> float | None:
    """The burn rate over the last `window_s` seconds; None without events, or where that window is not kept."""
    return next((burn.rate for burn in budget.burn_rates if burn.window_s == window_s), None)


def objective_statistics(budget: Budget) -> ObjectiveStatistics:
    """A budget as gauges."""
    remaining, sli = budget.figures.remaining_ratio, budget.figures.sli
    hour, fast = rate_over(budget, HOUR_S), rate_over(budget, FAST_S)
    return ObjectiveStatistics(_number(remaining), _number(sli), _number(hour), _number(fast), budget.coverage.ratio)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
