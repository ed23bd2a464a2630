"""
Counts as judgements ask for them: good and total over a range, with and without what was excluded, in events or in slices.

Objectives that count events over the same window are read with one statement: their ranges are cut at every edge that matters to any of
them, the engine adds up each piece, and a range is the sum of its pieces. Nothing is ever subtracted, so whole numbers stay exact and
fractions stay close. Slices, and windows that are cut into very many pieces, are read minute by minute.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
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
SHORT_S = 10_800  # ranges of slices so short are read together, a sum for each minute


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
    """
    Read what is wanted, in its order.

    One statement for all that count events over the same ranges, as long as their exclusions together are few; one for all that are cut
    into slices over the same short range; else one per objective.
    """
    readings: dict[int, Reading] = {}
    alike: dict[tuple[MinuteRange, ...], list[int]] = {}
    short: dict[MinuteRange, list[int]] = {}
    for index, want in enumerate(wants):
        span = _span(want)
        if isinstance(want.objective.budgeting, Occurrences) and len(want.excluded) <= EXCLUDED_RANGES_MAX:
            alike.setdefault(want.ranges, []).append(index)
        elif span.end_s - span.start_s <= SHORT_S:
            short.setdefault(span, []).append(index)
        else:
            readings[index] = read_minutes(source, want)
    for indices in alike.values():
        for batch in _batches(wants, indices):
            readings.update(zip(batch, _read_pieces(source, [wants[index] for index in batch]), strict=True))
    for span, indices in short.items():
        readings.update(zip(indices, _read_short(source, [wants[index] for index in indices], span), strict=True))
    return [readings[index] for index in range(len(wants))]


def _batches(wants: Sequence[Want], indices: Sequence[int]) -> list[list[int]]:
    """Objectives that one statement reads: what is excluded from any of them are at most `EXCLUDED_RANGES_MAX` ranges."""
    by_excluded: dict[tuple[MinuteRange, ...], list[int]] = {}
    for index in indices:
        by_excluded.setdefault(wants[index].excluded, []).append(index)
    batches: list[list[int]] = []
    cuts: set[MinuteRange] = set()
    for excluded, alike in by_excluded.items():
        if not batches or len(cuts.union(excluded)) > EXCLUDED_RANGES_MAX:
            batches.append([])
            cuts = set()
        cuts |= set(excluded)
        batches[-1] += alike
    return batches


def _read_pieces(source: CountSource, wants: Sequence[Want]) -> list[PieceReading]:
    """Objectives over the same ranges, cut at every edge of what is excluded from any of them."""
    ranges = wants[0].ranges
    pieces = _pieces(ranges, {cut for want in wants for cut in want.excluded})
    sums = source.sums([want.objective.key for want in wants], pieces) if pieces else {}
    places = {within: _place(pieces, within) for within in ranges}
    nothing = [Sums()] * len(pieces)
    return [PieceReading(pieces, sums.get(want.objective.key) or nothing, want.excluded, places) for want in wants]


def _read_short(source: CountSource, wants: Sequence[Want], span: MinuteRange) -> list[MinuteReading]:
    """Objectives over one short range, minute by minute."""
    minutes = [MinuteRange(start_s, start_s + MINUTE_S) for start_s in range(span.start_s, span.end_s, MINUTE_S)]
    found = source.sums([want.objective.key for want in wants], minutes)
    readings = []
    for want in wants:
        sums = found.get(want.objective.key, ())
        columns = ([getattr(one, name) for one in sums] for name in ("good", "total", "excluded_good", "excluded_total"))
        counts = MinuteCounts(span.start_s, *(np.array(column or [0.0] * len(minutes), dtype=np.float64) for column in columns))
        readings.append(MinuteReading(want.objective.budgeting, counts, want.excluded))
    return readings


def read_minutes(source: CountSource, want: Want) -> MinuteReading:
    """Read one objective minute by minute, from the first slice that any of the ranges needs to the last."""
    return MinuteReading(want.objective.budgeting, source.minutes(want.objective.key, _span(want)), want.excluded)


def _span(want: Want) -> MinuteRange:
    """All minutes that the ranges of an objective need, whole slices."""
    width_s = slice_width_s(want.objective.budgeting)
    start_s = min(aligned(within, width_s).start_s for within in want.ranges)
    return MinuteRange(start_s, max(start_s, *(within.end_s for within in want.ranges)))


def _pieces(ranges: Sequence[MinuteRange], excluded: Iterable[MinuteRange]) -> list[MinuteRange]:
    """The wanted ranges cut at every edge, in order; what lies in none of them is left out."""
    edges = sorted({edge_s for piece in (*ranges, *excluded) for edge_s in (piece.start_s, piece.end_s)})
    return [MinuteRange(*pair) for pair in pairwise(edges) if any(_covers(within, *pair) for within in ranges)]


def _place(pieces: Sequence[MinuteRange], within: MinuteRange) -> slice:
    """Where the pieces of a range whose edges are edges of pieces stand among all pieces, which are in order."""
    first = bisect_left(pieces, within.start_s, key=lambda piece: piece.start_s)
    return slice(first, max(first, bisect_right(pieces, within.end_s, key=lambda piece: piece.end_s)))


def _covers(within: MinuteRange, start_s: int, end_s: int) -> bool:
    return within.start_s <= start_s and end_s <= within.end_s


class PieceReading:
    """
    A reading put together from sums over pieces.

    Args:
        pieces: Disjoint ranges, in order.
        sums: What was counted in each.
        excluded: What exclusions by time take out; their edges are edges of pieces.
        places: Where the pieces of the wanted ranges stand.
    """

    def __init__(
        self, pieces: Sequence[MinuteRange], sums: Sequence[Sums], excluded: Sequence[MinuteRange], places: Mapping[MinuteRange, slice]
    ) -> None:
        self._sums = sums
        self._places = places
        self._kept = sums
        if excluded:
            taken = [any(_covers(cut, piece.start_s, piece.end_s) for cut in excluded) for piece in pieces]
            self._kept = [Sums() if out else one for one, out in zip(sums, taken, strict=True)]

    def kept(self, within: MinuteRange) -> Tally:
        """What counts over one of the wanted ranges."""
        found = self._kept[self._places[within]]
        return Tally(fsum(sums.good for sums in found), fsum(sums.total for sums in found), sum(sums.minutes for sums in found))

    def everything(self, within: MinuteRange) -> Tally:
        """What would count over one of the wanted ranges had nothing been excluded."""
        found = self._sums[self._places[within]]
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
