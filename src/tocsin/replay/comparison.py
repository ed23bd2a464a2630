"""
Two ways to alert on the same weeks: by causes (CPU, memory, disk) and by symptoms (requests that fail), through the whole path.

    cause, symptom = compare_cause_and_symptom(weeks=4)
    table_of([cause, symptom])      pages per week, pages at night, precision, recall, ... side by side
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from tocsin.alert.definition import AlertRule, Promql, RuleGroup, RuleSet
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.routing.tree import Route
from tocsin.clock import Clock
from tocsin.query.promql.parser import parse
from tocsin.replay.backtest import Backtest, BacktestReport, Ground, Progress, Trial, promql_alone
from tocsin.replay.report_lines import Line, lines_of
from tocsin.replay.simulation import SERVICE, simulate

PAGER = "pager"
_REPORT = TypeAdapter(BacktestReport)
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


def table_of(reports: Sequence[BacktestReport]) -> list[Line]:
    """What to compare of some reports, side by side: one column each."""
    return lines_of([_REPORT.dump_python(report, mode="json") for report in reports])
