"""
Native histograms with at most so many buckets: halve the resolution until they fit.

Bucket i of schema s covers (base^(i-1), base^i]; of schema s-1 two such make one, with the index ceil(i/2).

Source: Prometheus, native histogram specification; `native_histogram_bucket_limit` of prometheus.yml.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.errors import LimitExceeded
from tocsin.model.native_histogram import SCHEMA_MIN, Buckets
from tocsin.model.sample_block import HistogramSample


def limit_buckets(sample: HistogramSample, limit: int) -> HistogramSample:
    """
    The same histogram with at most `limit` buckets that hold anything.

    Raises:
        LimitExceeded: It has more at the lowest resolution, or has custom buckets, which can't be merged.
    """
    histogram = sample.histogram
    while (found := _used(histogram.positive) + _used(histogram.negative)) > limit:
        if histogram.schema <= SCHEMA_MIN:
            raise LimitExceeded(f"a native histogram has {found} buckets, more than the native_histogram_bucket_limit of {limit}")
        histogram = replace(histogram, schema=histogram.schema - 1, positive=halve(histogram.positive), negative=halve(histogram.negative))
    return sample if histogram is sample.histogram else replace(sample, histogram=histogram)


def halve(buckets: Buckets) -> Buckets:
    """The same observations in buckets of the next lower schema."""
    if not len(buckets.counts):
        return buckets
    indexes = (buckets.offset + np.arange(len(buckets.counts)) + 1) >> 1
    counts = np.bincount(indexes - indexes[0], weights=buckets.counts).astype(np.float64)
    return Buckets(int(indexes[0]), counts)


def _used(buckets: Buckets) -> int:
    return int(np.count_nonzero(buckets.counts))
