"""
Functions between scalars and vectors, and what says whether anything is there.

Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import Floats, Grid, Steps, empty_grid
from tocsin.query.promql.math_functions import greater_of, less_of
from tocsin.query.promql.over_time import window_counts
from tocsin.query.promql.ranges import range_of, require_plain
from tocsin.query.promql.selectors import select_starts, select_timestamps
from tocsin.query.promql.syntax import Call, Expression, MatrixSelector, RangeExtension, VectorSelector


def time_function(context: Context, call: Call, steps: Steps) -> Floats:
    """`time()`: the instant of evaluation, seconds since 1970."""
    del context, call
    return steps.times_ms / 1000


def question_function(context: Context, call: Call, steps: Steps) -> Floats:
    """`start()`, `end()`, `range()` and `step()` of the whole query, seconds."""
    asked = context.question
    milliseconds = {
        "start": asked.steps.start_ms,
        "end": asked.end_ms,
        "range": asked.end_ms - asked.steps.start_ms,
        "step": asked.steps.step_ms,
    }[call.function]
    return np.full(steps.count, milliseconds / 1000)


def pi_function(context: Context, call: Call, steps: Steps) -> Floats:
    """`pi()`."""
    del context, call
    return np.full(steps.count, math.pi)


def extreme_function(context: Context, call: Call, steps: Steps) -> Floats:
    """`max_of(a, b)` and `min_of(a, b)`."""
    left, right = (context.scalar(one, steps) for one in call.arguments)
    return greater_of(left, right) if call.function == "max_of" else less_of(left, right)


def vector_function(context: Context, call: Call, steps: Steps) -> Grid:
    """`vector(s)`: one series without labels."""
    values = context.scalar(call.arguments[0], steps)
    return Grid([Labels()], np.array(values).reshape(1, -1), np.ones((1, steps.count), dtype=np.bool_))


def scalar_function(context: Context, call: Call, steps: Steps) -> Floats:
    """`scalar(v)`: the value of the only float; NaN where there is none, or more than one."""
    grid = context.vector(call.arguments[0], steps)
    floats = grid.float_mask
    if not grid.height:
        return np.full(steps.count, np.nan)
    only = grid.values[floats.argmax(axis=0), np.arange(steps.count)]
    return np.where(floats.sum(axis=0) == 1, only, np.nan)


def timestamp_function(context: Context, call: Call, steps: Steps) -> Grid:
    """`timestamp(v)`: when the sample was taken, for a plain selector; the instant of evaluation for anything else."""
    argument = unwrapped(call.arguments[0])
    if isinstance(argument, VectorSelector):
        return context.nameless(select_timestamps(context, argument, steps))
    grid = context.vector(argument, steps)
    times = np.broadcast_to(steps.times_ms / 1000, grid.values.shape)
    return context.nameless(grid.with_cells(times, grid.present))


def start_timestamp_function(context: Context, call: Call, steps: Steps) -> Grid:
    """
    `start_timestamp(v)`: since when the sample has been counting; 0 where that is unknown.

    Raises:
        InvalidInput: The argument is no plain selector: what was computed has no start.
    """
    argument = unwrapped(call.arguments[0])
    if not isinstance(argument, VectorSelector) or argument.extension is not RangeExtension.NONE:
        raise InvalidInput("start_timestamp() expects a selector without anchored or smoothed, such as start_timestamp(requests_total)")
    return context.nameless(select_starts(context, argument, steps))


def absent(context: Context, call: Call, steps: Steps) -> Grid:
    """`absent(v)`: 1 where the vector is empty, under the labels that the selector asks for."""
    grid = context.vector(call.arguments[0], steps)
    return _absent(call.arguments[0], np.asarray(grid.present.any(axis=0)), steps)


def absent_over_time(context: Context, call: Call, steps: Steps) -> Grid:
    """`absent_over_time(v)`: 1 where no series has a sample in the window."""
    argument = range_of(context, call.arguments[0], steps)
    require_plain(argument, call.function)
    return _absent(call.arguments[0], window_counts(context, argument, steps), steps)


def _absent(argument: Expression, found: np.ndarray, steps: Steps) -> Grid:
    if found.all():
        return empty_grid(steps.count)
    node = unwrapped(argument)
    if isinstance(node, MatrixSelector):
        node = node.selector
    labels = labels_asked_for(node.matchers) if isinstance(node, VectorSelector) else Labels()
    return Grid([labels], np.ones((1, steps.count)), ~found.reshape(1, -1))


def labels_asked_for(matchers: Sequence[Matcher]) -> Labels:
    """Labels that are asked for by equality, once each; a label with another matcher is left out, and so is the name."""
    values: dict[str, str] = {}
    several: set[str] = set()
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.operator is MatchOperator.EQUAL and matcher.name not in values and matcher.name not in several:
            values[matcher.name] = matcher.value
        else:
            several.add(matcher.name)
    return Labels((name, value) for name, value in values.items() if name not in several)
