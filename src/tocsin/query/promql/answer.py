"""What a PromQL query answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.syntax import ValueType


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """
    One series of an answer. An instant vector's series has exactly one point, of one of the two kinds.

    Args:
        labels: What identifies it; without `__name__` where an operation dropped it.
        timestamps_ms: [P] int64, ascending: the instants of `values`.
        values: [P] float64.
        histogram_timestamps_ms: [H] int64, ascending: the instants of `histograms`; none is also in `timestamps_ms`.
        histograms: [H].
    """

    labels: Labels
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    histogram_timestamps_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    histograms: Sequence[NativeHistogram] = ()


@dataclass(frozen=True, slots=True)
class Annotations:
    """
    What a query's author should know.

    Args:
        warnings: 'PromQL warning: ...': the answer is probably not what was meant.
        infos: 'PromQL info: ...': worth a look.
    """

    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """
    The answer.

    Args:
        type: SCALAR, STRING, VECTOR or MATRIX (range queries always MATRIX).
        series: Of a vector or matrix. A vector keeps the order that `sort`, `topk` and their like gave it.
        scalar: Of a scalar; of an instant query.
        text: Of a string.
        time_ms: The instant of scalar, string and vector.
        annotations: Warnings and infos.
        samples: Samples that were read, both kinds.
    """

    type: ValueType
    series: Sequence[SeriesAnswer] = ()
    scalar: float = 0.0
    text: str = ""
    time_ms: int = 0
    annotations: Annotations = Annotations()
    samples: int = 0
