"""
`histogram_quantile`, `histogram_fraction` and the others: native histograms cell by cell, classic ones put together from their buckets.

Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql import remarks as say
from tocsin.query.promql.classic import bucket_fraction, bucket_quantile, parse_le
from tocsin.query.promql.context import Context, literal_text
from tocsin.query.promql.grid import Floats, Grid, Mask, Steps, empty_grid, merged, stacked
from tocsin.query.promql.histogram_notes import Remarks
from tocsin.query.promql.histogram_quantile import average, fraction, quantile, standard_deviation, variance
from tocsin.query.promql.histogram_text import number_text
from tocsin.query.promql.syntax import Call, Expression

_BUCKET = "le"
_NUMBERS: Mapping[str, Callable[[NativeHistogram], float]] = {
    "histogram_avg": average,
    "histogram_count": lambda histogram: histogram.count,
    "histogram_sum": lambda histogram: histogram.sum,
    "histogram_stddev": standard_deviation,
    "histogram_stdvar": variance,
}
NUMBER_FUNCTIONS = frozenset(_NUMBERS)
_WITHOUT_BUCKETS = frozenset({"histogram_avg", "histogram_count", "histogram_sum"})


def histogram_number(context: Context, call: Call, steps: Steps) -> Grid:
    """`histogram_avg`, `_count`, `_sum`, `_stddev` and `_stdvar`: one number of each native histogram; floats are left out."""
    grid = context.vector_for(call.arguments[0], steps, counts_alone=call.function in _WITHOUT_BUCKETS)
    number = _NUMBERS[call.function]
    values = np.zeros(grid.values.shape)
    mask = grid.histogram_mask
    if grid.histograms is not None:
        for cell in map(tuple, np.argwhere(mask)):
            values[cell] = number(grid.histograms[cell])
    return context.nameless(grid.with_cells(values, mask).without_empty_rows())


@dataclass(frozen=True, slots=True)
class _Classic:
    """Buckets of one classic histogram: the labels without `le`, rows of the grid, and their upper bounds."""

    labels: Labels
    rows: NDArray[np.int64]
    bounds: Floats
    pending: bool


def histogram_quantile(context: Context, call: Call, steps: Steps) -> Grid:
    """`histogram_quantile(q, b)`."""
    q_node, argument = call.arguments
    q = context.scalar(q_node, steps)
    _check_quantiles(context, q, q_node)
    grid = context.vector_for(argument, steps, counts_alone=False)
    return _quantiles(context, call.function, argument, grid, q, steps)


def histogram_quantiles(context: Context, call: Call, steps: Steps) -> Grid:
    """`histogram_quantiles(b, label, q...)`: several quantiles, each under its own value of the label."""
    argument, label_node, *q_nodes = call.arguments
    name = literal_text(label_node)
    grid = context.vector_for(argument, steps, counts_alone=False)
    parts = []
    for q_node in q_nodes:
        q = context.scalar(q_node, steps)
        _check_quantiles(context, q, q_node)
        part = _quantiles(context, call.function, argument, grid, q, steps)
        for value in np.unique(q):
            at = q == value if value == value else np.isnan(q)  # noqa: PLR0124 - only NaN differs from itself
            labels = [one.replace(**{name: quantile_text(float(value))}) for one in part.labels]
            parts.append(Grid(labels, part.values, part.present & at, pending=part.pending))
    return merged(stacked(parts, steps.count).without_empty_rows())


def quantile_text(q: float) -> str:
    """A quantile as a label's value, as OpenMetrics writes numbers: `0.9`, `1.0`."""
    text = number_text(q)
    return text if any(sign in text for sign in ".eIN") else f"{text}.0"


def _check_quantiles(context: Context, q: Floats, node: Expression) -> None:
    for one in np.unique(q[~((q >= 0) & (q <= 1))]):
        context.annotations.add(say.invalid_quantile(float(one)), node.span)


def _quantiles(context: Context, function: str, argument: Expression, grid: Grid, q: Floats, steps: Steps) -> Grid:
    native = _native(context, function, argument, grid, lambda t, histogram: quantile(float(q[t]), histogram))
    parts = [native]
    for one in _classic_histograms(context, grid, argument, native):
        answer = bucket_quantile(q, one.bounds, grid.values[one.rows], grid.float_mask[one.rows])
        present = _classic_present(context, grid, one, native, argument)
        parts.append(_one_row(one, answer.values, present, grid))
        forced = np.flatnonzero(answer.forced_monotonic & present)
        if forced.size:
            note = say.forced_monotonic(
                one.labels.metric,
                (float(np.nanmin(answer.forced_min_bucket[forced])), float(np.nanmax(answer.forced_max_bucket[forced]))),
                float(np.nanmax(answer.forced_max_difference[forced])),
                steps.times_ms[forced].tolist(),
            )
            context.annotations.add(note, argument.span)
    return _together(context, parts, steps)


def histogram_fraction(context: Context, call: Call, steps: Steps) -> Grid:
    """`histogram_fraction(lower, upper, b)`."""
    lower, upper = (context.scalar(one, steps) for one in call.arguments[:2])
    argument = call.arguments[2]
    grid = context.vector_for(argument, steps, counts_alone=False)
    native = _native(context, call.function, argument, grid, lambda t, histogram: fraction(float(lower[t]), float(upper[t]), histogram))
    parts = [native]
    for one in _classic_histograms(context, grid, argument, native):
        values = bucket_fraction(lower, upper, one.bounds, grid.values[one.rows], grid.float_mask[one.rows])
        parts.append(_one_row(one, values, _classic_present(context, grid, one, native, argument), grid))
    return _together(context, parts, steps)


def _native(
    context: Context,
    function: str,
    argument: Expression,
    grid: Grid,
    of: Callable[[int, NativeHistogram], tuple[float, Remarks]],
) -> Grid:
    mask = grid.histogram_mask
    values = np.zeros(grid.values.shape)
    if grid.histograms is not None:
        for row, step in np.argwhere(mask):
            value, remarks = of(int(step), grid.histograms[row, step])
            values[row, step] = value
            context.annotations.add_remarks(remarks, argument.span, metric=grid.labels[row].metric, function=function)
    return grid.with_cells(values, mask).without_empty_rows()


def _classic_histograms(context: Context, grid: Grid, argument: Expression, native: Grid) -> list[_Classic]:
    """Rows with a bound, by their other labels; a row without one is left out, with a warning if it looks like a mistake."""
    del native
    found: dict[Labels, tuple[list[int], list[float]]] = {}
    floats = np.asarray(grid.float_mask.any(axis=1))
    for row, labels in enumerate(grid.labels):
        if not floats[row]:
            continue
        text = labels.get(_BUCKET)
        bound = parse_le(text)
        if bound is None:
            context.annotations.add(say.bad_bucket_label(labels.metric, text), argument.span)
            continue
        rows, bounds = found.setdefault(labels.drop((_BUCKET,)), ([], []))
        rows.append(row)
        bounds.append(bound)
    return [
        _Classic(labels, np.array(rows), np.array(bounds), grid.pending is not None and bool(grid.pending[rows].any()))
        for labels, (rows, bounds) in found.items()
    ]


def _classic_present(context: Context, grid: Grid, one: _Classic, native: Grid, argument: Expression) -> Mask:
    """[T] where the classic histogram has buckets; not where a native one has the same labels, which leaves neither."""
    present = np.asarray(grid.float_mask[one.rows].any(axis=0))
    for row, labels in enumerate(native.labels):
        if labels.drop((METRIC_NAME,)) == one.labels.drop((METRIC_NAME,)) and labels.metric == one.labels.metric:
            both = present & native.present[row]
            if both.any():
                context.annotations.add(say.mixed_classic_native(labels.metric), argument.span)
                native.present[row] &= ~both
                present = present & ~both
    return present


def _one_row(one: _Classic, values: Floats, present: Mask, grid: Grid) -> Grid:
    pending = None if grid.pending is None else np.array([one.pending])
    return Grid([one.labels], values.reshape(1, -1), present.reshape(1, -1), pending=pending)


def _together(context: Context, parts: Sequence[Grid], steps: Steps) -> Grid:
    whole = [part for part in parts if part.height]
    if not whole:
        return empty_grid(steps.count)
    return context.nameless(stacked(whole, steps.count).without_empty_rows())
