"""
Counts per minute out of PromQL: how indicators over series become good and total.

A minute is [start, start + 60 s), as for events: queries are evaluated one millisecond before its end. Queries of counters are rewritten
into what happened in that minute (`counter_queries`). What a counter grew by while nobody looked counts in the minute of its next sample,
if that comes within `COUNTER_REACH_S`; the first value of a new series is where counting starts. So a sample that comes late changes
its own minute and, at most, those up to `reach_s` after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.query.promql.answer import QueryAnswer
from tocsin.slo.counting.counter_queries import MINUTE_MS, Term, per_minute, reach_of
from tocsin.slo.definition import Operator, SeriesRatio, SeriesThreshold, SeriesValue
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange

COUNTER_REACH_S = 3600  # how long a counter may go unseen before what it grew by is given up; also lets in what is pushed once an hour
EVENTS_REACH_S = MINUTE_S  # a value that is a number of events counts in its own minute alone
VALUE_REACH_S = 300  # PromQL's own: a state holds on for five minutes without a sample
PIECE_MINUTES = 1440  # of one query: bounds what is held in memory, and how long other work of the same thread has to wait
ROUNDING = 1e-9

SeriesIndicator: TypeAlias = SeriesRatio | SeriesValue | SeriesThreshold
Floats: TypeAlias = NDArray[np.float64]

_COMPARE: dict[Operator, Callable[[Floats, float], NDArray[np.bool_]]] = {
    Operator.BELOW: np.less,
    Operator.AT_MOST: np.less_equal,
    Operator.ABOVE: np.greater,
    Operator.AT_LEAST: np.greater_equal,
}


class SeriesQueries(Protocol):
    """Who evaluates PromQL."""

    def range(self, query: str, *, start_ms: int, end_ms: int, step_ms: int, lookback_s: float | None = None) -> QueryAnswer:
        """What a query says at every step from `start_ms` to `end_ms` inclusive, where samples are found up to `lookback_s` back."""
        ...


@dataclass(frozen=True, slots=True)
class SeriesObservation:
    """
    What series say about some minutes.

    Args:
        counts: Good and total per minute.
        implausible_minutes: Minutes in which there was more good than all, less than nothing, or a share outside of 0 to 1; they were put
            right, but the indicator's queries hardly say what was meant.
    """

    counts: MinuteCounts
    implausible_minutes: int = 0


def count_series(indicator: SeriesIndicator, metrics: SeriesQueries, within: MinuteRange) -> MinuteCounts:
    """
    Good and total of every minute of a range; raises as `observe_series` does.

    Args:
        indicator: What is counted.
        metrics: Who evaluates PromQL.
        within: Which minutes.
    """
    return observe_series(indicator, metrics, within).counts


def observe_series(indicator: SeriesIndicator, metrics: SeriesQueries, within: MinuteRange) -> SeriesObservation:
    """
    Good and total of every minute of a range, and how plausible they are.

    Args:
        indicator: What is counted.
        metrics: Who evaluates PromQL.
        within: Which minutes; evaluated a day at a time, or less where a query would take more than it may.

    Raises:
        ParseError: A query does not read.
        InvalidInput: It can't be evaluated over these series; LimitExceeded, when a single minute of it takes more than it may.
        Timeout: It took too long.
    """
    match indicator:
        case SeriesRatio():
            return _ratio(indicator, metrics, within)
        case SeriesValue():
            return _value(indicator, metrics, within)
        case SeriesThreshold():
            return _threshold(indicator, metrics, within)


def reach_s(indicator: SeriesIndicator) -> int:
    """
    How far back samples matter to a minute, seconds: a sample that comes late changes its own minute and those up to so long after it.

    Raises:
        ParseError: A query does not read.
    """
    match indicator:
        case SeriesRatio(counter=True):
            return max(reach_of(term.query, COUNTER_REACH_S) for text in (indicator.total, indicator.good) for term in per_minute(text))
        case SeriesRatio():
            return max(reach_of(text, EVENTS_REACH_S) for text in (indicator.total, indicator.good))
        case SeriesValue() | SeriesThreshold():
            return reach_of(indicator.query, VALUE_REACH_S)


def _ratio(indicator: SeriesRatio, metrics: SeriesQueries, within: MinuteRange) -> SeriesObservation:
    total = _added(metrics, indicator.total, within, counter=indicator.counter)
    part = _added(metrics, indicator.good, within, counter=indicator.counter)
    odd = (total < 0) | (part < 0) | (part > np.maximum(total, 0) * (1 + ROUNDING))
    total = np.maximum(total, 0)
    part = np.clip(part, 0, total)
    return _observation(within, total - part if indicator.inverted else part, total, int(odd.sum()))


def _value(indicator: SeriesValue, metrics: SeriesQueries, within: MinuteRange) -> SeriesObservation:
    """Several series are one observation all the same: their mean."""
    minutes = _minutes(within)
    added, seen, odd = np.zeros(minutes), np.zeros(minutes), np.zeros(minutes, dtype=bool)
    for at, values in _points(metrics, indicator.query, within, VALUE_REACH_S):
        added[at] += np.clip(values, 0, 1)
        seen[at] += 1
        odd[at] |= (values < -ROUNDING) | (values > 1 + ROUNDING)
    total = (seen > 0).astype(np.float64)
    share = np.divide(added, seen, out=np.zeros(minutes), where=seen > 0)
    return _observation(within, total - share if indicator.inverted else share, total, int(odd.sum()))


def _threshold(indicator: SeriesThreshold, metrics: SeriesQueries, within: MinuteRange) -> SeriesObservation:
    good, total = np.zeros(_minutes(within)), np.zeros(_minutes(within))
    compare = _COMPARE[indicator.operator]
    for at, values in _points(metrics, indicator.query, within, VALUE_REACH_S):
        good[at] += compare(values, indicator.threshold)
        total[at] += 1
    return _observation(within, good, total, 0)


def _observation(within: MinuteRange, good: Floats, total: Floats, odd: int) -> SeriesObservation:
    nothing = np.zeros(len(total))
    return SeriesObservation(MinuteCounts(within.start_s, good, total, nothing, nothing.copy()), odd)


def _added(metrics: SeriesQueries, text: str, within: MinuteRange, *, counter: bool) -> Floats:
    """All series of a query added up per minute; no value is no events."""
    added = np.zeros(_minutes(within))
    for term in per_minute(text) if counter else (Term(text),):
        for at, values in _points(metrics, term.query, within, COUNTER_REACH_S if counter else EVENTS_REACH_S):
            finite = np.isfinite(values)
            added[at[finite]] += term.sign * values[finite]
    return added


def _points(metrics: SeriesQueries, query: str, within: MinuteRange, lookback_s: int) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """For each series, and piece of the range, which minutes have a value (counted from the start) and which; NaN is none."""
    pieces = [(first, min(first + PIECE_MINUTES, _minutes(within))) for first in range(0, _minutes(within), PIECE_MINUTES)][::-1]
    start_ms = within.start_s * 1000
    while pieces:
        first, end = pieces.pop()
        seen_from, seen_to = (start_ms + (minute + 1) * MINUTE_MS - 1 for minute in (first, end - 1))
        try:
            answer = metrics.range(query, start_ms=seen_from, end_ms=seen_to, step_ms=MINUTE_MS, lookback_s=lookback_s)
        except LimitExceeded:
            if end - first == 1:
                raise
            middle = (first + end) // 2
            pieces += [(middle, end), (first, middle)]
            continue
        for series in answer.series:
            known = ~np.isnan(series.values)
            yield (series.timestamps_ms[known] - start_ms) // MINUTE_MS, series.values[known]


def _minutes(within: MinuteRange) -> int:
    return (within.end_s - within.start_s) // MINUTE_S
