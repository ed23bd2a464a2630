"""
Aggregations: `sum`, `avg`, `topk`, `quantile` and the others, over the rows of a vector, step by step.

Source: Prometheus documentation, 'Operators: aggregation operators'.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql import remarks as say
from tocsin.query.promql.accumulators import ACCUMULATED, COUNTING, Accumulator
from tocsin.query.promql.aggregate_kernels import quantile_columns
from tocsin.query.promql.context import Context, literal_text, unwrapped
from tocsin.query.promql.grid import Floats, Grid, Steps, empty_grid, merged, ready_floats, ready_mask
from tocsin.query.promql.grouping import Grouping, Groups, group_by
from tocsin.query.promql.histogram_arithmetic import average_of, sum_of
from tocsin.query.promql.histogram_text import histogram_text, number_text
from tocsin.query.promql.label_functions import is_label_name
from tocsin.query.promql.pieces import pieces
from tocsin.query.promql.selection import SELECTIONS, select_rows
from tocsin.query.promql.syntax import Aggregation

_SUMMED = frozenset({"sum", "avg"})


def aggregate(context: Context, node: Aggregation, steps: Steps) -> Grid:
    """
    The aggregation's vector at every step.

    Raises:
        InvalidInput: A parameter that is no number of samples, no ratio, no name of a label.
    """
    if node.operator in ACCUMULATED:
        return _accumulated(context, node, steps)
    grid = context.vector(node.expression, steps)
    if node.operator in SELECTIONS:
        return select_rows(context, node, grid, steps)
    if node.operator == "count_values":
        return _count_values(node, grid, steps)
    q = _quantiles(context, node, steps)
    return _quantile(context, node, grid, q) if grid.height else empty_grid(steps.count)


def _grouping_names(context: Context, node: Aggregation) -> tuple[str, ...]:
    return (*node.grouping, *context.metadata_labels) if node.without else node.grouping


def _looked_at(node: Aggregation, grid: Grid) -> Sequence[Labels]:
    """Labels of the rows; those that were dropped need not be taken off unless the grouping asks for them."""
    asks_for_dropped = not node.without and any(name in node.grouping for name in grid.nameless)
    return grid.labels if asks_for_dropped else grid.raw


def _accumulated(context: Context, node: Aggregation, steps: Steps) -> Grid:
    """Aggregations that need every row once only."""
    groups = Groups(_grouping_names(context, node), kept=not node.without)
    accumulator = Accumulator(node.operator, steps.count)
    keeps_names = not node.without and METRIC_NAME in node.grouping
    gone: set[int] = set()
    apart: list[tuple[Grid, NDArray[np.int64]]] = []
    for piece in pieces(context, node.expression, steps):
        of = groups.of(_looked_at(node, piece))
        accumulator.add(context, piece, of, len(groups))
        if keeps_names and piece.pending is not None:
            gone.update(of[piece.pending].tolist())
        if piece.histograms is not None and node.operator not in COUNTING:
            rows = np.flatnonzero(piece.histogram_mask.any(axis=1))
            apart.append((piece.rows(rows), of[rows]))
    values, present = accumulator.finished(len(groups))
    pending = np.isin(np.arange(len(groups)), list(gone)) if gone else None
    result = Grid(groups.labels, values, present, pending=pending)
    return _with_histograms(context, node, apart, result) if any(len(of) for _, of in apart) else result


def _quantile(context: Context, node: Aggregation, grid: Grid, q: Floats) -> Grid:
    grouping = group_by(_looked_at(node, grid), _grouping_names(context, node), kept=not node.without)
    values, present = ready_floats(grid.values), ready_mask(grid.float_mask)
    out = np.zeros((len(grouping.labels), grid.width))
    counts = np.zeros(out.shape, dtype=np.int64)
    work = partial(quantile_columns, values, present, *grouping.members(), q, out, counts)
    context.in_halves(work, grid.width, values.size)
    if grid.histogram_mask.any():
        context.annotations.add(say.ignored_in_aggregation(node.operator), node.expression.span)
    pending = None
    if grid.pending is not None and not node.without and METRIC_NAME in node.grouping:
        pending = np.zeros(len(grouping.labels), dtype=np.bool_)
        np.logical_or.at(pending, grouping.groups, grid.pending)
    return Grid(grouping.labels, out, counts > 0, pending=pending)


def _quantiles(context: Context, node: Aggregation, steps: Steps) -> Floats:
    assert node.parameter is not None
    q = ready_floats(context.scalar(node.parameter, steps))
    for one in np.unique(q[~((q >= 0) & (q <= 1))]):
        context.annotations.add(say.invalid_quantile(float(one)), unwrapped(node.parameter).span)
    return q


def _with_histograms(context: Context, node: Aggregation, apart: list[tuple[Grid, NDArray[np.int64]]], result: Grid) -> Grid:
    """
    Sums and averages of native histograms; a group with both kinds has no result at that step.

    Args:
        context: For remarks.
        node: The aggregation.
        apart: Rows with histograms, and which group each is in.
        result: What the floats gave; changed in place.
    """
    span = node.expression.span
    if node.operator not in _SUMMED:
        context.annotations.add(say.ignored_in_aggregation(node.operator), span)
        return result
    found: dict[tuple[int, int], list[NativeHistogram]] = {}
    for grid, groups in apart:
        assert grid.histograms is not None
        for row, step in np.argwhere(grid.histogram_mask).tolist():
            found.setdefault((int(groups[row]), step), []).append(grid.histograms[row, step])
    result.histograms = np.full(result.present.shape, None, dtype=object)
    for cell, histograms in found.items():
        if result.present[cell]:
            result.present[cell] = False
            context.annotations.add(say.mixed_aggregation(), span)
            continue
        combined, remarks = (sum_of if node.operator == "sum" else average_of)(histograms)
        context.annotations.add_remarks(remarks, span)
        result.histograms[cell] = combined
        result.present[cell] = combined is not None
    return result


def _count_values(node: Aggregation, grid: Grid, steps: Steps) -> Grid:
    assert node.parameter is not None
    name = literal_text(node.parameter)
    if not is_label_name(name):
        raise InvalidInput(f'invalid label name "{name}"')
    names = tuple(one for one in node.grouping if one != name) if not node.without else (*node.grouping, name)
    grouping = group_by(grid.labels, names, kept=not node.without)
    dropped = node.without and name in {*node.grouping, METRIC_NAME}
    counts: dict[Labels, NDArray[np.float64]] = {}
    for group, text, occurrences in _occurrences(grid, grouping):
        labels = grouping.labels[group] if dropped else grouping.labels[group].replace(**{name: text})
        counts[labels] = counts.get(labels, 0) + occurrences
    if not counts:
        return empty_grid(steps.count)
    values = np.stack(list(counts.values()))
    return merged(Grid(list(counts), values, values > 0))


def value_text(value: float) -> str:
    """A value as a label: all its digits, never an exponent; `NaN`, `+Inf`, `-Inf`."""
    if not math.isfinite(value):
        return number_text(value)
    return format(Decimal(repr(value)), "f").removesuffix(".0")


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
        yield pair // len(bits), value_text(float(numbers[pair % len(bits)])), occurrences
    if grid.histograms is not None:
        for row, step in np.argwhere(grid.histogram_mask):
            once = np.zeros(grid.width)
            once[step] = 1.0
            yield int(grouping.groups[row]), histogram_text(grid.histograms[row, step]), once
