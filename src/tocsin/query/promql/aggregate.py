"""
Aggregations: `sum`, `avg`, `topk`, `quantile` and the others, over the rows of a vector, step by step.

Source: Prometheus documentation, 'Operators: aggregation operators'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.query.promql import remarks as say
from tocsin.query.promql.aggregate_kernels import (
    average_rows,
    count_rows,
    extreme_rows,
    quantile_columns,
    sum_rows,
    variance_rows,
)
from tocsin.query.promql.context import Context, literal_text
from tocsin.query.promql.grid import Floats, Grid, Mask, Steps, empty_grid, merged, ready_floats, ready_mask
from tocsin.query.promql.grouping import Grouping, group_by
from tocsin.query.promql.histogram_arithmetic import average_of, sum_of
from tocsin.query.promql.histogram_text import histogram_text, number_text
from tocsin.query.promql.label_functions import is_label_name
from tocsin.query.promql.selection import SELECTIONS, select_rows
from tocsin.query.promql.syntax import Aggregation

_FLOAT_KERNELS: Mapping[str, Callable[..., None]] = {
    "sum": sum_rows,
    "avg": average_rows,
    "min": lambda values, present, groups, *rest: extreme_rows(values, present, groups, False, *rest),
    "max": lambda values, present, groups, *rest: extreme_rows(values, present, groups, True, *rest),
    "stdvar": variance_rows,
    "stddev": variance_rows,
}
_FLOATS_ONLY = frozenset({"min", "max", "stdvar", "stddev", "quantile"})


def aggregate(context: Context, node: Aggregation, steps: Steps) -> Grid:
    """
    The aggregation's vector at every step.

    Raises:
        InvalidInput: A parameter that is no number of samples, no ratio, no name of a label.
    """
    grid = context.vector(node.expression, steps)
    if node.operator in SELECTIONS:
        return select_rows(context, node, grid, steps)
    if node.operator == "count_values":
        return _count_values(node, grid, steps)
    if not grid.height:
        return empty_grid(steps.count)
    grouping = group_rows(context, node, grid)
    if node.operator in {"count", "group"}:
        return _counted(context, node.operator, grid, grouping)
    return _numbers(context, node, grid, grouping, steps)


def group_rows(context: Context, node: Aggregation, grid: Grid) -> Grouping:
    """The groups that `by` or `without` make of the rows."""
    if node.without:
        return group_by(grid.raw, (*node.grouping, *context.metadata_labels), kept=False)
    dropped = METRIC_NAME in node.grouping or any(name in node.grouping for name in grid.nameless)
    return group_by(grid.labels if dropped else grid.raw, node.grouping, kept=True)


def group_pending(node: Aggregation, grid: Grid, grouping: Grouping) -> Mask | None:
    """[G] groups that lose their name at the end of the query: those with a row that does; None: none."""
    if grid.pending is None or node.without or METRIC_NAME not in node.grouping:
        return None
    pending = np.zeros(len(grouping.labels), dtype=np.bool_)
    np.logical_or.at(pending, grouping.groups, grid.pending)
    return pending


def _counted(context: Context, operator: str, grid: Grid, grouping: Grouping) -> Grid:
    counts = np.zeros((len(grouping.labels), grid.width), dtype=np.int64)
    present = ready_mask(grid.present)
    context.in_halves(partial(count_rows, present, grouping.groups, counts), grid.width, present.size)
    values = counts.astype(np.float64) if operator == "count" else np.ones(counts.shape)
    return Grid(grouping.labels, values, counts > 0)


def _numbers(context: Context, node: Aggregation, grid: Grid, grouping: Grouping, steps: Steps) -> Grid:
    values = ready_floats(grid.values)
    present = ready_mask(grid.float_mask)
    out = np.zeros((len(grouping.labels), grid.width))
    counts = np.zeros(out.shape, dtype=np.int64)
    if node.operator == "quantile":
        work = partial(quantile_columns, values, present, *grouping.members(), _quantiles(context, node, steps), out, counts)
    else:
        work = partial(_FLOAT_KERNELS[node.operator], values, present, grouping.groups, out, counts)
    context.in_halves(work, grid.width, values.size)
    if node.operator == "stddev":
        np.sqrt(out, out=out)
    result = Grid(grouping.labels, out, counts > 0, pending=group_pending(node, grid, grouping))
    if grid.histograms is None:
        return result
    if node.operator in _FLOATS_ONLY:
        if grid.histogram_mask.any():
            context.annotations.add(say.ignored_in_aggregation(node.operator), node.expression.span)
        return result
    return _with_histograms(context, node, grid, grouping, result)


def _quantiles(context: Context, node: Aggregation, steps: Steps) -> Floats:
    assert node.parameter is not None
    q = ready_floats(context.scalar(node.parameter, steps))
    for one in np.unique(q[~((q >= 0) & (q <= 1))]):
        context.annotations.add(say.invalid_quantile(float(one)), node.parameter.span)
    return q


def _with_histograms(context: Context, node: Aggregation, grid: Grid, grouping: Grouping, result: Grid) -> Grid:
    """Sums and averages of native histograms; a group with both kinds has no result at that step."""
    assert grid.histograms is not None
    mask = grid.histogram_mask
    held = np.zeros(result.present.shape, dtype=np.bool_)
    np.logical_or.at(held, grouping.groups, mask)
    histograms = np.full(result.present.shape, None, dtype=object)
    combine = sum_of if node.operator == "sum" else average_of
    for group, step in np.argwhere(held):
        if result.present[group, step]:
            result.present[group, step] = False
            context.annotations.add(say.mixed_aggregation(), node.expression.span)
            continue
        rows = np.flatnonzero(mask[:, step] & (grouping.groups == group))
        combined, remarks = combine(list(grid.histograms[rows, step]))
        context.annotations.add_remarks(remarks, node.expression.span)
        histograms[group, step] = combined
        result.present[group, step] = combined is not None
    result.histograms = histograms
    return result


def _count_values(node: Aggregation, grid: Grid, steps: Steps) -> Grid:
    assert node.parameter is not None
    name = literal_text(node.parameter)
    if not is_label_name(name):
        raise InvalidInput(f'invalid label name "{name}" for count_values: a name is UTF-8 and has at least one character')
    names = tuple(one for one in node.grouping if one != name) if not node.without else (*node.grouping, name)
    grouping = group_by(grid.labels, names, kept=not node.without)
    counts: dict[Labels, NDArray[np.float64]] = {}
    for group, text, occurrences in _occurrences(grid, grouping):
        labels = grouping.labels[group].replace(**{name: text})
        counts[labels] = counts.get(labels, 0) + occurrences
    if not counts:
        return empty_grid(steps.count)
    values = np.stack(list(counts.values()))
    return merged(Grid(list(counts), values, values > 0))


def _occurrences(grid: Grid, grouping: Grouping) -> Iterator[tuple[int, str, NDArray[np.float64]]]:
    """Every value of every group, as a text, with [T] how often it comes; one text may come more than once."""
    mask = grid.float_mask
    rows, columns = np.nonzero(mask)
    bits, which = np.unique(ready_floats(grid.values)[mask].view(np.int64), return_inverse=True)
    pairs, place = np.unique(grouping.groups[rows] * len(bits) + which, return_inverse=True)
    counts = np.zeros((len(pairs), grid.width))
    np.add.at(counts, (place, columns), 1.0)
    numbers = bits.view(np.float64)
    for pair, occurrences in zip(pairs.tolist(), counts, strict=True):
        yield pair // len(bits), number_text(float(numbers[pair % len(bits)])), occurrences
    if grid.histograms is not None:
        for row, step in np.argwhere(grid.histogram_mask):
            once = np.zeros(grid.width)
            once[step] = 1.0
            yield int(grouping.groups[row]), histogram_text(grid.histograms[row, step]), once
