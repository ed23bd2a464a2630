"""Classic histograms as native ones with custom buckets, for `load_with_nhcb`: bucket series that belong together become one series."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.classic import parse_le, to_custom_buckets

_SUFFIXES = ("_bucket", "_count", "_sum")


@dataclass
class _Instant:
    """What the series of one histogram say at one time."""

    buckets: dict[float, float] = field(default_factory=dict)
    count: float | None = None
    sum: float = 0.0


def custom_bucket_series(
    loaded: Sequence[tuple[Labels, Mapping[int, float | NativeHistogram]]],
) -> dict[Labels, dict[int, NativeHistogram]]:
    """
    Native histograms of the classic ones among some series, named without suffix and `le`.

    Args:
        loaded: Series with their samples by time, milliseconds.
    """
    instants: dict[Labels, dict[int, _Instant]] = defaultdict(lambda: defaultdict(_Instant))
    for labels, samples in loaded:
        suffix = next((suffix for suffix in _SUFFIXES if labels.metric.endswith(suffix)), "")
        bound = parse_le(labels.get("le")) if suffix == "_bucket" else math.inf
        if not suffix or bound is None:
            continue
        name = labels.drop(["le"]).replace(**{METRIC_NAME: labels.metric.removesuffix(suffix)})
        for at, value in samples.items():
            if isinstance(value, float):
                _take(instants[name][at], suffix, bound, value)
    return {labels: converted for labels, by_time in instants.items() if (converted := _converted(by_time))}


def _take(instant: _Instant, suffix: str, bound: float, value: float) -> None:
    match suffix:
        case "_bucket":
            instant.buckets[bound] = value
        case "_count":
            instant.count = value
        case _:
            instant.sum = value


def _converted(by_time: Mapping[int, _Instant]) -> dict[int, NativeHistogram]:
    histograms: dict[int, NativeHistogram] = {}
    for at, instant in by_time.items():
        if not instant.buckets:
            continue
        bounds, counts = np.array(list(instant.buckets)), np.array(list(instant.buckets.values()))
        histogram = to_custom_buckets(bounds, counts, instant.sum, instant.count)
        if histogram is not None:
            histograms[at] = histogram
    return histograms
