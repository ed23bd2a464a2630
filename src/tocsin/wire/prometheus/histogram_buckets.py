"""
Native histograms as they travel (spans of buckets with deltas or counts) into dense buckets, within bounds.

    spans (offset 2, length 2), (offset 3, length 1); deltas 4, -1, 0    ->    bucket 2: 4, bucket 3: 3, buckets 4 to 6: 0, bucket 7: 3

A few bytes can claim buckets that are billions apart: what is too wide is refused before anything is allocated.

Source: Prometheus, native histogram specification, sections on spans, deltas and custom values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NO_BUCKETS, SCHEMA_MAX, SCHEMA_MIN, Buckets, NativeHistogram, ResetHint
from tocsin.model.series import STALE_NAN, is_stale

INDEX_MAX = 1 << 19  # schema 8 has 256 buckets for each power of two of a float64: 283,000 on either side of 1


class HistogramFlaw(Exception):
    """A histogram that can't be; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Side:
    """
    The buckets of one side, as they travel.

    Args:
        spans: (offset, length) of each run of buckets; the offset is the first bucket's index for the first one, the gap for the others.
        deltas: Of integer histograms: each count less the one before.
        counts: Of float histograms: the counts themselves. Only one of the two has elements.
    """

    spans: Sequence[tuple[int, int]]
    deltas: Sequence[int]
    counts: Sequence[float]


def dense_buckets(side: Side, *, width_max: int) -> Buckets:
    """
    The buckets of one side.

    Raises:
        HistogramFlaw: Spans and counts don't agree, a count is negative or no number, or there are more than `width_max` buckets with gaps.
    """
    width = 0
    buckets = 0
    for number, (offset, length) in enumerate(side.spans):
        if number > 0 and offset < 0:
            raise HistogramFlaw(f"a span must not start before the end of the one before, found offset {offset} in span {number}")
        width += length + (offset if number > 0 else 0)
        buckets += length
        if width > width_max or abs(side.spans[0][0]) > INDEX_MAX:
            raise HistogramFlaw(f"buckets must span at most {width_max} indices from -{INDEX_MAX} to {INDEX_MAX}, found {side.spans[:4]}")
    if side.deltas and side.counts:
        raise HistogramFlaw("a histogram has deltas or counts, found both")
    if max(len(side.deltas), len(side.counts)) != buckets:
        raise HistogramFlaw(f"spans claim {buckets} buckets, found {max(len(side.deltas), len(side.counts))}")
    if not buckets:
        return NO_BUCKETS
    counts = np.array(side.counts, np.float64) if side.counts else np.cumsum(np.array(side.deltas, np.float64))
    if not (counts >= 0).all() or not np.isfinite(counts).all():
        raise HistogramFlaw(f"counts of buckets must not be negative, found {float(counts.min())}")
    dense = np.zeros(width)
    at = read = 0
    for number, (offset, length) in enumerate(side.spans):
        at += offset if number > 0 else 0
        dense[at : at + length] = counts[read : read + length]
        at += length
        read += length
    return Buckets(side.spans[0][0], dense)


def histogram_of(message: Any, *, width_max: int) -> NativeHistogram:
    """
    A histogram of a remote write message (`Histogram` of `WriteMessages`, either version).

    Raises:
        HistogramFlaw: It can't be, or it is wider than `width_max` buckets on a side.
    """
    total = float(message.sum)
    if is_stale(total):  # a stale marker has no buckets, and says so by its sum
        return NativeHistogram(int(message.schema) if _is_schema(message.schema) else 0, STALE_NAN, total)
    is_float = message.HasField("count_float")
    histogram = NativeHistogram(
        schema=int(message.schema),
        count=float(message.count_float if is_float else message.count_int),
        sum=total,
        zero_threshold=float(message.zero_threshold),
        zero_count=float(message.zero_count_float if is_float else message.zero_count_int),
        positive=dense_buckets(_side(message, "positive"), width_max=width_max),
        negative=dense_buckets(_side(message, "negative"), width_max=width_max),
        custom_values=tuple(message.custom_values),
        reset=_hint(message.reset_hint),
    )
    check_histogram(histogram, integer=not is_float, width_max=width_max)
    return histogram


def check_histogram(histogram: NativeHistogram, *, integer: bool, width_max: int) -> None:
    """
    Hold what the specification demands of a histogram, whatever wire it came over.

    Raises:
        HistogramFlaw: It does not.
    """
    if not _is_schema(histogram.schema):
        raise HistogramFlaw(f"the schema must be {SCHEMA_MIN} to {SCHEMA_MAX} or {CUSTOM_BUCKETS_SCHEMA}, found {histogram.schema}")
    for name in ("count", "zero_count", "zero_threshold"):
        value = getattr(histogram, name)
        if not 0 <= value < np.inf:
            raise HistogramFlaw(f"{name} must be a number that is not negative, found {value}")
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA:
        _check_custom(histogram, width_max)
    elif histogram.custom_values:
        raise HistogramFlaw(
            f"only schema {CUSTOM_BUCKETS_SCHEMA} has custom values, found {len(histogram.custom_values)} with schema {histogram.schema}"
        )
    observed = float(histogram.positive.counts.sum() + histogram.negative.counts.sum() + histogram.zero_count)
    # Observations of NaN are counted in no bucket; floats are sums that were rounded on their way.
    missing_is_right = np.isnan(histogram.sum)
    if integer and (observed > histogram.count or (observed < histogram.count and not missing_is_right)):
        raise HistogramFlaw(f"the buckets hold {observed:.0f} observations, but count is {histogram.count:.0f}")


def _check_custom(histogram: NativeHistogram, width_max: int) -> None:
    bounds = histogram.custom_values
    if len(bounds) > width_max:
        raise HistogramFlaw(f"at most {width_max} custom values are taken, found {len(bounds)}")
    if any(not low < high for low, high in pairwise(bounds)) or not all(np.isfinite(bounds)):
        raise HistogramFlaw("custom values must be finite numbers, each larger than the one before")
    if len(histogram.negative.counts) or histogram.zero_count or histogram.zero_threshold:
        raise HistogramFlaw("a histogram with custom buckets has neither negative buckets nor a zero bucket")
    positive = histogram.positive
    if positive.offset < 0 or positive.offset + len(positive.counts) > len(bounds) + 1:
        raise HistogramFlaw(f"{len(bounds)} custom values make {len(bounds) + 1} buckets, found one beyond")


def _is_schema(schema: int) -> bool:
    return SCHEMA_MIN <= schema <= SCHEMA_MAX or schema == CUSTOM_BUCKETS_SCHEMA


def _hint(number: int) -> ResetHint:
    return ResetHint(number) if 0 <= number <= 3 else ResetHint.UNKNOWN


def _side(message: Any, name: str) -> Side:
    spans = [(span.offset, span.length) for span in getattr(message, f"{name}_spans")]
    return Side(spans, getattr(message, f"{name}_deltas"), getattr(message, f"{name}_counts"))
