"""Selectors: what is seen at a step, looking back, moved, fixed, and stale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.query.promql.scripts import ask, engine_over, holds

from tocsin.query.promql.syntax import ValueType


def test_lookback_is_open_on_the_left() -> None:
    """A sample exactly five minutes old is not seen any more, one a millisecond younger is."""
    holds("""
        load 1m
          pressure 4

        eval instant at 4m59s999ms pressure
          pressure 4

        eval instant at 5m pressure
    """)


def test_stale_marker_ends_a_series() -> None:
    """After a stale marker a series is gone until its next sample; NaN is a value like any other."""
    holds("""
        load 1m
          pressure 1 stale _ 7
          level NaN 2

        eval instant at 1m pressure

        eval instant at 3m pressure
          pressure 7

        eval instant at 0m level
          level NaN
    """)


def test_offset_and_at() -> None:
    """`offset` looks back or ahead, `@` looks at one instant whatever the step, both together count from there."""
    holds("""
        load 1m
          pressure 0+1x20

        eval range from 10m to 12m step 1m pressure offset 3m
          pressure 7 8 9

        eval range from 10m to 12m step 1m pressure offset -2m
          pressure 12 13 14

        eval range from 10m to 12m step 1m pressure @ 300
          pressure 5 5 5

        eval range from 10m to 12m step 1m pressure @ end() - ignoring() pressure @ start() offset 1m
          {} 3 3 3
    """)


def test_range_is_open_on_the_left() -> None:
    """A range takes in its end and not its start."""
    answer = ask("load 1m\n  pressure 0+1x9\n", "pressure[2m]", at_s=300)
    assert answer.type is ValueType.MATRIX
    assert answer.series[0].values.tolist() == [4, 5]
    assert answer.series[0].timestamps_ms.tolist() == [240_000, 300_000]


def test_range_of_a_subquery() -> None:
    """A subquery alone answers the values at the multiples of its step, its names dropped where its expression dropped them."""
    answer = ask("load 1m\n  pressure{at='a'} 0+1x9\n", "(pressure * 2)[2m:30s]", at_s=310)
    assert answer.series[0].timestamps_ms.tolist() == [210_000, 240_000, 270_000, 300_000]
    assert answer.series[0].values.tolist() == [6, 8, 8, 10]
    assert not answer.series[0].labels.metric


def test_kinds_of_samples_replace_each_other() -> None:
    """Of a float and a native histogram of one series the newer is seen, and a stale marker of either kind ends both."""
    holds("""
        load 1m
          latency 1 {{count:2 sum:3}} 4 {{count:5 sum:6}} stale

        eval instant at 0m latency
          latency 1

        eval instant at 1m latency
          latency {{count:2 sum:3}}

        eval instant at 2m latency
          latency 4

        eval instant at 4m latency
    """)


def test_timestamp_of_a_selector_is_the_samples_own() -> None:
    """`timestamp` gives the instant of the sample for a plain selector, and of the evaluation for anything computed."""
    holds("""
        load 1m
          pressure 1 2

        eval instant at 3m timestamp(pressure)
          {} 60

        eval instant at 3m timestamp(pressure + 0)
          {} 180

        eval range from 3m to 4m step 1m timestamp(pressure @ 30)
          {} 0 0
    """)


def test_instants_between_samples_are_interpolated_when_smoothed() -> None:
    """`smoothed` draws a line between the samples around the instant; without a later one the last counts."""
    holds("""
        load 1m
          pressure 10 20 _ 5

        eval instant at 30s pressure smoothed
          pressure 15

        eval instant at 2m pressure smoothed
          pressure 12.5

        eval instant at 4m pressure smoothed
          pressure 5
    """)


def test_batches_make_one_vector() -> None:
    """More series than a source hands out at once are one vector, each with its own values."""
    script = "load 1m\n" + "".join(f'  unit{{n="{n}"}} {n} {n + 1}\n' for n in range(2500))
    engine = engine_over(script)
    answer = engine.range("unit", start_ms=0, end_ms=60_000, step_ms=60_000)
    engine.close()
    assert len(answer.series) == 2500
    assert all(one.values.tolist() == [int(one.labels.get("n")), int(one.labels.get("n")) + 1] for one in answer.series)
    assert answer.samples == 5000


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0])
def test_special_values_pass(value: float) -> None:
    """Infinities and the negative zero come out as they went in."""
    answer = ask(f"load 1m\n  odd {'Inf' if value == math.inf else '-Inf' if value == -math.inf else '-0'}\n", "odd", at_s=0)
    assert np.float64(answer.series[0].values[0]).tobytes() == np.float64(value).tobytes()
