"""
Compiles what queries need before the first one comes: with an empty cache on disk that takes half a minute, later a moment.

A few queries over one small series go through every piece of machine code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tocsin.clock import Clock
from tocsin.model.labels import Labels
from tocsin.model.series import STALE_NAN, Matcher, SeriesBatch
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions

_QUERIES = (
    "rate(x[5m])",
    "sum_over_time(x[5m])",
    "rate(x[5m] smoothed)",
    "changes(x[5m] anchored)",
    "x smoothed",
    "sum(x)",
    "avg(x)",
    "max(x)",
    "stddev(x)",
    "count(x)",
    "quantile(0.5, x)",
    "topk(1, x)",
    "limitk(1, x)",
    "limit_ratio(0.5, x)",
    "histogram_quantile(0.9, x)",
)


class _OneSeries:
    """Two buckets of one series, with a stale marker at the end."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """The same series whatever is asked for."""
        del matchers, start_ms, end_ms, samples_max
        times = np.array([0, 60_000, 120_000, 0, 60_000], dtype=np.int64)
        values = np.array([1.0, 2.0, STALE_NAN, 1.0, 3.0])
        labels = [Labels({"__name__": "x", "le": le}) for le in ("1", "+Inf")]
        yield SeriesBatch(labels, np.array([0, 3, 5], dtype=np.int64), times, values)


def warm(clock: Clock) -> None:
    """
    Compile everything, or load it from the cache on disk; the first query is then as fast as the others.

    Args:
        clock: For the time limit, which is generous.
    """
    options = PromqlOptions(timeout_s=3600, experimental_functions=True, extended_ranges=True)
    engine = Promql(_OneSeries(), options, clock=clock)
    try:
        for query in _QUERIES:
            engine.range(query, start_ms=0, end_ms=120_000, step_ms=60_000)
    finally:
        engine.close()
