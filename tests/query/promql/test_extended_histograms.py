"""Histograms under `anchored`, `smoothed` and start timestamps: their counts are what a float counter of the same numbers gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.scripts import EVERYTHING

from tocsin.clock import RealClock
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.query.promql.engine import Promql
from tocsin.query.series.memory import MemorySeries

_STEP_MS = 10_000
_COUNTS = st.lists(st.one_of(st.none(), st.integers(min_value=0, max_value=20)), min_size=1, max_size=12)


def _histogram(count: int) -> NativeHistogram:
    filled = Buckets(0, np.array([count], dtype=np.float64))
    return NativeHistogram(0, count=float(count), sum=float(count), positive=filled)


def _both(counts: list[int | None], starts: dict[int, int]) -> Promql:
    at = {index * _STEP_MS: count for index, count in enumerate(counts) if count is not None}
    series = MemorySeries()
    series.add(Labels({"__name__": "f_total"}), {ms: float(count) for ms, count in at.items()}, starts)
    series.add(Labels({"__name__": "h"}), {ms: _histogram(count) for ms, count in at.items()}, starts)
    return Promql(series, EVERYTHING, clock=RealClock())


def _answers(engine: Promql, query: str) -> dict[int, float]:
    answer = engine.range(query, start_ms=0, end_ms=130_000, step_ms=3_700)
    return {int(at): float(value) for one in answer.series for at, value in zip(one.timestamps_ms, one.values, strict=True)}


@pytest.mark.parametrize(
    "query", ["rate({}[25s] smoothed)", "increase({}[25s] anchored)", "delta({}[31s] smoothed)", "increase({}[7s] smoothed)"]
)
@settings(max_examples=40, deadline=None)
@given(counts=_COUNTS)
def test_counts_of_histograms_are_those_of_floats(query: str, counts: list[int | None]) -> None:
    """Whatever was counted, reset or missing: with one bucket, a histogram's count goes the way of a float."""
    engine = _both(counts, {})
    try:
        floats = _answers(engine, query.format("f_total"))
        histograms = _answers(engine, f"histogram_count({query.format('h')})")
    finally:
        engine.close()
    assert histograms.keys() == floats.keys()
    assert histograms == pytest.approx(floats, abs=1e-9)


@pytest.mark.parametrize("query", ["rate({}[25s])", "increase({}[41s])", "irate({}[30s])"])
@settings(max_examples=40, deadline=None)
@given(counts=_COUNTS, ways=st.lists(st.sampled_from([0, 3_000, 10_000, 10_001, 25_000, -5_000]), min_size=12, max_size=12))
def test_starts_of_histograms_count_as_those_of_floats(query: str, counts: list[int | None], ways: list[int]) -> None:
    """Starts at, before and after samples, sensible or not, change both alike."""
    starts = {index * _STEP_MS: index * _STEP_MS - way for index, way in enumerate(ways)}
    engine = _both(counts, starts)
    try:
        floats = _answers(engine, query.format("f_total"))
        histograms = _answers(engine, f"histogram_count({query.format('h')})")
    finally:
        engine.close()
    assert histograms.keys() == floats.keys()
    assert histograms == pytest.approx(floats, abs=1e-9)
