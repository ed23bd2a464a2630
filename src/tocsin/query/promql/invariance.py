"""Which expressions have the same value at every step, because every selector in them is fixed by `@`: they are evaluated once."""

from __future__ import annotations

from tocsin.query.promql.dates import DATE_FUNCTIONS
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)

# These look at the instant of evaluation, whatever their argument is.
_LOOK_AT_TIME = frozenset({"time", "timestamp", "predict_linear"})


def is_invariant(node: Expression, known: dict[int, bool]) -> bool:
    """
    Whether an expression's value is the same at every step.

    Args:
        node: Any.
        known: What was found out before, by identity of the node; added to.
    """
    found = known.get(id(node))
    if found is None:
        found = known[id(node)] = _decide(node, known)
    return found


def _decide(node: Expression, known: dict[int, bool]) -> bool:
    match node:
        case NumberLiteral() | StringLiteral():
            return True
        case VectorSelector() | Subquery():
            return node.at_ms is not None
        case MatrixSelector():
            return node.selector.at_ms is not None
        case Paren() | Unary():
            return is_invariant(node.expression, known)
        case Binary():
            return is_invariant(node.left, known) and is_invariant(node.right, known)
        case Aggregation():
            return is_invariant(node.expression, known) and (node.parameter is None or is_invariant(node.parameter, known))
        case Call():
            return _decide_call(node, known)


def _decide_call(node: Call, known: dict[int, bool]) -> bool:
    if node.function in _LOOK_AT_TIME or (node.function in DATE_FUNCTIONS and not node.arguments) or node.function == "info":
        return False
    return all(is_invariant(argument, known) for argument in node.arguments)
