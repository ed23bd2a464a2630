"""Trees as plain tuples, ours and those of the crate promql-parser: equal tuples are the same structure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import promql_parser as reference

from tocsin.model.labels import METRIC_NAME
from tocsin.query.promql.syntax import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    DurationLiteral,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)


def our_shape(expression: Expression) -> Any:
    """Our tree."""
    match expression:
        case NumberLiteral():
            return ("number", repr(expression.value))
        case StringLiteral():
            return ("string", expression.value)
        case VectorSelector():
            return ("vector", *_our_selector(expression))
        case MatrixSelector():
            return ("matrix", *_our_selector(expression.selector), _ms(expression.range))
        case Subquery():
            step = _ms(expression.step) if expression.step is not None else None
            return ("subquery", our_shape(expression.expression), _ms(expression.range), step, *_our_instant(expression))
        case Unary():
            # The crate forgets a plus; Prometheus keeps it.
            inner = our_shape(expression.expression)
            return ("unary", inner) if expression.negative else inner
        case Paren():
            return ("paren", our_shape(expression.expression))
        case Call():
            return ("call", expression.function, *map(our_shape, expression.arguments))
        case Aggregation():
            parameter = None if expression.parameter is None else our_shape(expression.parameter)
            grouping = ("without" if expression.without else "by", expression.grouping)
            return ("aggregation", expression.operator, parameter, our_shape(expression.expression), grouping)
        case Binary():
            return ("binary", expression.operator, our_shape(expression.left), our_shape(expression.right), _our_matching(expression))


def _ms(duration: object) -> int:
    assert isinstance(duration, DurationLiteral)
    return duration.ms


def _our_instant(expression: VectorSelector | Subquery) -> tuple[object, int]:
    at = expression.at_ms.value if isinstance(expression.at_ms, AtAnchor) else expression.at_ms
    return at, _ms(expression.offset) if expression.offset is not None else 0


def _our_selector(selector: VectorSelector) -> tuple[object, ...]:
    return tuple(sorted((m.name, m.operator.value, m.value) for m in selector.matchers)), *_our_instant(selector)


def _our_matching(binary: Binary) -> tuple[object, ...]:
    matching = binary.matching
    if matching is None:
        return (binary.return_bool, "one-to-one", False, (), (), None, None)
    fills = (matching.fill_left, matching.fill_right)
    return (binary.return_bool, matching.cardinality.value, matching.on, matching.labels, matching.include, *fills)


def their_shape(expression: Any) -> Any:
    """The tree of the crate."""
    match expression:
        case reference.NumberLiteral():
            return ("number", repr(expression.val))
        case reference.StringLiteral():
            return ("string", expression.val)
        case reference.VectorSelector():
            return ("vector", *_their_selector(expression))
        case reference.MatrixSelector():
            return ("matrix", *_their_selector(expression.vector_selector), _their_ms(expression.range))
        case reference.SubqueryExpr():
            step = _their_ms(expression.step) if expression.step is not None else None
            return ("subquery", their_shape(expression.expr), _their_ms(expression.range), step, *_their_instant(expression))
        case reference.UnaryExpr():
            return ("unary", their_shape(expression.expr))
        case reference.ParenExpr():
            return ("paren", their_shape(expression.expr))
        case reference.Call():
            return ("call", expression.func.name, *map(their_shape, expression.args))
        case reference.AggregateExpr():
            parameter = None if expression.param is None else their_shape(expression.param)
            return ("aggregation", str(expression.op), parameter, their_shape(expression.expr), _their_grouping(expression.modifier))
        case reference.BinaryExpr():
            return (
                "binary",
                str(expression.op),
                their_shape(expression.lhs),
                their_shape(expression.rhs),
                _their_matching(expression.modifier),
            )
        case _:
            raise AssertionError(expression)


def _their_ms(duration: timedelta | None) -> int:
    assert duration is not None
    return duration // timedelta(milliseconds=1)


def _their_instant(expression: Any) -> tuple[object, int]:
    offset = _their_ms(expression.offset) if expression.offset is not None else 0
    if expression.at is None:
        return None, offset
    kinds = {"AtModifierType.Start": "start", "AtModifierType.End": "end"}
    return kinds.get(str(expression.at.type)) or round(expression.at.at.timestamp() * 1000), offset


def _their_selector(selector: Any) -> tuple[object, ...]:
    operators = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
    matchers = [(m.name, operators[str(m.op)], m.value) for m in selector.matchers.matchers]
    if selector.name is not None:
        matchers.append((METRIC_NAME, "=", selector.name))
    return tuple(sorted(matchers)), *_their_instant(selector)


def _their_grouping(modifier: Any) -> tuple[str, tuple[str, ...]]:
    if modifier is None:
        return "by", ()
    return "without" if str(modifier.type) == "AggModifierType.Without" else "by", tuple(modifier.labels)


def _their_matching(modifier: Any) -> tuple[object, ...]:
    if modifier is None:
        return (False, Cardinality.ONE_TO_ONE.value, False, (), (), None, None)
    cardinality = Cardinality[
        {"OneToOne": "ONE_TO_ONE", "ManyToOne": "MANY_TO_ONE", "OneToMany": "ONE_TO_MANY", "ManyToMany": "MANY_TO_MANY"}[
            str(modifier.card).rpartition(".")[2]
        ]
    ]
    on = modifier.matching is not None and str(modifier.matching.type) == "LabelModifierType.Include"
    labels = tuple(modifier.matching.labels) if modifier.matching is not None else ()
    fills = (modifier.fill_values.lhs, modifier.fill_values.rhs)
    return (modifier.return_bool, cardinality.value, on, labels, tuple(modifier.group_labels or ()), *fills)
