"""
Binary operators: between scalars, between a vector and a scalar, between vectors.

Source: Prometheus documentation, 'Operators: binary operators'.
"""

from __future__ import annotations

import numpy as np

from tocsin.query.promql.arithmetic import ARITHMETIC, COMPARISONS, Cells, combine
from tocsin.query.promql.context import Context, Value
from tocsin.query.promql.grid import Floats, Grid, Steps
from tocsin.query.promql.matching import match_vectors
from tocsin.query.promql.set_operators import SET_OPERATORS, combine_sets
from tocsin.query.promql.syntax import Binary


def binary(context: Context, node: Binary, steps: Steps) -> Value:
    """
    The operator's value at every step.

    Raises:
        InvalidInput: Series cannot be paired as it is asked for.
    """
    left, right = context.value(node.left, steps), context.value(node.right, steps)
    if isinstance(left, Grid) and isinstance(right, Grid):
        if node.operator in SET_OPERATORS:
            return combine_sets(node, left, right, steps)
        return match_vectors(context, node, left, right, steps)
    if isinstance(left, Grid):
        assert isinstance(right, np.ndarray)
        return _vector_and_scalar(context, node, left, right, scalar_first=False)
    assert isinstance(left, np.ndarray)
    if isinstance(right, Grid):
        return _vector_and_scalar(context, node, right, left, scalar_first=True)
    assert isinstance(right, np.ndarray)
    return _scalars(node, left, right)


def _scalars(node: Binary, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        if node.operator in ARITHMETIC:
            return ARITHMETIC[node.operator](left, right)
        return COMPARISONS[node.operator](left, right).astype(np.float64)


def _vector_and_scalar(context: Context, node: Binary, grid: Grid, scalar: Floats, *, scalar_first: bool) -> Grid:
    vector = Cells(grid.values, grid.present, grid.histograms)
    number = Cells(np.broadcast_to(scalar, grid.values.shape), np.ones(grid.values.shape, dtype=np.bool_))
    left, right = (number, vector) if scalar_first else (vector, number)
    result = combine(context, node, left, right)
    values = result.values
    if scalar_first and node.operator in COMPARISONS and not node.return_bool:
        # A filter keeps the vector's value, on whichever side it stands.
        values = grid.values
    out = grid.with_cells(values, result.present, result.histograms)
    if node.operator in ARITHMETIC or node.return_bool:
        return context.nameless(out)
    return out
