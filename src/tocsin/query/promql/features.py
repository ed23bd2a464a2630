"""Which pieces of PromQL that have a switch a query uses, and whether they are switched on."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.errors import InvalidInput
from tocsin.query.promql.checks import walk
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.signatures import EXPERIMENTAL_AGGREGATIONS, FUNCTIONS
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    DurationExpression,
    Expression,
    MatrixSelector,
    RangeExtension,
    Subquery,
    VectorSelector,
)


def experimental_features(expression: Expression) -> dict[str, str]:
    """
    Options that must be on for a query, each with the piece of the query that needs it.

    `rate(x[1m * 2])` needs `{"duration_expressions": "arithmetic in a range, step or offset"}`.
    """
    needed: dict[str, str] = {}
    for found in walk(expression):
        for option, piece in _needed(found):
            needed.setdefault(option, piece)
    return needed


def check_features(expression: Expression, options: PromqlOptions) -> None:
    """
    Refuse a query that uses what is not switched on.

    Raises:
        InvalidInput: Names the piece and the option that allows it.
    """
    for option, piece in experimental_features(expression).items():
        if not getattr(options, option):
            stable = PromqlOptions.model_fields[option].default
            message = f"{piece} is {'' if stable else 'experimental and '}switched off: set promql.{option} to use it"
            raise InvalidInput(message)


def _needed(expression: Expression) -> Iterator[tuple[str, str]]:
    match expression:
        case Call() if FUNCTIONS[expression.function].experimental:
            yield "experimental_functions", f"function {expression.function}()"
        case Aggregation() if expression.operator in EXPERIMENTAL_AGGREGATIONS:
            yield "experimental_functions", f"aggregation {expression.operator}"
        case Binary() if expression.matching is not None:
            if (expression.matching.fill_left, expression.matching.fill_right) != (None, None):
                yield "fill_modifiers", "the modifier fill"
        case VectorSelector() if expression.extension is not RangeExtension.NONE:
            yield "extended_ranges", f"the modifier {expression.extension.value}"
    durations: tuple[object, ...] = ()
    match expression:
        case MatrixSelector():
            durations = (expression.range,)
        case Subquery():
            durations = (expression.range, expression.step, expression.offset)
        case VectorSelector():
            durations = (expression.offset,)
    if any(isinstance(duration, DurationExpression) for duration in durations):
        yield "duration_expressions", "arithmetic in a range, step or offset"
