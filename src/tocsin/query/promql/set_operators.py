"""The operators `and`, `or` and `unless`: rows by what rows on the other side are there at the same step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME
from tocsin.query.promql.grid import Grid, Mask, Steps, merged, stacked
from tocsin.query.promql.grouping import Pairs, signature
from tocsin.query.promql.syntax import Binary, VectorMatching

SET_OPERATORS = frozenset({"and", "or", "unless"})


def combine_sets(node: Binary, left: Grid, right: Grid, steps: Steps) -> Grid:
    """The operator's vector at every step."""
    assert node.matching is not None
    left_groups, right_groups, count = shared_groups(node.matching, left, right)
    if node.operator == "or":
        taken = _anywhere(left, left_groups, count)
        rest = right.with_cells(right.values, right.present & ~taken[right_groups], right.histograms).without_empty_rows()
        return merged(stacked([left, rest], steps.count))
    there = _anywhere(right, right_groups, count)[left_groups]
    kept = left.present & (there if node.operator == "and" else ~there)
    return left.with_cells(left.values, kept, left.histograms)


def shared_groups(matching: VectorMatching, left: Grid, right: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """[S] which group each row of either side is in, by the labels that `on` or `ignoring` compares; how many groups there are."""
    of = signature(matching.labels, kept=matching.on)
    looks_at_name = matching.on and METRIC_NAME in matching.labels
    seen: dict[Pairs, int] = {}
    sides = []
    for side in (left, right):
        labels = side.labels if looks_at_name or len(side.nameless) > 1 else side.raw
        sides.append(np.fromiter((seen.setdefault(of(one), len(seen)) for one in labels), dtype=np.int64, count=side.height))
    return sides[0], sides[1], len(seen)


def _anywhere(grid: Grid, groups: NDArray[np.int64], count: int) -> Mask:
    """[G, T] whether any row of a group is present."""
    found = np.zeros((count, grid.width), dtype=np.bool_)
    np.logical_or.at(found, groups, grid.present)
    return found
