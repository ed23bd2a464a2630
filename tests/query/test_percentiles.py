"""Bins of latency: how many of their requests are beyond a limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.query.percentiles import Bin

SPENT = st.lists(st.integers(1000, 1090), min_size=1, max_size=50)


@given(SPENT, st.integers(990, 1100))
def test_a_share_of_a_bin_is_exact_where_it_says_so(spent: list[int], limit: int) -> None:
    """What is called exact is the count; what is not is between none and all, and both ends of a divided bin are on their own sides."""
    known = Bin(len(spent), min(spent), max(spent))
    about, exact = known.slower(len(spent), limit)
    true = sum(ns > limit for ns in spent)
    if exact:
        assert about == true
    else:
        assert 1 <= about <= len(spent) - 1
    assert exact or known.shortest_ns <= limit < known.longest_ns


@pytest.mark.parametrize(("counted", "limit", "found"), [(0, 1000, 0.0), (60, 900, 60.0), (60, 1090, 0.0)])
def test_a_part_of_a_bin_is_on_one_side_of_a_limit(counted: int, limit: int, found: float) -> None:
    """A limit outside of the bin leaves no doubt, whatever part of the bin is asked about."""
    assert Bin(100, 1000, 1090).slower(counted, limit) == (found, True)


def test_a_divided_bin_is_shared_by_logarithms() -> None:
    """A limit in the geometric middle leaves half on either side."""
    about, exact = Bin(100, 1000, 1090).slower(60, math.sqrt(1000 * 1090))
    assert about == pytest.approx(30)
    assert not exact
    assert Bin(3, 0, 1).slower(3, 0.5)[1] is False
