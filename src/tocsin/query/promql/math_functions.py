"""
Functions of one vector's floats, cell by cell; native histograms are left out silently.

Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Floats, Grid, Steps, empty_grid
from tocsin.query.promql.syntax import Call


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def greater_of(a: Floats, b: Floats) -> Floats:
    """The larger of two numbers: NaN if one of them is, unless the other is +Inf."""
    return np.where((a == np.inf) | (b == np.inf), np.inf, np.maximum(a, b))


def less_of(a: Floats, b: Floats) -> Floats:
    """The smaller of two numbers: NaN if one of them is, unless the other is -Inf."""
    return np.where((a == -np.inf) | (b == -np.inf), -np.inf, np.minimum(a, b))


CELL_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / math.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * math.pi / 180,
    "sgn": _sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def cell_function(context: Context, call: Call, steps: Steps) -> Grid:
    """Any of `CELL_FUNCTIONS`."""
    grid = context.vector(call.arguments[0], steps)
    with np.errstate(all="ignore"):
        return context.nameless(grid.floats_only(CELL_FUNCTIONS[call.function](grid.values)))


def clamp(context: Context, call: Call, steps: Steps) -> Grid:
    """`clamp(v, min, max)`: nothing at steps where min > max."""
    low, high = (context.scalar(one, steps) for one in call.arguments[1:])
    grid = context.vector(call.arguments[0], steps)
    clamped = grid.floats_only(greater_of(low, less_of(high, grid.values)))
    clamped.present = clamped.present & ~(low > high)
    return context.nameless(clamped)


def clamp_max(context: Context, call: Call, steps: Steps) -> Grid:
    """`clamp_max(v, max)`."""
    high = context.scalar(call.arguments[1], steps)
    grid = context.vector(call.arguments[0], steps)
    return context.nameless(grid.floats_only(less_of(grid.values, high)))


def clamp_min(context: Context, call: Call, steps: Steps) -> Grid:
    """`clamp_min(v, min)`."""
    low = context.scalar(call.arguments[1], steps)
    grid = context.vector(call.arguments[0], steps)
    return context.nameless(grid.floats_only(greater_of(grid.values, low)))


def rounded(context: Context, call: Call, steps: Steps) -> Grid:
    """`round(v, to_nearest=1)`: ties go up."""
    nearest = context.scalar(call.arguments[1], steps) if len(call.arguments) > 1 else np.ones(steps.count)
    grid = context.vector(call.arguments[0], steps)
    if not grid.height:
        return empty_grid(steps.count)
    with np.errstate(all="ignore"):
        inverse = 1.0 / nearest
        return context.nameless(grid.floats_only(np.floor(grid.values * inverse + 0.5) / inverse))
