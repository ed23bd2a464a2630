"""
Queries of counters, rewritten into queries of what happened in one minute.

    sum(http_requests_total{code=~"5.."})                          a counter
    sum(increase(http_requests_total{code=~"5.."}[1m] anchored))   its events of one minute

Every selector of a counter becomes the increase of one minute that is `anchored`: it starts from the sample before the minute, so that
the increases of consecutive minutes add up exactly to what the counter grew by, resets included, however often it is scraped.

Which selectors are counters: those that add up (`a + b`, `sum(a)`). Where something joins or scales, as in
`a_total * on (pod) group_left () kube_pod_info`, a side whose names don't end as counters' names do, beside one where some do, stays what
it is; so does what stands behind `and` and `unless`. `rate(x[5m])`, `increase(x[5m])` and `irate(x[5m])` mean the counter.

Source: Prometheus documentation, 'Feature flags: extended range selectors'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

from tocsin.query.promql import printer
from tocsin.query.promql.checks import children, walk
from tocsin.query.promql.context import Question
from tocsin.query.promql.durations import duration_ms
from tocsin.query.promql.grid import Steps
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationLiteral,
    Expression,
    MatrixSelector,
    Paren,
    RangeExtension,
    Subquery,
    Unary,
    VectorSelector,
)

MINUTE_MS = 60_000

_RATES = frozenset({"rate", "increase", "irate"})
_COUNTER_ENDINGS = ("_total", "_count", "_sum", "_bucket")
_ADDING = frozenset({"+", "-", "or"})
_MEMBERSHIP = frozenset({"and", "unless"})


@dataclass(frozen=True, slots=True)
class Term:
    """A query whose series are added up, or taken off (`sign` -1)."""

    query: str
    sign: int = 1


def per_minute(text: str) -> tuple[Term, ...]:
    """
    A query of counters as queries of the events of a minute, to be added up.

    `sum(a_total) + sum(b_total)` gives `sum(increase(a_total[1m] anchored))` and `sum(increase(b_total[1m] anchored))`. It is taken apart
    because PromQL adds only what is there on both sides: where targets are scraped less than once a minute, it would drop the events of
    every minute in which only one of them was.

    Raises:
        ParseError: It does not read.
    """
    return tuple(Term(printer.format(_counted(part, every=True)), sign) for part, sign in _terms(_bare(parse(text)), 1))


def canonical_counter(text: str) -> str:
    """
    A query of counters without the rates that people write around them: `sum(rate(a_total[5m]))` is `sum(a_total)`.

    Raises:
        ParseError: It does not read.
    """
    return printer.format(_bare(parse(text)))


def reach_of(text: str, lookback_s: int) -> int:
    """
    How far before an instant samples matter to a query there, seconds, rounded up.

    Args:
        text: The query.
        lookback_s: How far back a sample without a range is found.

    Raises:
        ParseError: It does not read.
    """
    return -(-_reach_ms(parse(text), lookback_s * 1000) // 1000)


def _terms(expression: Expression, sign: int) -> Iterator[tuple[Expression, int]]:
    """The sides of additions between vectors of which no side has many partners, outermost only."""
    match expression:
        case Paren():
            yield from _terms(expression.expression, sign)
        case Binary(operator="+" | "-") if expression.matching and expression.matching.cardinality is Cardinality.ONE_TO_ONE:
            yield from _terms(expression.left, sign)
            yield from _terms(expression.right, -sign if expression.operator == "-" else sign)
        case _:
            yield expression, sign


def _bare(expression: Expression) -> Expression:
    """The tree without rates of plain ranges: the counters that they are taken of."""
    match expression:
        case Call(function=function, arguments=(MatrixSelector() as matrix,)) if function in _RATES:
            return replace(matrix.selector, extension=RangeExtension.NONE)
        case Call() | Aggregation() | Paren() | Unary() | Binary():
            return _mapped(expression, _bare)
        case _:
            return expression


def _counted(expression: Expression, *, every: bool) -> Expression:
    """
    The tree with increases for counters.

    Args:
        expression: Without rates.
        every: All selectors are counters; else only those whose name says so.
    """
    match expression:
        case VectorSelector():
            return _increase(expression) if every or _says_counter(expression) else expression
        case Binary(operator=operator) if operator in _MEMBERSHIP:
            return replace(expression, left=_counted(expression.left, every=every))
        case Binary(operator=operator) if operator not in _ADDING:
            left, right = _has_counter(expression.left), _has_counter(expression.right)
            return replace(
                expression,
                left=_counted(expression.left, every=every and (left or not right)),
                right=_counted(expression.right, every=every and (right or not left)),
            )
        case Call() | Aggregation() | Paren() | Unary() | Binary():
            return _mapped(expression, lambda inner: _counted(inner, every=every))
        case _:
            return expression


def _mapped(expression: Call | Aggregation | Paren | Unary | Binary, change: Callable[[Expression], Expression]) -> Expression:
    """A node with its parts changed; an aggregation's parameter stays."""
    match expression:
        case Call():
            return replace(expression, arguments=tuple(change(argument) for argument in expression.arguments))
        case Binary():
            return replace(expression, left=change(expression.left), right=change(expression.right))
        case _:
            return replace(expression, expression=change(expression.expression))


def _increase(selector: VectorSelector) -> Call:
    anchored = replace(selector, extension=RangeExtension.ANCHORED)
    matrix = MatrixSelector(anchored, DurationLiteral(MINUTE_MS, selector.span), selector.span)
    return Call("increase", (matrix,), selector.span)


def _says_counter(selector: VectorSelector) -> bool:
    """Whether the name ends as counters' names do."""
    names = [selector.name] if selector.name else [matcher.value for matcher in selector.matchers if matcher.name == "__name__"]
    return any(name.endswith(_COUNTER_ENDINGS) for name in names)


def _has_counter(expression: Expression) -> bool:
    return any(isinstance(found, VectorSelector) and _says_counter(found) for found in walk(expression))


def _reach_ms(expression: Expression, lookback_ms: int) -> int:
    """How far before an instant samples matter to an expression there."""
    match expression:
        case VectorSelector():
            return lookback_ms + _length_ms(expression.offset)
        case MatrixSelector():
            edge_ms = 0 if expression.selector.extension is RangeExtension.NONE else lookback_ms
            return _length_ms(expression.range) + _length_ms(expression.selector.offset) + edge_ms
        case Subquery():
            return _reach_ms(expression.expression, lookback_ms) + _length_ms(expression.range) + _length_ms(expression.offset)
        case _:
            return max((_reach_ms(child, lookback_ms) for child in children(expression)), default=0)


def _length_ms(duration: Duration | None) -> int:
    """A length of time that is at least 0; an offset into the future needs nothing from before."""
    if duration is None:
        return 0
    return max(0, duration_ms(duration, Question("", Steps(0, MINUTE_MS, 1), 0, 0, inf, inf, instant=False)))
