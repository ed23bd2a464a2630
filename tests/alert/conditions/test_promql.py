"""PromQL as a condition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alert.rules.stage import START_S, HandClock, instant, ms, promql, series_labels

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Element
from tocsin.errors import InvalidInput, ParseError, Timeout
from tocsin.model.labels import Labels
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries

QUERIES = ("up == 0", "rate(total[2m]) > 0.5", "vector(3)", "vector(time()) > 0", "sum by (job) (total)", "absent(up{job='x'})", "7")


@pytest.fixture(scope="module")
def evaluator() -> PromqlEvaluator:
    """Over ten minutes of two metrics."""
    series = MemorySeries()
    for number, job in enumerate("ab"):
        series.add(series_labels(f"up{{job={job}}}"), {ms(15 * step): float((step + number) % 5 > 1) for step in range(40)})
        series.add(series_labels(f"total{{job={job}}}"), {ms(15 * step): float(step * step * (number + 1)) for step in range(40)})
    return PromqlEvaluator(series, HandClock(), PromqlOptions(points_max=10))


def test_elements_of_the_vector(evaluator: PromqlEvaluator) -> None:
    """Each with its labels and value; a number alone is one element without labels."""
    assert evaluator.at(promql("up == 0"), instant(15)) == [Element(Labels({"__name__": "up", "job": "a"}), 0.0)]
    assert evaluator.at(promql("7"), instant(0)) == (Element(Labels(), 7.0),)


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=10)
@given(first=st.integers(0, 300), step=st.sampled_from([1, 15, 30, 61]), count=st.integers(0, 25))
def test_over_a_past_is_as_at_each_instant(evaluator: PromqlEvaluator, query: str, first: int, step: int, count: int) -> None:
    """Many instants in few questions give what each instant gives by itself, beyond the points that one question may have, too."""
    times = [instant(first + step * number) for number in range(count)]
    over = evaluator.over(promql(query), times)
    alone = [evaluator.at(promql(query), at) for at in times]
    assert [sorted((one.labels, one.value) for one in vector) for vector in over] == [
        sorted((one.labels, one.value) for one in vector) for vector in alone
    ]


def test_uneven_milliseconds_are_asked_one_by_one(evaluator: PromqlEvaluator) -> None:
    """Instants that PromQL can't step through are evaluated each by itself."""
    times = [instant(0), instant(0) + 1_500_000, instant(0) + 3_000_000]
    assert len(evaluator.over(promql("up"), times)) == 3


def test_what_gives_no_vector_is_refused(evaluator: PromqlEvaluator) -> None:
    """A text, or a range, can't be a condition."""
    with pytest.raises(InvalidInput, match="not a vector or scalar, found string"):
        evaluator.at(promql('"x"'), instant(0))
    with pytest.raises(InvalidInput, match="found matrix"):
        evaluator.at(promql("up[1m]"), instant(0))


def test_failures_are_said(evaluator: PromqlEvaluator) -> None:
    """What PromQL refuses comes through as it is."""
    with pytest.raises(ParseError):
        promql("up ==")
    with pytest.raises(InvalidInput, match="many"):
        evaluator.at(promql("total / on() total"), instant(60))


def test_it_counts_and_closes() -> None:
    """Questions are counted; after a close the threads are gone."""
    own = PromqlEvaluator(MemorySeries(), HandClock(START_S), share=False)
    with own.prepared([promql("up")], instant(0)):
        own.at(promql("up"), instant(0))
    assert own.statistics().queries == 1
    own.close()


def test_a_timeout_is_a_failure_like_others() -> None:
    """A query that takes too long raises what rules keep their alerts over."""

    class Late(HandClock):
        def monotonic_s(self) -> float:
            self.now_s += 1000
            return self.now_s

    with pytest.raises(Timeout):
        PromqlEvaluator(MemorySeries(), Late(), share=False).at(promql("up"), instant(0))
