"""
Where the buckets of native histograms lie, and how histograms of different layouts become comparable.

A layout is the schema, the width of the zero bucket and the custom bounds. Buckets only ever merge: to a lower resolution, into a wider
zero bucket, to the custom bounds that all have. So no observation is invented, and counts stay what they were.

Source: Prometheus, native histogram specification, 'Schema', 'Zero bucket', 'Compatibility between histograms'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NO_BUCKETS, SCHEMA_MAX, Buckets, NativeHistogram

Floats = NDArray[np.float64]

_SMALLEST = 5e-324
_LARGEST = np.finfo(np.float64).max
_EXPONENT_MAX = 1024  # 2^1024 is the first power of two beyond float64


@dataclass(frozen=True, slots=True)
class Layout:
    """
    What histograms must share before their buckets can be added one by one.

    Args:
        schema: Resolution, or the schema of custom buckets.
        zero_threshold: Width of the zero bucket; of no meaning with custom buckets.
        custom_values: Bounds of custom buckets; empty otherwise.
        reconciled: Whether custom bounds differed, so that some were given up.
    """

    schema: int
    zero_threshold: float = 0.0
    custom_values: tuple[float, ...] = ()
    reconciled: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """
    All populated buckets of a histogram from the lowest to the highest.

    Args:
        lower: [N] lower bounds.
        upper: [N] upper bounds.
        counts: [N] observations, none 0.
        zero: Position of the zero bucket among them; -1 without.
    """

    lower: Floats
    upper: Floats
    counts: Floats
    zero: int


def exponential_bounds(schema: int, first: int, number: int) -> Floats:
    """
    Upper bounds of the buckets `first` to `first + number - 1` of an exponential schema; a lower bound is the neighbour's upper.

    Args:
        schema: -4 to 8.
        first: Index of the first bucket.
        number: How many.
    """
    index = np.arange(first, first + number, dtype=np.int64)
    if schema >= 0:
        exponent = index >> schema
        # The power of the remainder alone is below 2, so that whole powers of two come out exact.
        fraction = _roots()[(index - (exponent << schema)) << (SCHEMA_MAX - schema)]
        last = _EXPONENT_MAX << schema
    else:
        exponent = index << -schema
        fraction = np.ones(number)
        last = _EXPONENT_MAX >> -schema
    with np.errstate(over="ignore", under="ignore"):
        bounds: Floats = np.ldexp(fraction, np.clip(exponent, -2000, 2000).astype(np.int32))
    bounds[index == last] = _LARGEST
    bounds[index > last] = np.inf
    return bounds


def sides(h: NativeHistogram, buckets: Buckets, *, cut_at_zero: bool = True) -> tuple[Floats, Floats]:
    """
    Lower and upper bound of every bucket of one side, [B] each; absolute values for an exponential schema.

    Args:
        h: Whose buckets.
        buckets: The side.
        cut_at_zero: Whether a bucket that the zero bucket overlaps begins where that ends: what it counts was outside of it.
    """
    number = len(buckets.counts)
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        bounds = np.array((-np.inf, *h.custom_values, np.inf))[buckets.offset : buckets.offset + number + 1]
        return bounds[:-1], bounds[1:]
    bounds = exponential_bounds(h.schema, buckets.offset - 1, number + 1)
    return (np.maximum(bounds[:-1], h.zero_threshold) if cut_at_zero else bounds[:-1]), bounds[1:]


def spread(h: NativeHistogram, *, cut_at_zero: bool = True) -> Spread:
    """All populated buckets, ascending; the zero bucket takes in only the side where regular buckets are populated, if only one has any."""
    keep = h.positive.counts != 0
    lower, upper = (side[keep] for side in sides(h, h.positive, cut_at_zero=cut_at_zero))
    counts = h.positive.counts[keep]
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        return Spread(lower, upper, counts, -1)
    keep = h.negative.counts != 0
    inner, outer = (side[keep][::-1] for side in sides(h, h.negative, cut_at_zero=cut_at_zero))
    zero_lower, zero_upper = zero_bounds(h)
    has_zero = h.zero_count != 0
    return Spread(
        np.concatenate((-outer, [zero_lower] * has_zero, lower)),
        np.concatenate((-inner, [zero_upper] * has_zero, upper)),
        np.concatenate((h.negative.counts[keep][::-1], [h.zero_count] * has_zero, counts)),
        len(inner) if has_zero else -1,
    )


def ordered_counts(h: NativeHistogram) -> Floats:
    """Counts of all buckets from the lowest to the highest, empty ones too; the zero bucket stands behind the negative ones."""
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        return h.positive.counts
    return np.concatenate((h.negative.counts[::-1], (h.zero_count,), h.positive.counts))


def bounds_at(h: NativeHistogram, position: int) -> tuple[float, float, bool]:
    """Lower and upper bound of one of the buckets of `ordered_counts`, and whether it is the zero bucket; as in `spread`."""
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        at = h.positive.offset + position
        lower = h.custom_values[at - 1] if at else -np.inf
        return lower, h.custom_values[at] if at < len(h.custom_values) else np.inf, False
    negatives = len(h.negative.counts)
    if position == negatives:
        return *zero_bounds(h), True
    if position > negatives:
        low, high = exponential_bounds(h.schema, h.positive.offset + position - negatives - 2, 2).tolist()
        return max(low, h.zero_threshold), high, False
    low, high = exponential_bounds(h.schema, h.negative.offset + negatives - position - 2, 2).tolist()
    return -high, -max(low, h.zero_threshold), False


def log_of(bound: float) -> float:
    """Logarithm of a bound's size, base 2; that of the smallest number for a bound too small to be told from 0."""
    return math.log2(abs(bound) or _SMALLEST)


def zero_bounds(h: NativeHistogram) -> tuple[float, float]:
    """Where the zero bucket's observations are taken to lie: from or to 0 if regular buckets are populated on one side only."""
    negative, positive = bool(h.negative.counts.any()), bool(h.positive.counts.any())
    lower = 0.0 if positive and not negative else -h.zero_threshold
    upper = 0.0 if negative and not positive else h.zero_threshold
    return lower, upper


def stripped(buckets: Buckets) -> Buckets:
    """Without the empty buckets at both ends."""
    counts = buckets.counts
    if len(counts) and counts[0] != 0 and counts[-1] != 0:
        return buckets
    populated = np.flatnonzero(counts)
    if len(populated) == 0:
        return NO_BUCKETS
    first, last = int(populated[0]), int(populated[-1])
    return Buckets(buckets.offset + first, counts[first : last + 1])


def common_layout(histograms: Sequence[NativeHistogram]) -> Layout | None:
    """
    The finest layout that all can be brought to; None when exponential and custom buckets are mixed.

    Args:
        histograms: At least one.
    """
    first = histograms[0]
    if all(same_layout(h, first) for h in histograms):
        return Layout(first.schema, first.zero_threshold, first.custom_values)
    custom = first.schema == CUSTOM_BUCKETS_SCHEMA
    if any((h.schema == CUSTOM_BUCKETS_SCHEMA) != custom for h in histograms):
        return None
    if custom:
        shared = frozenset(first.custom_values).intersection(*(h.custom_values for h in histograms))
        return Layout(CUSTOM_BUCKETS_SCHEMA, custom_values=tuple(sorted(shared)), reconciled=True)
    threshold = max(h.zero_threshold for h in histograms)
    before = -1.0
    while threshold != before:  # raising it for one may leave it inside a bucket of another
        before = threshold
        for h in histograms:
            threshold = outside_of_buckets(h, threshold)
    return Layout(min(h.schema for h in histograms), threshold)


def same_layout(a: NativeHistogram, b: NativeHistogram) -> bool:
    """Whether buckets of the two can be compared as they are."""
    return a.schema == b.schema and a.custom_values == b.custom_values and a.zero_threshold == b.zero_threshold


def outside_of_buckets(h: NativeHistogram, threshold: float) -> float:
    """`threshold`, or the end of the populated bucket that it lies in: a zero bucket cannot take in part of another."""
    if threshold == h.zero_threshold:
        return threshold
    for buckets in (h.positive, h.negative):
        lower, upper = sides(h, buckets)
        inside = np.flatnonzero((lower < threshold) & (upper > threshold) & (buckets.counts != 0))
        if len(inside):
            threshold = float(upper[inside[-1]])
    return threshold


def brought_to(h: NativeHistogram, layout: Layout) -> NativeHistogram:
    """The same observations in a layout that `common_layout` gave for it and others."""
    if h.schema == CUSTOM_BUCKETS_SCHEMA:
        return h if len(h.custom_values) == len(layout.custom_values) else _with_bounds(h, layout.custom_values)
    if h.zero_threshold != layout.zero_threshold:
        h = _with_zero_bucket(h, layout.zero_threshold)
    return h if h.schema == layout.schema else reduced(h, layout.schema)


def reduced(h: NativeHistogram, schema: int) -> NativeHistogram:
    """The same with a lower resolution: 2^(h.schema - schema) neighbours become one bucket.

    Args:
        h: With exponential buckets.
        schema: At most its own.
    """
    shift = h.schema - schema
    return replace(h, schema=schema, positive=_merged(h.positive, shift), negative=_merged(h.negative, shift))


def extent(buckets: Sequence[Buckets]) -> tuple[int, int]:
    """The index of the lowest bucket that any of these sides has, and how many there are from it to the highest; (0, 0) without any."""
    populated = [side for side in buckets if len(side.counts)]
    if not populated:
        return 0, 0
    offset = min([side.offset for side in populated])
    return offset, max([side.offset + len(side.counts) for side in populated]) - offset


def place(buckets: Buckets, row: Floats, offset: int) -> None:
    """Write a side's counts where they belong in a row that begins with the bucket `offset`."""
    if len(buckets.counts):
        first = buckets.offset - offset
        row[first : first + len(buckets.counts)] = buckets.counts


@cache
def _roots() -> Floats:
    """
    2^(i/256) for i from 0 to 255, to the last digit as Prometheus has them, so that bounds print the same.

    Products of repeated roots of two, the largest first, the first of them one unit in the last place below the nearest float: measured,
    all 256 agree.
    """
    roots = np.ones(1)
    root = 2.0
    for _ in range(SCHEMA_MAX):
        root = math.sqrt(root)
        factor = math.nextafter(root, 0.0) if len(roots) == 1 else root
        roots = np.stack((roots, roots * factor), axis=1).ravel()
    return roots


def _merged(buckets: Buckets, shift: int) -> Buckets:
    """Buckets of a resolution lower by `shift`: bucket i goes to ((i - 1) >> shift) + 1."""
    if len(buckets.counts) == 0:
        return buckets
    first = ((buckets.offset - 1) >> shift) + 1
    index = ((np.arange(buckets.offset, buckets.offset + len(buckets.counts)) - 1) >> shift) + 1 - first
    return Buckets(first, np.bincount(index, weights=buckets.counts).astype(np.float64))


def _with_zero_bucket(h: NativeHistogram, threshold: float) -> NativeHistogram:
    """The same with a wider zero bucket, which no populated bucket straddles."""
    zero_count = h.zero_count
    kept: list[Buckets] = []
    for buckets in (h.positive, h.negative):
        number = int(np.count_nonzero(sides(h, buckets)[1] <= threshold))
        zero_count += float(buckets.counts[:number].sum())
        kept.append(Buckets(buckets.offset + number, buckets.counts[number:]))
    return replace(h, zero_threshold=threshold, zero_count=zero_count, positive=kept[0], negative=kept[1])


def _with_bounds(h: NativeHistogram, custom_values: tuple[float, ...]) -> NativeHistogram:
    """The same with fewer custom bounds, each of them one of its own."""
    index = np.searchsorted(np.array(custom_values), sides(h, h.positive)[1])
    counts = np.bincount(index, weights=h.positive.counts, minlength=len(custom_values) + 1)
    return replace(h, custom_values=custom_values, positive=Buckets(0, counts.astype(np.float64)))
