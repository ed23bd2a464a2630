"""Answers as the Prometheus API writes them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.api.prometheus.render import number, numbers, query_answer, seconds, success
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.query.promql.answer import Annotations, QueryAnswer, SeriesAnswer
from tocsin.query.promql.syntax import ValueType

UP = Labels({"__name__": "up", "job": "api"})
HISTOGRAM = NativeHistogram(0, 3.0, 4.5, positive=Buckets(1, np.array([1.0, 2.0])))


def series(*points: tuple[int, float], labels: Labels = UP) -> SeriesAnswer:
    """A series of numbers."""
    return SeriesAnswer(labels, np.array([at for at, _ in points], dtype=np.int64), np.array([value for _, value in points]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, b"1"),
        (-0.0, b"-0"),
        (0.1, b"0.1"),
        (1e21, b"1e+21"),
        (math.nan, b"NaN"),
        (math.inf, b"+Inf"),
        (-math.inf, b"-Inf"),
        (1e-7, b"1e-7"),
    ],
)
def test_numbers_are_their_shortest_texts(value: float, text: bytes) -> None:
    """What is no number in JSON has a word."""
    assert number(value) == text


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1))
def test_many_numbers_are_written_like_single_ones(values: list[float]) -> None:
    """The quick way and the plain way agree, and read back they are the same numbers."""
    written = numbers(np.array(values))
    assert written == [number(value) for value in values]
    assert all(float(text) == value or math.isnan(value) for text, value in zip(written, values, strict=True))


@pytest.mark.parametrize(
    ("instant", "text"), [(0, b"0"), (1435781430781, b"1435781430.781"), (1500, b"1.5"), (-1, b"-0.001"), (-2000, b"-2")]
)
def test_instants_are_seconds_with_as_many_decimals_as_they_need(instant: int, text: bytes) -> None:
    """Milliseconds, also before 1970."""
    assert seconds(instant) == text


def test_a_vector_has_a_value_per_series() -> None:
    """Numbers under `value`, histograms under `histogram`."""
    spread = SeriesAnswer(Labels(), np.zeros(0, dtype=np.int64), np.zeros(0), np.array([1000], dtype=np.int64), [HISTOGRAM])
    answer = json.loads(query_answer(QueryAnswer(ValueType.VECTOR, [series((1000, math.nan)), spread], time_ms=1000)))
    assert answer["data"] == {
        "resultType": "vector",
        "result": [
            {"metric": {"__name__": "up", "job": "api"}, "value": [1, "NaN"]},
            {"metric": {}, "histogram": [1, {"count": "3", "sum": "4.5", "buckets": [[0, "1", "2", "1"], [0, "2", "4", "2"]]}]},
        ],
    }


def test_a_matrix_has_points_of_both_kinds() -> None:
    """Series share their instants' texts; a series may have gaps and histograms between its numbers."""
    mixed = SeriesAnswer(UP, np.array([0, 2000], dtype=np.int64), np.array([1.0, 2.5]), np.array([1000], dtype=np.int64), [HISTOGRAM])
    answer = json.loads(query_answer(QueryAnswer(ValueType.MATRIX, [mixed, series((0, 7.0), labels=Labels({"a": 'q"'}))])))
    first, second = answer["data"]["result"]
    assert first["values"] == [[0, "1"], [2, "2.5"]]
    assert [at for at, _ in first["histograms"]] == [1]
    assert second == {"metric": {"a": 'q"'}, "values": [[0, "7"]]}


def test_scalars_and_texts_are_pairs() -> None:
    """An instant and the value."""
    assert json.loads(query_answer(QueryAnswer(ValueType.SCALAR, scalar=2.0, time_ms=1500)))["data"]["result"] == [1.5, "2"]
    assert json.loads(query_answer(QueryAnswer(ValueType.STRING, text='a"b', time_ms=0)))["data"]["result"] == [0, 'a"b']


def test_a_limit_cuts_and_says_so() -> None:
    """Fewer series, and a warning; annotations stand beside the data."""
    answer = QueryAnswer(
        ValueType.VECTOR, [series((0, 1.0)), series((0, 2.0), labels=Labels())], annotations=Annotations(("careful",), ("fyi",))
    )
    shown = json.loads(query_answer(answer, limit=1))
    assert len(shown["data"]["result"]) == 1
    assert shown["warnings"] == ["careful", "results truncated due to limit"]
    assert shown["infos"] == ["fyi"]
    assert "warnings" not in json.loads(success([]))
