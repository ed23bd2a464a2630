"""
Who spent the budget of an objective in PromQL: how much each label value has of the bad increase, and of all.

The queries are expressions of counters. Sums over labels are taken off, so that the labels of the series themselves tell: what
`sum(requests_total{code=~"5.."})` adds up is told apart by route, host and whatever else the series carry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME
from tocsin.query.contrast.ranking import Candidate, Whole
from tocsin.query.metrics import Metrics
from tocsin.query.promql import printer
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    DurationLiteral,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Unary,
    VectorSelector,
)
from tocsin.slo.definition import SeriesRatio

NS_PER_MS = 1_000_000
PASSED_OVER = frozenset({METRIC_NAME, "le", "quantile"})

Amounts: TypeAlias = Mapping[tuple[str, str], float]


def series_candidates(metrics: Metrics, indicator: SeriesRatio, start: int, end: int) -> tuple[Whole, list[Candidate]]:
    """
    Label values with their bad and total increase from `start` to `end` (nanoseconds since 1970), and the sum of all.

    Raises:
        InvalidInput: A query is no sum or difference of series.
    """
    range_ms = max(1, (end - start) // NS_PER_MS)
    total_sum, total = _amounts(metrics, indicator.total, indicator.counter, range_ms, end // NS_PER_MS)
    part_sum, part = _amounts(metrics, indicator.good, indicator.counter, range_ms, end // NS_PER_MS)
    if not indicator.inverted:
        part_sum, part = total_sum - part_sum, {value: amount - part.get(value, 0.0) for value, amount in total.items()}
    bad = max(0.0, part_sum)
    candidates = [
        Candidate("label", key, value, max(0.0, amount), total[key, value])
        for (key, value), amount in part.items()
        if (key, value) in total
    ]
    return Whole(bad, max(0.0, total_sum), bad), candidates


def _amounts(metrics: Metrics, query: str, counter: bool, range_ms: int, at_ms: int) -> tuple[float, Amounts]:
    whole, by_label = 0.0, defaultdict[tuple[str, str], float](float)
    for selector, factor in _terms(parse(query), 1.0):
        span = selector.span
        window = MatrixSelector(selector, DurationLiteral(range_ms, span), span)
        # A value that is not a counter is a number of events per minute: so many of them as there are minutes, whatever the interval.
        function = "increase" if counter else "avg_over_time"
        scale = factor if counter else factor * range_ms / 60_000
        for series in metrics.instant(printer.format(Call(function, (window,), span)), time_ms=at_ms).series:
            amount = float(series.values[0]) * scale if len(series.values) else 0.0
            if amount == amount:  # noqa: PLR0124 - not NaN
                whole += amount
                for key, value in series.labels:
                    if key not in PASSED_OVER:
                        by_label[key, value] += amount
    return whole, by_label


def _terms(expression: Expression, factor: float) -> Iterator[tuple[VectorSelector, float]]:
    """The series of a sum, each with the number it is multiplied by."""
    match expression:
        case VectorSelector():
            yield expression, factor
        case Paren(inner):
            yield from _terms(inner, factor)
        case Unary(negative, inner):
            yield from _terms(inner, -factor if negative else factor)
        case Aggregation("sum", inner):
            yield from _terms(inner, factor)
        case Call("label_replace" | "label_join", (inner, *_)):
            yield from _terms(inner, factor)
        case Call("vector", _):
            return
        case Binary("+" | "or", left, right):
            yield from (*_terms(left, factor), *_terms(right, factor))
        case Binary("-", left, right):
            yield from (*_terms(left, factor), *_terms(right, -factor))
        case Binary("*", NumberLiteral(number), inner) | Binary("*", inner, NumberLiteral(number)):
            yield from _terms(inner, factor * number)
        case Binary("/", inner, NumberLiteral(number)) if number:
            yield from _terms(inner, factor / number)
        case _:
            raise InvalidInput(
                f"{printer.format(expression)} is no sum of counters, so it can't be said which series the bad events came from;"
                " write the objective's queries as sums of counters"
            )
