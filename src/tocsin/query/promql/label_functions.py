"""
Functions that change labels or order rows by them.

Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.pattern import compile_pattern, expand
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context, literal_text
from tocsin.query.promql.grid import Grid, Steps, merged
from tocsin.query.promql.syntax import Call

# What a literal holds where its bytes are no UTF-8.
_NOT_TEXT = "\ufffd"
_DIGITS = re.compile(r"\d+|\D+")


def label_replace(context: Context, call: Call, steps: Steps) -> Grid:
    """
    `label_replace(v, dst, replacement, src, regex)`: where the whole value of `src` matches, `dst` becomes the replacement.

    Raises:
        InvalidInput: The regular expression or the label's name is none; two rows become alike.
    """
    target, template, source, pattern = (literal_text(one) for one in call.arguments[1:])
    try:
        expression = compile_pattern(pattern)
    except InvalidInput as error:
        raise InvalidInput(f"invalid regular expression in label_replace(): {pattern}") from error
    if not is_label_name(target):
        raise InvalidInput(f"invalid destination label name in label_replace(): {target}")
    grid = context.vector(call.arguments[0], steps)

    def change(labels: Labels) -> str | None:
        found = expression.fullmatch(labels.get(source))
        return None if found is None else expand(template, found)

    return _relabelled(grid, target, change)


def is_label_name(name: str) -> bool:
    """Whether a label can be named so: any text of UTF-8 but the empty one."""
    return bool(name) and _NOT_TEXT not in name


def label_join(context: Context, call: Call, steps: Steps) -> Grid:
    """
    `label_join(v, dst, separator, src...)`: `dst` becomes the values of the others, joined.

    Raises:
        InvalidInput: A label's name is none; two rows become alike.
    """
    target, separator, *sources = (literal_text(one) for one in call.arguments[1:])
    for name in sources:
        if not is_label_name(name):
            raise InvalidInput(f"invalid source label name in label_join(): {name}")
    if not is_label_name(target):
        raise InvalidInput(f"invalid destination label name in label_join(): {target}")
    grid = context.vector(call.arguments[0], steps)
    return _relabelled(grid, target, lambda labels: separator.join([labels.get(name) for name in sources]))


def _relabelled(grid: Grid, target: str, change: Callable[[Labels], str | None]) -> Grid:
    labels = []
    pending = None if grid.pending is None else grid.pending.copy()
    for row, one in enumerate(grid.labels):
        value = change(one)
        labels.append(one if value is None else one.replace(**{target: value}))
        if pending is not None and value is not None and target == METRIC_NAME:
            pending[row] = False
    return merged(Grid(labels, grid.values, grid.present, grid.histograms, pending=pending))


def sort_by_label(context: Context, call: Call, steps: Steps) -> Grid:
    """`sort_by_label(v, label...)` and `sort_by_label_desc`: in natural order, then by all labels; instant queries only."""
    names = [literal_text(one) for one in call.arguments[1:]]
    grid = context.vector(call.arguments[0], steps)
    if not context.question.instant:
        context.annotations.add(say.sort_in_range_query(), call.span)
        return grid
    keys = [([natural_key(labels.get(name)) for name in names], labels) for labels in grid.labels]
    order = sorted(range(grid.height), key=keys.__getitem__, reverse=call.function.endswith("_desc"))
    return grid.rows(np.array(order, dtype=np.int64))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts `a2` before `a10`."""
    return [(0, int(part), part) if part[0].isdecimal() else (1, 0, part) for part in _DIGITS.findall(text)]


def sort_by_value(context: Context, call: Call, steps: Steps) -> Grid:
    """`sort(v)` and `sort_desc`: floats by value, NaN last; instant queries only."""
    grid = context.vector(call.arguments[0], steps).floats_only().without_empty_rows()
    if not context.question.instant:
        context.annotations.add(say.sort_in_range_query(), call.span)
    if not context.question.instant or steps.count != 1:
        return grid
    values = grid.values[:, 0]
    unknown = np.isnan(values)
    key = np.where(unknown, 0.0, -values if call.function == "sort_desc" else values)
    return grid.rows(np.lexsort((key, unknown)))
