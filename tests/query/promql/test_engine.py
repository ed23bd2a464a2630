"""The engine: shapes of answers, limits, timeouts, what is remembered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from tests.query.promql.scripts import EVERYTHING, ask, engine_over

from tocsin.clock import RealClock
from tocsin.errors import InvalidInput, LimitExceeded, ParseError, Timeout
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, SeriesBatch
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.label_hash import label_hash, xxh64
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.shared_room import Reservation
from tocsin.query.promql.syntax import ValueType
from tocsin.query.promql.warm import warm
from tocsin.query.series.memory import MemorySeries

TWO = "load 1m\n  x{n='1'} 1 2 3\n  x{n='2'} 4 _ 6\n"


def test_instant_vector() -> None:
    """An instant query of a vector has one point per series, all at its instant."""
    answer = ask(TWO, "x * 2", at_s=90)
    assert answer.type is ValueType.VECTOR
    assert answer.time_ms == 90_000
    assert {(one.labels.get("n"), one.timestamps_ms.tolist()[0], one.values.tolist()[0]) for one in answer.series} == {
        ("1", 90_000, 4.0),
        ("2", 90_000, 8.0),
    }


def test_range_query() -> None:
    """A range query has the steps at which a series is there, series in the order of their labels; a scalar is one series."""
    engine = engine_over(TWO)
    answer = engine.range("x > 1", start_ms=0, end_ms=125_000, step_ms=60_000)
    assert answer.type is ValueType.MATRIX
    assert [(one.labels.get("n"), one.timestamps_ms.tolist(), one.values.tolist()) for one in answer.series] == [
        ("1", [60_000, 120_000], [2.0, 3.0]),
        ("2", [0, 60_000, 120_000], [4.0, 4.0, 6.0]),
    ]
    numbers = engine.range("1 + 1", start_ms=0, end_ms=60_000, step_ms=60_000)
    assert [(one.labels, one.values.tolist()) for one in numbers.series] == [(Labels(), [2.0, 2.0])]
    engine.close()


def test_range_queries_that_make_no_sense() -> None:
    """A step of nothing, an end before the start, too many steps and a range as the result are refused."""
    engine = engine_over(TWO)
    with pytest.raises(InvalidInput, match="zero or negative query resolution"):
        engine.range("x", start_ms=0, end_ms=1, step_ms=0)
    with pytest.raises(InvalidInput, match="end timestamp must not be before start"):
        engine.range("x", start_ms=5, end_ms=1, step_ms=1)
    with pytest.raises(LimitExceeded, match="11,000 points"):
        engine.range("x", start_ms=0, end_ms=11_001, step_ms=1)
    assert engine.range("x", start_ms=0, end_ms=11_000, step_ms=1).series
    with pytest.raises(InvalidInput, match='invalid expression type "range vector" for range query'):
        engine.range("x[5m]", start_ms=0, end_ms=1, step_ms=1)
    with pytest.raises(ParseError):
        engine.instant("x{", time_ms=0)
    for instant_ms in (2**63, -(2**63)):
        with pytest.raises(InvalidInput, match="of 1970, found"):
            engine.instant("x", time_ms=instant_ms)
    assert (engine.statistics().queries, engine.statistics().queries_failed) == (3, 2)
    engine.close()


def test_experiments_are_off() -> None:
    """What is experimental is refused with the name of the option that allows it."""
    engine = Promql(Endless(), PromqlOptions(), clock=RealClock())
    with pytest.raises(InvalidInput, match="experimental_functions"):
        engine.instant("limitk(1, x)", time_ms=0)
    engine.close()


class Endless:
    """A source of series without end, of which one batch at a time exists."""

    def __init__(self) -> None:
        self.batches = 0

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """A thousand samples of ten series, again and again."""
        del matchers, start_ms, samples_max
        while True:
            labels = [Labels({"__name__": "x", "n": str(self.batches * 10 + n)}) for n in range(10)]
            times = np.tile(np.arange(end_ms - 100, end_ms, dtype=np.int64), 10)
            yield SeriesBatch(labels, np.arange(0, 1001, 100, dtype=np.int64), times, np.ones(1000))
            self.batches += 1


def test_memory_is_bounded() -> None:
    """A vector that would hold more cells than allowed is refused before it is made."""
    source = Endless()
    engine = Promql(source, EVERYTHING.model_copy(update={"samples_max": 3000}), clock=RealClock())
    with pytest.raises(LimitExceeded, match="query processing would load too many samples into memory"):
        engine.range("x", start_ms=0, end_ms=1000, step_ms=10)
    assert source.batches < 5
    engine.close()


@pytest.mark.parametrize(
    "query", ["count_over_time(x[1y:1ms])", "count_over_time(vector(1)[1y:1ms])", "x[9y:1ms]", "rate(x[1m:1s])[9y:1ms]"]
)
def test_subqueries_with_too_many_steps(query: str) -> None:
    """A subquery with more steps than fit into memory is refused before even the list of them is made, and nothing is read."""
    source = Endless()
    engine = Promql(source, EVERYTHING, clock=RealClock())
    with pytest.raises(LimitExceeded, match="too many samples"):
        engine.instant(query, time_ms=10**12)
    assert source.batches == 0
    engine.close()


def test_all_queries_share_one_room() -> None:
    """What running queries hold is missing to others, which say so, and all of it is given back, after failures too."""
    options = EVERYTHING.model_copy(update={"samples_held_max": 1_000_000})
    engine = Promql(MemorySeries(), options, clock=RealClock())
    other = Reservation(engine._room)
    other.grow(600_000, wait_s=0.0)
    assert engine.statistics().samples_held == 600_000
    with pytest.raises(LimitExceeded, match=r"other queries are running and hold 600000 of 1000000 .* try again"):
        engine.instant("count_over_time(vector(1)[500s:1ms])", time_ms=0, timeout_s=0.01)
    other.end()
    assert len(engine.instant("count_over_time(vector(1)[500s:1ms])", time_ms=0).series) == 1
    with pytest.raises(LimitExceeded, match="all queries together hold at most 1000000"):
        engine.instant("count_over_time(vector(1)[1001s:1ms])", time_ms=0)
    assert engine.statistics().samples_held == 0
    engine.close()


def test_sums_need_the_memory_of_their_groups() -> None:
    """An aggregation lets go of every batch before it takes the next one, so that only the clock ends one of endless series."""
    source = Endless()
    engine = Promql(source, EVERYTHING.model_copy(update={"samples_max": 3000, "timeout_s": 60.0}), clock=Hurried())
    with pytest.raises(Timeout):
        engine.range("sum by (x) (rate(x[1s]))", start_ms=0, end_ms=1000, step_ms=10)
    assert source.batches > 20
    engine.close()


class Hurried:
    """A clock of which every reading is a second later."""

    def __init__(self) -> None:
        self._now = 0.0

    def now_ns(self) -> int:
        """Always 1970."""
        return 0

    def monotonic_s(self) -> float:
        """A second later than the last time."""
        self._now += 1.0
        return self._now


def test_time_is_bounded() -> None:
    """A query that takes longer than it may is given up between batches; its own limit may only be shorter."""
    source = Endless()
    engine = Promql(source, EVERYTHING.model_copy(update={"timeout_s": 9.0}), clock=Hurried())
    with pytest.raises(Timeout, match="query timed out in expression evaluation: it took longer than 9 s"):
        engine.instant("sum(x)", time_ms=1000, timeout_s=50)
    assert 3 < source.batches < 12
    with pytest.raises(Timeout, match="3 s"):
        engine.instant("sum(x)", time_ms=1000, timeout_s=3)
    engine.close()


def test_time_is_bounded_within_one_expression() -> None:
    """Between the parts of one expression the clock is looked at too, so that a long one ends though nothing is read."""
    engine = Promql(MemorySeries(), EVERYTHING, clock=Hurried())
    with pytest.raises(Timeout):
        engine.instant("count_over_time(vector(1)[1m:1s])", time_ms=1000, timeout_s=3)
    engine.close()


def test_lookback_of_one_query() -> None:
    """A query may look back less far, or farther, than others."""
    engine = engine_over("load 1m\n  x 1\n")
    assert engine.instant("x", time_ms=30_000, lookback_s=20).series == []
    assert len(engine.instant("x", time_ms=900_000, lookback_s=1000).series) == 1
    engine.close()


def test_remarks_say_where() -> None:
    """A remark ends in the line and column of what it is about; what is said of several places is said of the last."""
    answer = ask(TWO, "quantile(3, x) + quantile(2, x) +\n  quantile(2, x)", at_s=0)
    assert answer.annotations.warnings == (
        "PromQL warning: quantile value should be between 0 and 1, got 3 (1:10)",
        "PromQL warning: quantile value should be between 0 and 1, got 2 (2:12)",
    )


def test_types_and_units_go_with_the_name() -> None:
    """Where types and units are labels, they are dropped with the name, and tell counters from others."""
    script = "load 1m\n  x{__type__='gauge', __unit__='s', n='1'} 1 2 3\n"
    answer = ask(script, "rate(x[5m])", at_s=120, type_and_unit_labels=True)
    assert answer.series[0].labels == Labels({"n": "1"})
    assert answer.annotations.infos == (
        'PromQL info: metric might not be a counter, __type__ label is not set to "counter" or "histogram", got "gauge": "x" (1:6)',
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0xEF46DB3751D8E999), (b"a", 0xD24EC4F1A98C6E5B), (b"abc", 0x44BC2CF5AD770999)],
)
def test_hash_is_the_published_one(data: bytes, expected: int) -> None:
    """XXH64 gives the values that its authors publish."""
    assert int(xxh64(np.frombuffer(bytearray(data), dtype=np.uint8))) == expected


def test_hashes_spread() -> None:
    """Hashes of many label sets lie evenly, long values included."""
    places = [label_hash(Labels({"n": "v" * (n % 300), "m": str(n)})) / 2**64 for n in range(2000)]
    assert math.isclose(sum(places) / len(places), 0.5, abs_tol=0.05)
    assert len(set(places)) == 2000


def test_warm() -> None:
    """Warming goes through every kernel without an error."""
    warm(RealClock())


def test_sorting_means_nothing_in_a_range() -> None:
    """A range query has its own order, and says so where it is asked for another."""
    engine = engine_over(TWO)
    answer = engine.range("sort_desc(x)", start_ms=0, end_ms=60_000, step_ms=60_000)
    assert answer.annotations.warnings == (
        "PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)",
    )
    assert engine.instant("sort_desc(x)", time_ms=0).annotations.warnings == ()
    engine.close()
