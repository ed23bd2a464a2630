"""Aggregations over the series of a vector."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.scripts import EVERYTHING, ask, engine_over, holds
from tests.query.promql.window_references import quantile

from tocsin.clock import RealClock
from tocsin.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.query.promql.accumulators import Accumulator
from tocsin.query.promql.aggregate_kernels import best_columns, quantile_columns
from tocsin.query.promql.context import Context, Question
from tocsin.query.promql.evaluator import evaluate
from tocsin.query.promql.grid import Grid, Steps
from tocsin.query.promql.grouping import Grouping, group_by
from tocsin.query.promql.shared_room import Reservation

SHOPS = """
    load 1m
      sales{shop="a", city="ulm"} 1 2 3
      sales{shop="b", city="ulm"} 5 _ 7
      sales{shop="c", city="bonn"} NaN 4 11
"""


def test_by_and_without() -> None:
    """`by` keeps labels, `without` drops them and the name; a label that is nowhere is no label."""
    holds(
        SHOPS
        + """
    eval instant at 2m sum by (city) (sales)
      {city="ulm"} 10
      {city="bonn"} 11

    eval instant at 2m sum without (shop) (sales)
      {city="ulm"} 10
      {city="bonn"} 11

    eval instant at 2m sum by (country) (sales)
      {} 21

    eval instant at 2m count by (__name__) (sales)
      sales 3

    eval instant at 2m sum(nothing)
    """
    )


def test_each_step_has_its_own_members() -> None:
    """A series that is absent at a step does not count there."""
    holds(
        SHOPS
        + """
    eval range from 0m to 10m step 5m count(sales)
      {} 3 3 _

    eval range from 0m to 4m step 2m max(sales)
      {} 5 11 11

    eval range from 0m to 4m step 2m min by (city) (sales{city="bonn"})
      {city="bonn"} NaN 11 11

    eval instant at 2m group(sales)
      {} 1
    """
    )


def test_topk_of_an_instant_is_ordered() -> None:
    """The largest come first, NaN last; groups each have their own."""
    script = """
        load 1m
          sales{shop="a"} 3
          sales{shop="b"} NaN
          sales{shop="c"} 9
          sales{shop="d"} 5
    """
    assert [one.labels.get("shop") for one in ask(script, "topk(3, sales)", at_s=0).series] == ["c", "d", "a"]
    assert [one.labels.get("shop") for one in ask(script, "bottomk(10, sales)", at_s=0).series] == ["a", "d", "c", "b"]
    assert ask(script, "topk(0, sales)", at_s=0).series == []
    assert ask(script, "topk(-3, sales)", at_s=0).series == []


def test_topk_over_steps() -> None:
    """A range query has the largest of every step, so that a series has gaps where it was not among them."""
    holds("""
        load 1m
          sales{shop="a"} 1 9 1
          sales{shop="b"} 5 5 5
          count_wanted 1 1 2

        eval range from 0m to 2m step 1m topk(1, sales)
          sales{shop="a"} _ 9 _
          sales{shop="b"} 5 _ 5

        eval range from 0m to 2m step 1m bottomk(scalar(count_wanted), sales)
          sales{shop="a"} 1 _ 1
          sales{shop="b"} _ 5 5
    """)


def test_parameters_that_are_no_counts() -> None:
    """NaN and numbers beyond an integer are refused."""
    with pytest.raises(InvalidInput, match="Parameter value is NaN"):
        ask(SHOPS, "topk(NaN, sales)", at_s=0)
    with pytest.raises(InvalidInput, match="Scalar value 1e\\+30 overflows int64"):
        ask(SHOPS, "bottomk(1e30, sales)", at_s=0)
    with pytest.raises(InvalidInput, match="Ratio value is NaN"):
        ask(SHOPS, "limit_ratio(NaN, sales)", at_s=0)


def test_quantiles_and_spread() -> None:
    """Quantiles interpolate, and out of range they are infinite and remarked."""
    holds("""
        load 1m
          size{n="1"} 1
          size{n="2"} 3
          size{n="3"} 8

        eval instant at 0m quantile(0.25, size)
          {} 2

        eval instant at 0m quantile(-1, size)
          expect warn msg: PromQL warning: quantile value should be between 0 and 1, got -1
          {} -Inf

        eval instant at 0m stdvar(size)
          {} 8.666666666666666

        eval instant at 0m avg(size)
          {} 4
    """)


def test_count_values() -> None:
    """Each value is a series that says how often it was there; the label may replace one of the series' own."""
    holds("""
        load 1m
          version{host="a"} 2 2
          version{host="b"} 2 3
          version{host="c"} 0.5 NaN

        eval range from 0m to 1m step 1m count_values("v", version)
          {v="2"} 2 1
          {v="3"} _ 1
          {v="0.5"} 1 _
          {v="NaN"} _ 1

        eval instant at 0m count_values by (host) ("host", version)
          {host="2"} 2
          {host="0.5"} 1
    """)


def test_limits_pick_the_same_series_again() -> None:
    """`limitk` keeps so many of each group, and a ratio with its complement keeps every series exactly once."""
    script = "load 1m\n" + "".join(f'  unit{{n="{n}", half="{n % 2}"}} {n}\n' for n in range(60))
    engine = engine_over(script)
    kept = [engine.instant(f"limit_ratio({ratio}, unit)", time_ms=0).series for ratio in (0.3, -0.7)]
    names = [{one.labels for one in part} for part in kept]
    assert len(names[0]) + len(names[1]) == 60
    assert not names[0] & names[1]
    assert 5 < len(names[0]) < 32
    assert len(engine.instant("limitk by (half) (4, unit)", time_ms=0).series) == 8
    assert len(engine.instant("limit_ratio(1, unit)", time_ms=0).series) == 60
    engine.close()


def test_native_histograms() -> None:
    """Histograms add up, refuse to be mixed with floats, and are left out where only floats count."""
    holds("""
        load 1m
          took{n="1"} {{schema:0 count:3 sum:6 buckets:[1 2]}}
          took{n="2"} {{schema:0 count:1 sum:1 buckets:[1]}}
          took{n="3"} 4

        eval instant at 0m sum(took{n!="3"})
          {} {{schema:0 count:4 sum:7 buckets:[2 2]}}

        eval instant at 0m sum(took)
          expect warn msg: PromQL warning: encountered a mix of histograms and floats for aggregation

        eval instant at 0m max(took)
          expect info msg: PromQL info: ignored histogram in max aggregation
          {} 4

        eval instant at 0m count(took)
          {} 3

        eval instant at 0m topk(5, took)
          expect info msg: PromQL info: ignored histogram in topk aggregation
          took{n="3"} 4
    """)


GROUPS = np.array([0, 1, 0, 0, 1], dtype=np.int64)
CELLS = st.lists(
    st.lists(st.one_of(st.none(), st.integers(-4, 4).map(float), st.floats(-1e6, 1e6)), min_size=3, max_size=3), min_size=5, max_size=5
)


def accumulated(name: str, values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """What an accumulator gives that sees the rows in two parts."""
    engine = engine_over("load 1m\n  nothing 1\n")
    accumulator = Accumulator(name, 3)
    question = Question("", Steps(0, 1, 3), 2, 1, 1.0, 1.0, instant=False)
    context = Context(engine._source, EVERYTHING, RealClock(), question, evaluate, engine._pool, Reservation(engine._room))
    for part in (slice(0, 2), slice(2, 5)):
        grid = Grid([Labels()] * len(values[part]), values[part], present[part])
        accumulator.add(context, grid, GROUPS[part].copy(), 2)
    engine.close()
    return accumulator.finished(2)[0]


@settings(max_examples=50, deadline=None)
@given(CELLS)
def test_kernels_agree_with_plain_python(cells: list[list[float | None]]) -> None:
    """Sum, average, extremes, variance and quantile of every group and step are those of plain Python."""
    values = np.array([[0.0 if cell is None else cell for cell in row] for row in cells])
    present = np.array([[cell is not None for cell in row] for row in cells])
    members, starts = Grouping([Labels(), Labels()], GROUPS).members()
    results = {name: accumulated(name, values, present) for name in ("sum", "avg", "max", "min", "stdvar")}
    results["quantile"] = np.zeros((2, 3))
    quantile_columns(values, present, members, starts, np.full(3, 0.4), results["quantile"], np.zeros((2, 3), dtype=np.int64), 0, 3)
    for group in range(2):
        for step in range(3):
            own = [values[row, step] for row in range(5) if GROUPS[row] == group and present[row, step]]
            if not own:
                continue
            mean = math.fsum(own) / len(own)
            expected = {
                "sum": math.fsum(own), "avg": mean, "max": max(own), "min": min(own), "quantile": quantile(own, 0.4),
                "stdvar": math.fsum((one - mean) ** 2 for one in own) / len(own),
            }  # fmt: skip
            for name, number in expected.items():
                assert math.isclose(results[name][group, step], number, rel_tol=1e-9, abs_tol=1e-5), name


@settings(max_examples=50, deadline=None)
@given(CELLS, st.integers(0, 4), st.booleans())
def test_best_cells_are_those_of_sorting(cells: list[list[float | None]], k: int, highest: bool) -> None:
    """The k best of a group are what sorting would put first, equal ones in the order of their rows."""
    values = np.array([[0.0 if cell is None else cell for cell in row] for row in cells])
    present = np.array([[cell is not None for cell in row] for row in cells])
    kept = np.zeros(values.shape, dtype=np.bool_)
    best_columns(values, present, *Grouping([Labels(), Labels()], GROUPS).members(), np.full(3, k, dtype=np.int64), highest, kept, 0, 3)
    for group in range(2):
        for step in range(3):
            rows = [row for row in range(5) if GROUPS[row] == group and present[row, step]]
            expected = sorted((values[row, step] for row in rows), reverse=highest)[:k]
            got = sorted((values[row, step] for row in rows if kept[row, step]), reverse=highest)
            assert got == expected


def test_many_groups() -> None:
    """Groups that turn up in later batches find room, and every series is in one."""
    script = "load 1m\n" + "".join(f'  unit{{n="{n}", tens="{n // 10}"}} {n} {n}\n' for n in range(3000))
    engine = engine_over(script)
    answer = engine.range("sum by (tens) (unit)", start_ms=0, end_ms=60_000, step_ms=60_000)
    engine.close()
    assert {one.labels.get("tens"): one.values.tolist() for one in answer.series} == {
        str(tens): [float(sum(range(10 * tens, 10 * tens + 10)))] * 2 for tens in range(300)
    }


def test_groups_are_made_once_per_label_set() -> None:
    """Rows that agree in the labels asked for share a group, in the order of their first row."""
    labels = [
        Labels({"__name__": "x", "a": "1", "b": "1"}),
        Labels({"__name__": "y", "a": "2"}),
        Labels({"__name__": "x", "a": "1", "b": "2"}),
    ]
    grouping = group_by(labels, ("a",), kept=True)
    assert grouping.labels == [Labels({"a": "1"}), Labels({"a": "2"})]
    assert grouping.groups.tolist() == [0, 1, 0]
    assert group_by(labels, ("b",), kept=False).labels == [Labels({"a": "1"}), Labels({"a": "2"})]
    assert [part.tolist() for part in grouping.members()] == [[0, 2, 1], [0, 2, 3]]


@pytest.mark.parametrize("operator", ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
def test_more_groups_than_there_was_room_for(operator: str) -> None:
    """Groups that come later find room beside those that were there before, which keep what they had."""
    script = "load 1m\n" + "".join(f'  x{{i="{n}"}} {n} {n + 1}\n' for n in range(100))
    answer = ask(script, f"{operator} by (i) (x)", at_s=60)
    assert len(answer.series) == 100
    for one in answer.series:
        n = float(one.labels.get("i") or 0)
        wanted = {"count": 1.0, "group": 1.0, "stddev": 0.0, "stdvar": 0.0}.get(operator, n + 1)
        assert one.values.tolist() == [wanted]
