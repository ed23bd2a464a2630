"""
Aggregations that pick rows rather than make new ones: `topk`, `bottomk`, `limitk`, `limit_ratio`.

Source: Prometheus documentation, 'Operators: aggregation operators'.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.query.promql import remarks as say
from tocsin.query.promql.aggregate_kernels import best_columns, first_columns
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import Floats, Grid, Mask, Steps, ready_floats, ready_mask
from tocsin.query.promql.grouping import Grouping, group_by
from tocsin.query.promql.label_hash import label_hash
from tocsin.query.promql.syntax import Aggregation, Expression

SELECTIONS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_LARGEST_HASH = float(2**64 - 1)


def select_rows(context: Context, node: Aggregation, grid: Grid, steps: Steps) -> Grid:
    """
    The cells that are picked, under their own labels.

    Raises:
        InvalidInput: The parameter is NaN or out of an integer's range.
    """
    assert node.parameter is not None
    parameter = context.scalar(node.parameter, steps)
    if node.operator == "limit_ratio":
        _remark_ratios(context, node.parameter, parameter)
    if not grid.present.any() or (node.operator != "limit_ratio" and parameter.max() < 1):
        return grid.rows(np.zeros(0, dtype=np.int64))
    if node.operator == "limit_ratio":
        kept = _ratio(grid, parameter)
        return grid.with_cells(grid.values, grid.present & kept, grid.histograms).without_empty_rows()
    k = _counts(parameter, grid)
    grouping = group_by(grid.labels, (*node.grouping, *(context.metadata_labels if node.without else ())), kept=not node.without)
    kept = np.zeros(grid.present.shape, dtype=np.bool_)
    if node.operator == "limitk":
        taken = np.zeros((len(grouping.labels), grid.width), dtype=np.int64)
        first_columns(ready_mask(grid.present), grouping.groups, k, taken, kept, 0, grid.width)
        return grid.with_cells(grid.values, kept, grid.histograms).without_empty_rows()
    if grid.histograms is not None and grid.histogram_mask.any() and (k > 0).any():
        context.annotations.add(say.ignored_in_aggregation(node.operator), node.span)
    values, present = ready_floats(grid.values), ready_mask(grid.float_mask)
    highest = node.operator == "topk"
    work = partial(best_columns, values, present, *grouping.members(), k, highest, kept)
    context.in_halves(work, grid.width, values.size)
    picked = grid.with_cells(grid.values, kept)
    return _in_order(picked, grouping, highest=highest) if context.question.instant and steps.count == 1 else picked.without_empty_rows()


def _counts(parameter: Floats, grid: Grid) -> NDArray[np.int64]:
    if np.isnan(parameter).any():
        raise InvalidInput("Parameter value is NaN")
    if (parameter <= -(2.0**63)).any() or (parameter >= 2.0**63).any():
        wrong = parameter[(parameter <= -(2.0**63)) | (parameter >= 2.0**63)][0]
        raise InvalidInput(f"Scalar value {say.shown(float(wrong))} {'underflows' if wrong < 0 else 'overflows'} int64")
    return np.clip(np.trunc(parameter), 0, grid.height).astype(np.int64)


def _in_order(grid: Grid, grouping: Grouping, *, highest: bool) -> Grid:
    """Group after group, the best first, NaN last; of equal ones the first."""
    kept = np.flatnonzero(grid.present[:, 0])
    values = grid.values[kept, 0]
    key = np.where(np.isnan(values), np.inf, -values if highest else values)
    order = np.lexsort((np.isnan(values), key, grouping.groups[kept]))
    return grid.rows(kept[order])


def _remark_ratios(context: Context, node: Expression, parameter: Floats) -> None:
    for wrong in np.unique(parameter[np.abs(parameter) > 1]):
        context.annotations.add(say.invalid_ratio(float(wrong), float(np.sign(wrong))), unwrapped(node).span)


def _ratio(grid: Grid, parameter: Floats) -> Mask:
    """[S, T] rows whose hash lies in the share that is asked for; a negative one takes from the other end."""
    if np.isnan(parameter).any():
        raise InvalidInput("Ratio value is NaN")
    capped = np.clip(parameter, -1.0, 1.0)
    place = np.array([label_hash(labels) / _LARGEST_HASH for labels in grid.labels]).reshape(-1, 1)
    return np.where(capped >= 0, place < capped, place >= 1.0 + capped)
