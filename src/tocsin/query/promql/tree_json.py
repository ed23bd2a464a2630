"""
A tree of PromQL as JSON, as `/api/v1/parse_query` answers it.

Lengths of time are milliseconds; one that is computed is 0, as upstream gives it.
Source: Prometheus documentation, 'HTTP API', parsing a PromQL expression into an AST.
"""

from __future__ import annotations

from typing import Any

from tocsin.query.promql.numerals import format_number
from tocsin.query.promql.signatures import FUNCTIONS
from tocsin.query.promql.syntax import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Duration,
    DurationLiteral,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    RangeExtension,
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
)


def to_json(expression: Expression) -> dict[str, Any]:
    """A tree as objects of JSON; `type` names the kind of each node."""
    match expression:
        case NumberLiteral():
            return {"type": "numberLiteral", "val": format_number(expression.value)}
        case StringLiteral():
            return {"type": "stringLiteral", "val": expression.value}
        case VectorSelector():
            return {"type": "vectorSelector", **_selector(expression)}
        case MatrixSelector():
            return {"type": "matrixSelector", **_selector(expression.selector), "range": _ms(expression.range)}
        case Subquery():
            spread = {"range": _ms(expression.range), "step": _ms(expression.step)}
            return {"type": "subquery", "expr": to_json(expression.expression), **spread, **_when(expression)}
        case Unary():
            return {"type": "unaryExpr", "op": "-" if expression.negative else "+", "expr": to_json(expression.expression)}
        case Paren():
            return {"type": "parenExpr", "expr": to_json(expression.expression)}
        case Call():
            return _call(expression)
        case Aggregation():
            return _aggregation(expression)
        case Binary():
            return _binary(expression)


def _ms(duration: Duration | None) -> int:
    return duration.ms if isinstance(duration, DurationLiteral) else 0


def _when(expression: VectorSelector | Subquery) -> dict[str, Any]:
    anchored = isinstance(expression.at_ms, AtAnchor)
    return {
        "offset": _ms(expression.offset),
        "timestamp": None if anchored else expression.at_ms,
        "startOrEnd": expression.at_ms.value if isinstance(expression.at_ms, AtAnchor) else None,
    }


def _selector(selector: VectorSelector) -> dict[str, Any]:
    matchers = [{"name": m.name, "type": m.operator.value, "value": m.value} for m in selector.matchers]
    extension = {selector.extension.value: True} if selector.extension is not RangeExtension.NONE else {}
    return {"name": selector.name, "matchers": matchers, **_when(selector), **extension}


def _call(call: Call) -> dict[str, Any]:
    signature = FUNCTIONS[call.function]
    described = {
        "name": signature.name,
        "argTypes": [argument.value for argument in signature.arguments],
        "returnType": signature.returns.value,
        # Upstream's measure: -1 for any number, else how many of the arguments may be missing or come in addition.
        "variadic": -1 if signature.repeats_max is None else signature.optional + signature.repeats_max,
    }
    return {"type": "call", "func": described, "args": [to_json(argument) for argument in call.arguments]}


def _aggregation(aggregation: Aggregation) -> dict[str, Any]:
    return {
        "type": "aggregation",
        "op": aggregation.operator,
        "expr": to_json(aggregation.expression),
        "param": None if aggregation.parameter is None else to_json(aggregation.parameter),
        "grouping": list(aggregation.grouping),
        "without": aggregation.without,
    }


def _binary(binary: Binary) -> dict[str, Any]:
    return {
        "type": "binaryExpr",
        "op": binary.operator,
        "lhs": to_json(binary.left),
        "rhs": to_json(binary.right),
        "matching": None if binary.matching is None else _matching(binary.matching),
        "bool": binary.return_bool,
    }


def _matching(matching: VectorMatching) -> dict[str, Any]:
    described: dict[str, Any] = {
        "card": matching.cardinality.value,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
    }
    fills = {"lhs": matching.fill_left, "rhs": matching.fill_right}
    if any(value is not None for value in fills.values()):
        described["fillValues"] = {side: None if value is None else format_number(value) for side, value in fills.items()}
    return described
