"""
Two ways to alert on the same weeks: by causes (CPU, memory, disk) and by symptoms (requests that fail), through the whole path.

    cause, symptom = compare_cause_and_symptom(weeks=4)
    table_of([cause, symptom])      pages per week, pages at night, precision, recall, ... side by side
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.alert.definition import AlertRule, Promql, RuleGroup, RuleSet
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.routing.tree import Route
from tocsin.clock import Clock
from tocsin.query.promql.parser import parse
from tocsin.replay.backtest import Backtest, BacktestReport, Ground, Progress, Trial, promql_alone
from tocsin.replay.simulation import SERVICE, simulate

PAGER = "pager"
MINUTES_5 = 300.0

_ERRORS = 'sum by (service) (rate(http_requests_total{{code="500"}}[{0}])) / sum by (service) (rate(http_requests_total[{0}]))'
CAUSES = (
    ("HighCpu", "cpu_utilization_ratio > 0.9", 0.0),
    ("HighMemory", "memory_utilization_ratio > 0.9", 0.0),
    ("DiskFills", "disk_utilization_ratio > 0.9", 0.0),
)
SYMPTOMS = (
    ("ErrorsBurnFast", f"{_ERRORS.format('1h')} > 14.4 * 0.001 and {_ERRORS.format('5m')} > 14.4 * 0.001", 0.0),
    ("ErrorRate", f"{_ERRORS.format('2m')} > 0.01", MINUTES_5),
)


def compare_cause_and_symptom(
    weeks: int = 4, *, seed: int = 1, clock: Clock, progress: Progress = lambda _: None
) -> tuple[BacktestReport, BacktestReport]:
    """
    The same simulated weeks under alerts on causes and under alerts on symptoms.

    Args:
        weeks: How many.
        seed: The same seed gives the same weeks.
        clock: For durations alone.
        progress: Told how far it is, 0 to 1.

    Returns:
        By cause, by symptom.
    """
    simulated = simulate(weeks, seed=seed)
    backtest = Backtest(Ground(simulated.series, promql_alone, clock, spent=simulated.spent))
    known = simulated.incidents
    cause = backtest.run(_trial("by cause", CAUSES), simulated.over, known, progress=lambda share: progress(share / 2))
    symptom = backtest.run(_trial("by symptom", SYMPTOMS), simulated.over, known, progress=lambda share: progress(0.5 + share / 2))
    return cause, symptom


def pager_config() -> AlertingConfig:
    """Everything to one pager, a page per service, whatever alerts are in it."""
    route = Route("{}", PAGER, group_by=frozenset({"service"}))
    return AlertingConfig(route, {PAGER: Receiver(PAGER)})


def _trial(name: str, rules: Sequence[tuple[str, str, float]]) -> Trial:
    labels = {"severity": "page", "service": SERVICE}
    alerts = tuple(AlertRule(alert, Promql(text, parse(text)), for_s=for_s, labels=labels) for alert, text, for_s in rules)
    return Trial(name, RuleSet((RuleGroup(name, "simulated", alerts),)), pager_config())


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what it says, and a text per report."""

    name: str
    values: tuple[str, ...]


def table_of(reports: Sequence[BacktestReport]) -> list[Line]:
    """What to compare of some reports, side by side: one column each."""
    scores = [report.score for report in reports]
    nights = [sum(person.nights for person in one.people) for one in scores]
    return [
        Line("alerts that fired", tuple(str(one.firings) for one in scores)),
        Line("pages", tuple(str(one.pages) for one in scores)),
        Line("pages per week", tuple(f"{one.pages_per_week:.1f}" for one in scores)),
        Line("pages at night", tuple(str(one.night_pages) for one in scores)),
        Line("nights disturbed", tuple(str(count) for count in nights)),
        Line("weeks over the budget of pages", tuple(str(sum(one.weeks_over for one in score.people)) for score in scores)),
        Line("woken for nothing", tuple(str(len(one.woken_for_nothing)) for one in scores)),
        Line("precision", tuple(share_text(one.precision) for one in scores)),
        Line("recall", tuple(share_text(one.recall) for one in scores)),
        Line("incidents missed", tuple(str(sum(not one.found for one in score.incidents)) for score in scores)),
        Line("detection, median", tuple(length_text(one.detection.median_s) for one in scores)),
        Line("detection, longest", tuple(length_text(one.detection.max_s) for one in scores)),
        Line("reset, longest", tuple(length_text(one.reset.max_s) for one in scores)),
        Line("budget spent at detection, most", tuple(share_text(one.budget_spent_max) for one in scores)),
    ]


def share_text(share: float | None) -> str:
    """`0.125` as `12.5 %`; `-` for none."""
    return "-" if share is None else f"{share * 100:.3g} %"


def length_text(seconds: float | None) -> str:
    """`390` as `6m30s`; `-` for none."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
