"""
A vector in pieces: its rows part by part as the source hands them out, for what needs each row once only.

An expression that cannot be taken apart comes in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import NAME_ALONE, Grid, Steps
from tocsin.query.promql.invariance import is_invariant
from tocsin.query.promql.over_time import RANGE_FUNCTIONS, range_pieces
from tocsin.query.promql.selectors import has_one_name, select_pieces
from tocsin.query.promql.syntax import Call, Expression, MatrixSelector, VectorSelector


def pieces(context: Context, node: Expression, steps: Steps) -> Iterator[Grid]:
    """
    The rows of a vector. A piece's memory is given back when the next one is asked for.

    Args:
        context: Of the evaluation.
        node: The vector.
        steps: At which instants.
    """
    apart = _taken_apart(context, node, steps)
    if apart is None:
        yield context.vector(node, steps)
        return
    held = context.cells_held
    for piece in apart:
        yield piece
        context.cells_held = held


def _taken_apart(context: Context, node: Expression, steps: Steps) -> Iterator[Grid] | None:
    inner = unwrapped(node)
    if steps.count > 1 and is_invariant(inner, context.invariant):
        return None
    if isinstance(inner, VectorSelector):
        return (grid for grid, _ in select_pieces(context, inner, steps, keep_times=False))
    if isinstance(inner, Call) and inner.function in RANGE_FUNCTIONS and _needs_no_merging(context, inner):
        return range_pieces(context, inner, steps)
    return None


def _needs_no_merging(context: Context, call: Call) -> bool:
    """Whether two pieces cannot have rows that are alike once their names are dropped."""
    function = RANGE_FUNCTIONS[call.function]
    argument = unwrapped(call.arguments[function.range_at])
    if not isinstance(argument, MatrixSelector):
        return False
    if function.keeps_name or context.options.delayed_name_removal:
        return True
    return has_one_name(argument.selector.matchers) and context.metadata_labels == NAME_ALONE
