"""Series that a replay holds: the same answers as the series of the tests, shadows, markers where a series ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import Matcher, MatchOperator, SeriesSource, is_stale
from tocsin.query.promql.answer import SeriesAnswer
from tocsin.query.series.memory import MemorySeries
from tocsin.replay.held_series import HeldSeries, ShadowedSeries

NAMES = ("a", "b")
Seen = dict[Labels, list[tuple[int, float]]]


def seen(source: SeriesSource, *matchers: Matcher, start: int = 0, end: int = 1000) -> Seen:
    """What a source hands out."""
    found: Seen = {}
    for batch in source.select(matchers, start, end, samples_max=10_000):
        for row, labels in enumerate(batch.labels):
            part = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
            found[labels] = list(zip(batch.timestamps_ms[part].tolist(), batch.values[part].tolist(), strict=True))
    return found


def named(name: str) -> Matcher:
    """A matcher of a metric's name."""
    return Matcher("__name__", MatchOperator.EQUAL, name)


@given(
    samples=st.dictionaries(
        st.tuples(st.sampled_from(NAMES), st.sampled_from("xy")),
        st.dictionaries(st.integers(0, 100), st.floats(0, 9), min_size=1, max_size=10),
        max_size=4,
    ),
    start=st.integers(0, 100),
    length=st.integers(0, 100),
    forgotten=st.integers(0, 50),
)
def test_the_same_as_series_in_memory(samples: dict[tuple[str, str], dict[int, float]], start: int, length: int, forgotten: int) -> None:
    """Whatever is asked, from what was not forgotten."""
    held, memory = HeldSeries(), MemorySeries()
    for (name, label), values in samples.items():
        labels = Labels({"__name__": name, "l": label})
        times = sorted(values)
        held.add(labels, np.array(times, dtype=np.int64), np.array([values[at] for at in times]))
        if kept := {at: value for at, value in values.items() if at >= forgotten}:
            memory.add(labels, dict(kept))
    held.forget_before(forgotten)
    for matchers in ((), (named("a"),), (Matcher("l", MatchOperator.NOT_EQUAL, "x"),)):
        assert seen(held, *matchers, start=start, end=start + length) == seen(memory, *matchers, start=start, end=start + length)


def test_too_many_samples_are_refused() -> None:
    """Before they are handed out."""
    held = HeldSeries()
    held.add(Labels({"__name__": "a"}), np.arange(100, dtype=np.int64), np.zeros(100))
    with pytest.raises(LimitExceeded, match=r"promql\.samples_read_max"):
        list(held.select([], 0, 100, samples_max=99))


def test_shadows() -> None:
    """Of metrics that a replay records nothing stored is seen, by name or otherwise; the rest is."""
    stored, held = HeldSeries(), HeldSeries()
    one = np.array([1], dtype=np.int64)
    for name in ("a", "b", "c"):
        stored.add(Labels({"__name__": name}), one, np.array([1.0]))
    held.add(Labels({"__name__": "a"}), one, np.array([2.0]))
    source = ShadowedSeries(stored, held, frozenset({"a", "b"}))
    assert {labels.metric: samples[0][1] for labels, samples in seen(source).items()} == {"a": 2.0, "c": 1.0}
    assert seen(source, named("b")) == {}
    assert list(seen(source, named("a")).values()) == [[(1, 2.0)]]


def test_series_end_where_an_evaluation_makes_them_no_longer() -> None:
    """A marker stands at the first evaluation without them, within a run and between two."""
    held, labels = HeldSeries(), Labels({"__name__": "a"})
    steps = np.array([10, 20, 30, 40], dtype=np.int64)
    answer = SeriesAnswer(labels, np.array([10, 40], dtype=np.int64), np.array([1.0, 2.0]))
    lasting = held.add_evaluated({labels: answer}, steps, frozenset())
    assert lasting == {labels}
    assert held.add_evaluated({}, np.array([50, 60], dtype=np.int64), lasting) == frozenset()
    (samples,) = seen(held).values()
    assert [(at, "end" if is_stale(value) else value) for at, value in samples] == [(10, 1.0), (20, "end"), (40, 2.0), (50, "end")]


def test_histograms_end_with_histograms() -> None:
    """The marker of a series of histograms is one, too."""
    held, labels = HeldSeries(), Labels({"__name__": "h"})
    at = np.array([10], dtype=np.int64)
    answer = SeriesAnswer(labels, at[:0], np.zeros(0), at, [NativeHistogram(0, 1.0, 1.0)])
    lasting = held.add_evaluated({labels: answer}, np.array([10, 20], dtype=np.int64), frozenset())
    assert lasting == frozenset()
    (batch,) = held.select([], 0, 100, samples_max=100)
    assert batch.histograms[0].timestamps_ms.tolist() == [10, 20]
    assert is_stale(batch.histograms[0].points[1].count)
    assert held.samples == 2
