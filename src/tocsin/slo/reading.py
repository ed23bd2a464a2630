"""
Counts as judgements ask for them: good and total over a range, with and without what was excluded, in events or in slices.

Objectives that count events and share a window and its exclusions are read with one statement: their ranges are cut at every edge
that matters, the engine adds up each piece, and a range is the sum of its pieces. Nothing is ever subtracted, so whole numbers stay
exact and fractions stay close. Slices, and windows that are cut into very many pieces, are read minute by minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.slo.definition import Budgeting, Objective, Occurrences
from tocsin.slo.exclusions import mask_of
from tocsin.slo.minutes import MINUTE_S, CountSource, MinuteCounts, MinuteRange, Sums
from tocsin.slo.slices import aligned, cells_of, slice_width_s, whole_slices

EXCLUDED_RANGES_MAX = 50  # beyond that a statement with a sum per piece costs more than its minutes


@dataclass(frozen=True, slots=True)
class Tally:
    """
    What was counted over a range, in the objective's unit.

    Args:
        good, total: Events or slices.
        minutes: Minutes with at least one event that counts.
    """

    good: float = 0.0
    total: float = 0.0
    minutes: int = 0

    @property
    def bad(self) -> float:
        """What was not good; never negative, because of two streams more may come out than went in."""
        return max(0.0, self.total - self.good)


@dataclass(frozen=True, slots=True)
class Want:
    """
    What shall be read of one objective.

    Args:
        objective: Of which.
        ranges: Over which ranges it will be asked.
        excluded: What exclusions by time take out, disjoint and in order.
    """

    objective: Objective
    ranges: tuple[MinuteRange, ...]
    excluded: tuple[MinuteRange, ...]


class Reading(Protocol):
    """Counts of one objective that can be asked over the ranges that were wanted."""

    def kept(self, within: MinuteRange) -> Tally:
        """What counts."""
        ...

    def everything(self, within: MinuteRange) -> Tally:
        """What would count had nothing been excluded."""
        ...


def read_counts(source: CountSource, wants: Sequence[Want]) -> list[Reading]:
    """Read what is wanted, in its order: one statement per distinct set of ranges and exclusions, one per objective with slices."""
    groups: dict[tuple[tuple[MinuteRange, ...], ...], list[int]] = {}
    readings: dict[int, Reading] = {}
    for index, want in enumerate(wants):
        if not isinstance(want.objective.budgeting, Occurrences) or len(want.excluded) > EXCLUDED_RANGES_MAX:
            readings[index] = read_minutes(source, want)
        else:
            groups.setdefault((want.ranges, want.excluded), []).append(index)
    for indices in groups.values():
        first = wants[indices[0]]
        pieces = _pieces(first)
        sums = source.sums([wants[index].objective.key for index in indices], pieces) if pieces else {}
        excluded = [any(cut.start_s <= piece.start_s and piece.end_s <= cut.end_s for cut in first.excluded) for piece in pieces]
        for index in indices:
            found = sums.get(wants[index].objective.key) or [Sums()] * len(pieces)
            readings[index] = PieceReading(tuple(zip(pieces, found, excluded, strict=True)))
    return [readings[index] for index in range(len(wants))]


def read_minutes(source: CountSource, want: Want) -> MinuteReading:
    """Read one objective minute by minute, from the first slice that any of the ranges needs to the last."""
    width_s = slice_width_s(want.objective.budgeting)
    cuts = [aligned(within, width_s) for within in want.ranges]
    start_s, end_s = min(cut.start_s for cut in cuts), max(within.end_s for within in want.ranges)
    return MinuteReading(want.objective.budgeting, source.minutes(want.objective.key, MinuteRange(start_s, end_s)), want.excluded)


def _pieces(want: Want) -> list[MinuteRange]:
    """The wanted ranges cut at every edge; what lies in none of them is left out."""
    edges = sorted({edge_s for piece in (*want.ranges, *want.excluded) for edge_s in (piece.start_s, piece.end_s)})
    return [MinuteRange(*pair) for pair in pairwise(edges) if any(_covers(within, *pair) for within in want.ranges)]


def _covers(within: MinuteRange, start_s: int, end_s: int) -> bool:
    return within.start_s <= start_s and end_s <= within.end_s


class PieceReading:
    """
    A reading put together from sums over pieces.

    Args:
        pieces: Disjoint ranges, their sums, and whether exclusions take them out.
    """

    def __init__(self, pieces: Sequence[tuple[MinuteRange, Sums, bool]]) -> None:
        self._pieces = pieces

    def kept(self, within: MinuteRange) -> Tally:
        """What counts over a range whose edges are edges of pieces."""
        found = [sums for piece, sums, excluded in self._pieces if not excluded and _covers(within, piece.start_s, piece.end_s)]
        return Tally(fsum(sums.good for sums in found), fsum(sums.total for sums in found), sum(sums.minutes for sums in found))

    def everything(self, within: MinuteRange) -> Tally:
        """What would count had nothing been excluded."""
        found = [sums for piece, sums, _ in self._pieces if _covers(within, piece.start_s, piece.end_s)]
        return Tally(
            fsum(sums.good + sums.excluded_good for sums in found),
            fsum(sums.total + sums.excluded_total for sums in found),
            sum(sums.minutes for sums in found),
        )


class MinuteReading:
    """
    A reading that keeps the minutes.

    Args:
        budgeting: How events become budget.
        counts: The minutes.
        excluded: What exclusions by time take out.
    """

    def __init__(self, budgeting: Budgeting, counts: MinuteCounts, excluded: Sequence[MinuteRange]) -> None:
        self._counts = counts
        self._width_s = slice_width_s(budgeting)
        left_out = mask_of(counts, excluded)
        self._observed = (counts.total > 0) & ~left_out
        whole = whole_slices(counts, self._width_s)
        self._first_s = whole.start_s
        out = mask_of(whole, excluded)
        self._kept = cells_of(budgeting, np.where(out, 0.0, whole.good), np.where(out, 0.0, whole.total))
        self._everything = cells_of(budgeting, whole.good + whole.excluded_good, whole.total + whole.excluded_total)

    def kept(self, within: MinuteRange) -> Tally:
        """What counts."""
        return self._tally(within, *self._kept)

    def everything(self, within: MinuteRange) -> Tally:
        """What would count had nothing been excluded."""
        return self._tally(within, *self._everything)

    def kept_cells(self, within: MinuteRange) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """Start of the first cell (minute, or slice) of a range, seconds since 1970, and good and total per cell."""
        first, last = self._cells(within)
        return self._first_s + first * self._width_s, self._kept[0][first:last], self._kept[1][first:last]

    def _cells(self, within: MinuteRange) -> tuple[int, int]:
        cut = aligned(within, self._width_s)
        return max(0, (cut.start_s - self._first_s) // self._width_s), max(0, (cut.end_s - self._first_s) // self._width_s)

    def _tally(self, within: MinuteRange, good: NDArray[np.float64], total: NDArray[np.float64]) -> Tally:
        first, last = self._cells(within)
        start, end = (max(0, (edge_s - self._counts.start_s) // MINUTE_S) for edge_s in (within.start_s, within.end_s))
        observed = int(np.count_nonzero(self._observed[start:end]))
        return Tally(float(good[first:last].sum()), float(total[first:last].sum()), observed)
