"""
Pairing the rows of two vectors for an operator between them: one to one, many to one, with labels carried over and missing sides filled.

Labels decide once for all steps which rows could meet; the cells then say at which steps they do, and whether two want the same partner.
Source: Prometheus documentation, 'Operators: vector matching'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.query.promql.arithmetic import ARITHMETIC, Cells, combine
from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Grid, Mask, Objects, Steps, empty_grid, merged, without
from tocsin.query.promql.set_operators import shared_groups
from tocsin.query.promql.syntax import Binary, Cardinality, VectorMatching

Index = NDArray[np.int64]

MANY_TO_MANY = "many-to-many matching not allowed: matching labels must be unique on one side"
IMPLICIT = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
AMBIGUOUS = "multiple matches for labels: grouping labels must ensure unique matches"


@dataclass(frozen=True, slots=True)
class _Sides:
    """
    The vectors by their part: `many` may have several rows of a group, `one` must not.

    Args:
        many: The left one, unless `group_right`.
        one: The other.
        many_groups: [S] groups of its rows.
        one_groups: [S] groups of its rows.
        groups: How many there are.
        swapped: `many` is the right one.
    """

    many: Grid
    one: Grid
    many_groups: Index
    one_groups: Index
    groups: int
    swapped: bool


def match_vectors(context: Context, node: Binary, left: Grid, right: Grid, steps: Steps) -> Grid:
    """
    The operator's vector at every step.

    Raises:
        InvalidInput: A row has several partners where one is allowed.
    """
    matching = node.matching
    assert matching is not None
    if not left.height and not right.height:
        return empty_grid(steps.count)
    left_groups, right_groups, groups = shared_groups(matching, left, right)
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    many_groups, one_groups = (right_groups, left_groups) if swapped else (left_groups, right_groups)
    sides = _Sides(many, one, many_groups, one_groups, groups, swapped)
    _check_unique(sides, matching)
    parts = [_paired(context, node, matching, sides)]
    fill_many, fill_one = (matching.fill_right, matching.fill_left) if swapped else (matching.fill_left, matching.fill_right)
    if fill_one is not None:
        parts.append(_filled(context, node, matching, sides, fill_one, missing_one=True))
    if fill_many is not None:
        parts.append(_filled(context, node, matching, sides, fill_many, missing_one=False))
    return _joined(context, matching, [part for part in parts if part.labels], steps)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of the result: their labels, cells, groups, and whether their name goes at the end of the query."""

    labels: list[Labels]
    cells: Cells
    groups: Index
    pending: Mask | None


def _check_unique(sides: _Sides, matching: VectorMatching) -> None:
    """Refuse two rows of a group on the 'one' side at a step at which both vectors have any row."""
    sizes = np.bincount(sides.one_groups, minlength=sides.groups)
    if (sizes <= 1).all():
        return
    any_many = sides.many.present.any(axis=0)
    for group in np.flatnonzero(sizes > 1):
        rows = np.flatnonzero(sides.one_groups == group)
        clash = (sides.one.present[rows].sum(axis=0) > 1) & any_many
        if clash.any():
            there = rows[sides.one.present[rows, np.flatnonzero(clash)[0]]]
            first, second = (sides.one.labels[row] for row in there[:2])
            side = "left" if sides.swapped else "right"
            common = _group_labels(first, matching)
            raise InvalidInput(
                f"found duplicate series for the match group {_braced(common)} on the {side} hand-side of the operation: "
                f"[{_braced(second)}, {_braced(first)}];{MANY_TO_MANY}"
            )


def _paired(context: Context, node: Binary, matching: VectorMatching, sides: _Sides) -> _Part:
    many_rows, one_rows = _pairs(sides)
    context.check_room(len(many_rows) * sides.many.width)
    many, one = _cells(sides.many, many_rows), _cells(sides.one, one_rows)
    cells = combine(context, node, one, many) if sides.swapped else combine(context, node, many, one)
    labels = [
        _result_labels(context, node, matching, sides.many.labels[m], sides.one.labels[o]) for m, o in zip(many_rows, one_rows, strict=True)
    ]
    return _Part(labels, cells, sides.many_groups[many_rows], _pending(context, node, sides.many, many_rows))


def _pairs(sides: _Sides) -> tuple[Index, Index]:
    """Rows of both sides that are in the same group, every combination."""
    order = np.argsort(sides.one_groups, kind="stable")
    starts = np.searchsorted(sides.one_groups[order], np.arange(sides.groups + 1))
    sizes = np.diff(starts)[sides.many_groups]
    many_rows = np.repeat(np.arange(sides.many.height), sizes)
    within = np.arange(len(many_rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    one_rows = order[np.repeat(starts[sides.many_groups], sizes) + within] if len(many_rows) else many_rows
    return many_rows, one_rows


def _cells(grid: Grid, rows: Index) -> Cells:
    histograms: Objects | None = None if grid.histograms is None else grid.histograms[rows]
    return Cells(grid.values[rows], grid.present[rows], histograms)


def _filled(context: Context, node: Binary, matching: VectorMatching, sides: _Sides, fill: float, *, missing_one: bool) -> _Part:
    """Rows of one side at the steps at which the other has none of their group, with a number in its place."""
    have, lack = (sides.many, sides.one) if missing_one else (sides.one, sides.many)
    have_groups, lack_groups = (sides.many_groups, sides.one_groups) if missing_one else (sides.one_groups, sides.many_groups)
    there = np.zeros((sides.groups, have.width), dtype=np.bool_)
    np.logical_or.at(there, lack_groups, lack.present)
    known = Cells(have.values, have.present & ~there[have_groups], have.histograms)
    number = Cells(np.full(have.values.shape, fill), np.ones(have.values.shape, dtype=np.bool_))
    known_is_left = missing_one != sides.swapped
    cells = combine(context, node, known, number) if known_is_left else combine(context, node, number, known)
    if missing_one:
        labels = [_result_labels(context, node, matching, one, Labels()) for one in have.labels]
        pending = _pending(context, node, have, np.arange(have.height))
    else:
        labels = [_group_labels(one, matching) for one in have.labels]
        pending = None
    alive = np.flatnonzero(cells.present.any(axis=1))
    kept = Cells(cells.values[alive], cells.present[alive], None if cells.histograms is None else cells.histograms[alive])
    return _Part([labels[row] for row in alive], kept, have_groups[alive], None if pending is None else pending[alive])


def _pending(context: Context, node: Binary, grid: Grid, rows: Index) -> Mask | None:
    if not context.options.delayed_name_removal:
        return None
    if _drops_name(node):
        return np.ones(len(rows), dtype=np.bool_)
    return np.zeros(len(rows), dtype=np.bool_) if grid.pending is None else grid.pending[rows]


def _drops_name(node: Binary) -> bool:
    return node.operator in ARITHMETIC or node.return_bool


def _result_labels(context: Context, node: Binary, matching: VectorMatching, many: Labels, one: Labels) -> Labels:
    base = many
    if _drops_name(node) and not context.options.delayed_name_removal:
        base = without(base, context.metadata_labels)
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        if matching.on:
            return base.keep(matching.labels)
        return without(base, matching.labels) if matching.labels else base
    for name in matching.include:
        base = base.replace(**{name: one.get(name)})
    return base


def _group_labels(labels: Labels, matching: VectorMatching) -> Labels:
    return labels.keep(matching.labels) if matching.on else labels.drop((*matching.labels, METRIC_NAME))


def _joined(context: Context, matching: VectorMatching, parts: list[_Part], steps: Steps) -> Grid:
    if not parts:
        return empty_grid(steps.count)
    histograms = None
    if any(part.cells.histograms is not None for part in parts):
        histograms = np.concatenate(
            [
                np.full(part.cells.values.shape, None, dtype=object) if part.cells.histograms is None else part.cells.histograms
                for part in parts
            ]
        )
    pending = None
    if context.options.delayed_name_removal:
        pending = np.concatenate([np.zeros(len(part.labels), dtype=np.bool_) if part.pending is None else part.pending for part in parts])
    grid = Grid(
        [one for part in parts for one in part.labels],
        np.concatenate([part.cells.values for part in parts]),
        np.concatenate([part.cells.present for part in parts]),
        histograms,
        pending=pending,
    )
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        _check_one_to_one(grid, np.concatenate([part.groups for part in parts]))
        return merged(grid.without_empty_rows())
    return merged(grid.without_empty_rows(), reason=AMBIGUOUS)


def _check_one_to_one(grid: Grid, groups: Index) -> None:
    """Refuse two results of one group at the same step."""
    unique, sizes = np.unique(groups, return_counts=True)
    for group in unique[sizes > 1]:
        if (grid.present[groups == group].sum(axis=0) > 1).any():
            raise InvalidInput(IMPLICIT)


def _braced(labels: Labels) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels.pairs)
    return "{" + pairs + "}"
