"""What rules wrote a moment ago lies over what the store says; what both have counts once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.series import Matcher, MatchOperator, SeriesBatch, SeriesSource
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.overlaid import OverlaidSeries
from tocsin.query.series.recent import RecentSeries, SeriesSample

A, B = Labels({"__name__": "x", "job": "a"}), Labels({"__name__": "x", "job": "b"})
X = Matcher("__name__", MatchOperator.EQUAL, "x")
ALL = 10**9


def samples(labels: Labels, *points: tuple[int, float]) -> list[SeriesSample]:
    """Samples of a series."""
    return [SeriesSample(labels, at_ms, value) for at_ms, value in points]


def read(source: SeriesSource, start_ms: int = 0, end_ms: int = 10**6, *matchers: Matcher) -> dict[Labels, list[tuple[int, float]]]:
    """Every series with its numbers; fails when one comes twice."""
    found: dict[Labels, list[tuple[int, float]]] = {}
    for batch in source.select(matchers or [X], start_ms, end_ms, samples_max=ALL):
        for row, labels in enumerate(batch.labels):
            assert labels not in found
            part = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
            found[labels] = list(zip(batch.timestamps_ms[part].tolist(), batch.values[part].tolist(), strict=True))
    return found


def test_it_is_seen_before_the_store_has_it() -> None:
    """A series that nobody stored yet is there, within the range that is asked for and for matchers that match."""
    recent = RecentSeries()
    recent.add(samples(A, (1000, 1.0), (2000, 2.0)) + samples(B, (1000, 5.0)))
    source = OverlaidSeries(MemorySeries(), recent)
    assert read(source) == {A: [(1000, 1.0), (2000, 2.0)], B: [(1000, 5.0)]}
    assert read(source, 1500, 2500) == {A: [(2000, 2.0)]}
    assert read(source, 0, 9999, Matcher("job", MatchOperator.REGEX, "b|c")) == {B: [(1000, 5.0)]}
    assert read(source, 0, 9999, Matcher("__name__", MatchOperator.EQUAL, "y")) == {}


STAMPS = st.dictionaries(st.integers(0, 30), st.floats(-5, 5), max_size=12)


@given(STAMPS, STAMPS, st.integers(0, 30), st.integers(0, 30))
def test_both_together_are_one_series(stored: dict[int, float], written: dict[int, float], start_ms: int, end_ms: int) -> None:
    """Whatever the store has and whatever it has not yet: each instant once, in order, and what is stored stands."""
    memory, recent = MemorySeries(), RecentSeries()
    memory.add(A, stored)
    recent.add(samples(A, *written.items()))
    expected = sorted((at_ms, value) for at_ms, value in {**written, **stored}.items() if start_ms <= at_ms <= end_ms)
    found = read(OverlaidSeries(memory, recent), start_ms, end_ms)
    assert found == ({A: expected} if expected else {})


def test_series_that_are_not_recent_stay_as_they_are() -> None:
    """Of a batch with several series only those are changed of which something is recent; starts of counters stay with their samples."""
    memory, recent = MemorySeries(), RecentSeries()
    memory.add(A, {1000: 1.0, 3000: 3.0}, {1000: 500, 3000: 500})
    memory.add(B, {1000: 9.0})
    recent.add(samples(A, (2000, 2.0), (3000, 7.0)))
    (batch,) = OverlaidSeries(memory, recent).select([X], 0, 9999, samples_max=ALL)
    assert batch.offsets.tolist() == [0, 3, 4]
    assert batch.values.tolist() == [1.0, 2.0, 3.0, 9.0]
    assert batch.starts_ms is not None
    assert batch.starts_ms.tolist() == [500, 0, 500, 0]


def test_native_histograms_lie_over_histograms() -> None:
    """Those that the store has not yet follow those that it has, each once."""
    points = [NativeHistogram(0, count=float(n), sum=1.0, positive=Buckets(0, np.array([float(n)]))) for n in range(3)]
    memory, recent = MemorySeries(), RecentSeries()
    memory.add(A, {1000: points[0], 2000: points[1]})
    recent.add([SeriesSample(A, 2000, points[1]), SeriesSample(A, 3000, points[2]), SeriesSample(B, 3000, points[2])])
    batches: list[SeriesBatch] = list(OverlaidSeries(memory, recent).select([X], 0, 9999, samples_max=ALL))
    assert [batch.histograms[0].timestamps_ms.tolist() for batch in batches] == [[1000, 2000, 3000], [3000]]
    assert [point.count for point in batches[0].histograms[0].points] == [0.0, 1.0, 2.0]


def test_what_is_old_is_forgotten() -> None:
    """After the time that the store needs at most nothing is kept, and memory does not grow however long rules write."""
    recent = RecentSeries(kept_s=60)
    for at_s in range(0, 3600, 10):
        recent.add(samples(A, (at_s * 1000, 1.0)))
    kept = recent.statistics()
    assert kept.samples <= 9
    assert kept.samples + kept.forgotten == 360
    recent.add(samples(Labels({"__name__": "y"}), (7200_000, 1.0)))
    assert recent.statistics().series == 1
    assert recent.names() == {"y"}


def test_a_clock_that_goes_back_loses_nothing_new() -> None:
    """Samples that are written for an earlier time are seen like others."""
    recent = RecentSeries(kept_s=60)
    recent.add(samples(A, (1000_000, 1.0)))
    recent.add(samples(A, (500_000, 2.0)))
    assert read(OverlaidSeries(MemorySeries(), recent), 400_000, 600_000) == {A: [(500_000, 2.0)]}
