"""
What an objective says, in words, for pages, JSON and the terminal: a reader should not have to open the file.

    good spans `kind:server AND NOT status:error` of `kind:server`; 99.9 % over the last 30 d; every event counts
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tocsin.slo.definition import (
    Budgeting,
    CalendarWindow,
    EventCount,
    EventFreshness,
    EventRate,
    EventRatio,
    Indicator,
    Objective,
    Occurrences,
    Operator,
    RollingWindow,
    SeriesRatio,
    SeriesThreshold,
    SeriesValue,
    StreamRatio,
    Timeslices,
    Window,
)

DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60
CALENDAR_UNITS: Final = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}
COMPARISONS: Final = {
    Operator.BELOW: "below",
    Operator.AT_MOST: "at most",
    Operator.ABOVE: "above",
    Operator.AT_LEAST: "at least",
}


@dataclass(frozen=True, slots=True)
class ObjectiveSummary:
    """
    An objective without its trees.

    Args:
        key: Names it everywhere.
        slo: The SLO's name.
        service: Whose.
        title: For people; may be empty.
        description: In the author's words; may be empty.
        target: Share of good events that is promised.
        indicator: What is counted, in words.
        window: Over which time, in words.
        budgeting: How events become budget, in words.
        policy: The budget policy that applies; empty for the default one.
        dependencies: Keys of objectives that this one can't exceed.
        owner: Who is responsible; may be empty.
        runbook: Where to read what to do; may be empty.
        place: File and line.
        labels: Of the SLO's metadata.
    """

    key: str
    slo: str
    service: str
    title: str
    description: str
    target: float
    indicator: str
    window: str
    budgeting: str
    policy: str
    dependencies: list[str]
    owner: str
    runbook: str
    place: str
    labels: dict[str, str] = field(default_factory=dict)


def summary_of(objective: Objective) -> ObjectiveSummary:
    """The objective in words."""
    return ObjectiveSummary(
        key=objective.key,
        slo=objective.slo,
        service=objective.service,
        title=objective.title,
        description=objective.description,
        target=objective.target,
        indicator=indicator_words(objective.indicator),
        window=window_words(objective.window),
        budgeting=budgeting_words(objective.budgeting),
        policy=objective.policy,
        dependencies=list(objective.dependencies),
        owner=objective.owner,
        runbook=objective.runbook,
        place=objective.place,
        labels=dict(objective.labels),
    )


def indicator_words(indicator: Indicator) -> str:
    """What is counted: ``good spans `status:ok` of `kind:server` ``."""
    match indicator:
        case EventRatio(total, good, inverted):
            return f"{'bad' if inverted else 'good'} {_events(good)} of {_events(total)}"
        case StreamRatio(total, good):
            return f"{_events(good)} that came out of {_events(total)} that went in"
        case EventRate(events, at_least_per_s):
            return f"minutes with at least {at_least_per_s:g} {_events(events)} per second"
        case EventFreshness(events, within_s):
            return f"minutes with {_events(events)} in the {length_words(within_s)} before their end"
        case SeriesRatio(total, good, inverted, counter):
            return f"{'bad' if inverted else 'good'} events {_quoted(good)} of {_quoted(total)}, {'counters' if counter else 'values'}"
        case SeriesValue(query, inverted):
            return f"share of {'bad' if inverted else 'good'} events {_quoted(query)}"
        case SeriesThreshold(query, operator, threshold):
            return f"minutes with {_quoted(query)} {COMPARISONS[operator]} {threshold:g}"


def window_words(window: Window) -> str:
    """Over which time: `the last 30 d`, `calendar periods of 1 month from 2026-01-01 00:00:00 (Europe/Berlin)`."""
    match window:
        case RollingWindow(duration_s):
            return f"the last {length_words(duration_s)}"
        case CalendarWindow(count, unit, start, time_zone):
            name = CALENDAR_UNITS.get(unit, unit)
            return f"calendar periods of {count} {name}{'' if count == 1 else 's'} from {start} ({time_zone})"


def budgeting_words(budgeting: Budgeting) -> str:
    """How events become budget."""
    match budgeting:
        case Occurrences():
            return "every event counts the same"
        case Timeslices(slice_s, slice_target):
            return f"slices of {length_words(slice_s)} count, good when at least {slice_target * 100:.6g} % of their events are"
        case _:
            return f"slices of {length_words(budgeting.slice_s)} count by the share of their good events"


def length_words(seconds: int) -> str:
    """`30 d`, `12 h`, `5 m`, `90 s`: the largest unit that fits exactly."""
    for size_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "m")):
        if seconds and seconds % size_s == 0:
            return f"{seconds // size_s} {unit}"
    return f"{seconds} s"


def _events(events: EventCount) -> str:
    what = f"{events.signal.value} {_quoted(events.query)}" if events.query else events.signal.value
    return f"{events.weight} of {what}" if events.weight else what


def _quoted(query: str) -> str:
    return f"`{' '.join(query.split())}`"
