"""
What must be counted for an objective, worked out from its definition and the exclusions that apply to it.

    EventRatio      one stream of events, good and total
    StreamRatio     two streams: `total` of the first, `good` of the second
    EventRate, EventFreshness      one stream, out of which every minute becomes one observation
    Series...       nothing here: PromQL is evaluated elsewhere (`series_counts`)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.slo.definition import (
    EventCount,
    EventFreshness,
    EventRate,
    EventRatio,
    EventSignal,
    Objective,
    SeriesRatio,
    SeriesThreshold,
    SeriesValue,
    StreamRatio,
    revision_of,
)
from tocsin.slo.exclusions import query_exclusions
from tocsin.store.count_events import CountedEvents, ExcludedEvents, services_of

ALL_COLUMNS = (1.0, 1.0, 1.0, 1.0)
TOTAL_COLUMNS = (0.0, 1.0, 0.0, 1.0)
GOOD_COLUMNS = (1.0, 0.0, 1.0, 0.0)
SIGNALS = {EventSignal.SPANS: "traces", EventSignal.LOGS: "logs"}
TABLES = {"traces": "spans", "logs": "logs"}

SeriesIndicator: TypeAlias = SeriesRatio | SeriesValue | SeriesThreshold
Observation: TypeAlias = EventRate | EventFreshness

log = logging.getLogger("tocsin.slo.counting.plans")


@dataclass(frozen=True, slots=True)
class Stream:
    """
    Events that one statement counts.

    Args:
        number: 0, or 1 for the second stream of an objective.
        signal: `traces` or `logs`.
        events: Which, and which of them are good.
        services: Whose events alone can be among them; None for anybody's.
        keeps: What is kept of good, total, excluded good and excluded total: 1 or 0 each.
    """

    number: int
    signal: str
    events: CountedEvents
    services: frozenset[str] | None
    keeps: tuple[float, float, float, float] = ALL_COLUMNS

    @property
    def table(self) -> str:
        """The table that the events lie in."""
        return TABLES[self.signal]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is counted for an objective.

    Args:
        objective: Which.
        exclusions: Those with a query that apply to it.
        revision: Changes when what is counted does.
        streams: Of events; empty for PromQL.
    """

    objective: Objective
    exclusions: tuple[Exclusion, ...]
    revision: str
    streams: tuple[Stream, ...]

    @property
    def key(self) -> str:
        """The objective's key."""
        return self.objective.key

    @property
    def series(self) -> SeriesIndicator | None:
        """The indicator, if it is PromQL."""
        indicator = self.objective.indicator
        return indicator if isinstance(indicator, SeriesRatio | SeriesValue | SeriesThreshold) else None

    @property
    def observation(self) -> Observation | None:
        """The indicator, if every minute is an observation."""
        indicator = self.objective.indicator
        return indicator if isinstance(indicator, EventRate | EventFreshness) else None


def plan_of(objective: Objective, exclusions: Sequence[Exclusion]) -> Plan:
    """What is counted for an objective, given everything that is excluded from any."""
    applying = tuple(each for each in query_exclusions(objective, exclusions) if each.withdrawn is None)
    indicator = objective.indicator
    match indicator:
        case EventRatio():
            streams: tuple[Stream, ...] = (_ratio(indicator, applying),)
        case StreamRatio(total, good):
            streams = (_stream(0, total, applying, TOTAL_COLUMNS), _stream(1, good, applying, GOOD_COLUMNS))
        case EventRate(events) | EventFreshness(events):
            streams = (_stream(0, events, applying, ALL_COLUMNS),)
        case _:
            streams, applying = (), ()
    return Plan(objective, applying, revision_of(indicator, applying), streams)


def _ratio(indicator: EventRatio, exclusions: Sequence[Exclusion]) -> Stream:
    total, good = indicator.total, indicator.good
    signal = SIGNALS[total.signal]
    apart = good.weight if good.weight != total.weight else ""
    events = CountedEvents(total.predicate, good.predicate, indicator.inverted, total.weight, apart, _excluded(signal, exclusions))
    return Stream(0, signal, events, services_of(total.predicate))


def _stream(number: int, counted: EventCount, exclusions: Sequence[Exclusion], keeps: tuple[float, float, float, float]) -> Stream:
    signal = SIGNALS[counted.signal]
    events = CountedEvents(counted.predicate, weight=counted.weight, excluded=_excluded(signal, exclusions))
    return Stream(number, signal, events, services_of(counted.predicate), keeps)


def _excluded(signal: str, exclusions: Sequence[Exclusion]) -> tuple[ExcludedEvents, ...]:
    return tuple(found for each in exclusions if (found := _one_excluded(signal, each)) is not None)


def _one_excluded(signal: str, exclusion: Exclusion) -> ExcludedEvents | None:
    """What an exclusion takes out; None, and a word in the log, when its query says nothing about this signal."""
    try:
        predicate = parse_log_query(exclusion.query) if signal == "logs" else parse_span_query(exclusion.query)
    except InvalidInput as error:
        log.warning("exclusion %s excludes nothing: its query %r is not one over %s: %s", exclusion.id, exclusion.query, signal, error)
        return None
    return ExcludedEvents(predicate, exclusion.start, exclusion.end)
