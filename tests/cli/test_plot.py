"""Numbers as characters."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tocsin.cli.plot import BLOCKS, area, columns, fitting, sparkline


def test_a_ramp_climbs_through_all_blocks() -> None:
    """The lowest value is the lowest block, the highest the highest."""
    assert sparkline([0.0, 1, 2, 3, 4, 5, 6, 7]) == BLOCKS


def test_no_value_is_a_gap() -> None:
    """Nothing measured is a space; a zero is a block."""
    assert sparkline([0.0, None, 7.0]) == "▁ █"
    assert area([None, None], height=2) == ["  ", "  "]


def test_an_area_stands_on_its_lowest_line() -> None:
    """Every line below the top of a column is full."""
    assert area([0.0, 15.0], height=2) == [" █", "▁█"]


def test_points_fall_into_equal_parts_of_the_range() -> None:
    """A part has the mean of its points; NaN and infinities count as nothing."""
    points = [(0.0, 1.0), (1.0, 3.0), (9.0, 5.0), (10.0, math.inf), (10.0, math.nan)]
    assert columns(points, start=0, end=10, width=5) == [2.0, None, None, None, 5.0]


def test_a_column_is_no_narrower_than_two_points_are_apart() -> None:
    """Six points on a line of forty would be a fence; a real gap stays one."""
    series = [[(float(at), 1.0) for at in (0, 10, 20, 30, 50)], [], [(55.0, 1.0)]]
    assert fitting(series, 40) == 7
    assert columns(series[0], start=0, end=60, width=7) == [1.0, 1.0, 1.0, 1.0, None, 1.0, None]
    assert fitting(series, 3) == 3
    assert fitting([[(5.0, 1.0)]], 40) == 40


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50), st.integers(1, 5))
def test_any_finite_numbers_have_a_picture(values: list[float | None], height: int) -> None:
    """As wide as the values, as high as asked, of blocks and spaces alone."""
    lines = area(values, height=height)
    assert len(lines) == height
    assert all(len(line) == len(values) and set(line) <= {*BLOCKS, " "} for line in lines)
