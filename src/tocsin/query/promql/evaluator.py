"""From a node of the tree to its value at every step."""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.aggregate import aggregate
from tocsin.query.promql.binary import binary
from tocsin.query.promql.context import Context, Value
from tocsin.query.promql.functions import FUNCTIONS
from tocsin.query.promql.grid import Grid, Steps
from tocsin.query.promql.histogram_arithmetic import negate
from tocsin.query.promql.invariance import is_invariant
from tocsin.query.promql.selectors import select_instant
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expression,
    NumberLiteral,
    Paren,
    StringLiteral,
    Unary,
    VectorSelector,
)


def evaluate(context: Context, node: Expression, steps: Steps) -> Value:
    """
    The value of an expression.

    Args:
        context: Of the evaluation.
        node: Any expression but a range, which only functions take.
        steps: At which instants.
    """
    match node:
        case Paren():
            return evaluate(context, node.expression, steps)
        case NumberLiteral():
            return np.full(steps.count, node.value)
        case StringLiteral():
            return node.value
    if steps.count > 1 and is_invariant(node, context.invariant):
        return _repeated(_computed(context, node, Steps(steps.start_ms, steps.step_ms, 1)), steps.count)
    return _computed(context, node, steps)


def _computed(context: Context, node: Expression, steps: Steps) -> Value:
    match node:
        case VectorSelector():
            return select_instant(context, node, steps)
        case Call():
            return FUNCTIONS[node.function](context, node, steps)
        case Aggregation():
            return aggregate(context, node, steps)
        case Binary():
            return binary(context, node, steps)
        case Unary():
            return _signed(context, node, steps)
    raise AssertionError(f"{type(node).__name__} has no value of its own")


def _repeated(value: Value, count: int) -> Value:
    if isinstance(value, Grid):
        return value.broadcast(count)
    return np.broadcast_to(value, (count,)) if isinstance(value, np.ndarray) else value


def _signed(context: Context, node: Unary, steps: Steps) -> Value:
    value = context.value(node.expression, steps)
    if not node.negative:
        return value
    if not isinstance(value, Grid):
        assert isinstance(value, np.ndarray), "the parser lets no text be negated"
        return -value
    histograms = value.histograms
    if histograms is not None:
        histograms = np.array(histograms)
        for cell in map(tuple, np.argwhere(value.histogram_mask)):
            histograms[cell] = negate(histograms[cell])
    return context.nameless(value.with_cells(-value.values, value.present, histograms))
