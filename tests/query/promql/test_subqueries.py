"""Expressions over ranges of their own steps, and what is the same at every step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.query.promql.scripts import ask, engine_over, holds

from tocsin.errors import InvalidInput
from tocsin.query.promql.context import Question
from tocsin.query.promql.durations import duration_ms
from tocsin.query.promql.grid import Steps
from tocsin.query.promql.invariance import is_invariant
from tocsin.query.promql.parser import parse
from tocsin.query.promql.ranges import _steps_within
from tocsin.query.promql.syntax import MatrixSelector

LEVEL = """
    load 30s
      level 0+1x60
"""


def test_steps_are_multiples_since_1970() -> None:
    """Steps of a subquery don't depend on when it is asked, and its range is open on the left."""
    holds(
        LEVEL
        + """
    eval instant at 10m sum_over_time(level[2m:1m])
      {} 38

    eval instant at 10m17s sum_over_time(level[2m:1m])
      {} 38

    eval instant at 10m count_over_time(level[1m:7s])
      {} 8

    eval instant at 10m sum_over_time(level[1m:])
      {} 20
    """
    )


def test_offsets_and_instants() -> None:
    """A subquery may be moved and fixed as a selector may."""
    holds(
        LEVEL
        + """
    eval instant at 10m sum_over_time(level[2m:1m] offset 4m)
      {} 22

    eval range from 10m to 20m step 5m max_over_time(level[2m:1m] @ 300)
      {} 10 10 10

    eval range from 10m to 20m step 5m max_over_time(level[2m:1m])
      {} 20 30 40
    """
    )


def test_the_end_is_the_one_asked_for() -> None:
    """`end()` is the end of the question, even where the last step falls short of it."""
    engine = engine_over(LEVEL)
    answer = engine.range("level @ end()", start_ms=0, end_ms=100_000, step_ms=60_000)
    engine.close()
    assert answer.series[0].values.tolist() == [3.0, 3.0]


def test_nested() -> None:
    """Subqueries stand inside of subqueries; the functions in them see their own steps."""
    holds(
        LEVEL
        + """
    eval instant at 10m max_over_time(sum_over_time(level[1m:30s])[2m:1m])
      {} 39

    eval instant at 10m max_over_time(time()[5m:1m])
      expect fail

    eval instant at 10m min_over_time(vector(time())[5m:1m])
      {} 360

    eval instant at 10m avg_over_time((level > 15)[5m:1m])
      {} 18
    """
    )


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("1 + 2", True), ("x @ 5", True), ("x", False), ("x @ end()", True), ("rate(x[5m] @ 5)", True), ("rate(x[5m])", False),
        ("time()", False),
        ("sum(x @ 5) + 1", True), ("sum(x @ 5) + y", False),
        ("timestamp(x @ 5)", False), ("hour()", False), ("hour(x @ 5)", True),
        ("predict_linear(x[5m] @ 5, 1)", False), ("topk(scalar(x), y @ 5)", False), ("rate((x @ 5)[5m:1m])", False),
        ("rate(x[5m:1m] @ 5)", True), ("-(x @ 5)", True),
    ],
)  # fmt: skip
def test_what_is_the_same_at_every_step(query: str, same: bool) -> None:
    """An expression whose selectors are all fixed is evaluated once, unless it looks at the time."""
    assert is_invariant(parse(query), {}) == same


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5m * 2", 600_000), ("1h / 4 - 30s", 870_000), ("2 ^ 3", 8000), ("7m % 4m", 180_000), ("step() * 3", 45_000), ("range()", 90_000),
     ("max(step(), 1m)", 60_000), ("min(step(), 1m)", 15_000), ("-(-5m)", 300_000)],
)  # fmt: skip
def test_computed_durations(text: str, milliseconds: int) -> None:
    """Lengths are computed in seconds, with the step and the range of the whole query."""
    node = parse(f"x[{text}]")
    assert isinstance(node, MatrixSelector)
    assert duration_ms(node.range, Question("", Steps(0, 15_000, 7), 90_000, 1, 1.0, 1.0, instant=False)) == milliseconds


def test_durations_that_are_none() -> None:
    """A range of no length and a division by zero are refused."""
    for query in ("rate(level[1m - 60])", "rate(level[5m:step()])", "rate(level[1m - 2m])", "rate(level[1m / (5 - 5)])"):
        with pytest.raises(InvalidInput):
            ask(LEVEL, query, at_s=60)


@given(st.integers(0, 10**6), st.integers(1, 10**5), st.integers(1, 10**4))
def test_steps_lie_in_the_window(end: int, length: int, step: int) -> None:
    """All multiples of the step in (end - range, end], and no others."""
    steps = _steps_within(np.array([end], dtype=np.int64), length, step)
    assert steps.times_ms.tolist() == [at for at in range((end - length) // step * step, end + 1, step) if end - length < at]
