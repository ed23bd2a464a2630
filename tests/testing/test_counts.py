"""The fake source of counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.slo.minutes import MinuteRange, Sums
from tocsin.testing.counts import MemoryCounts

WRITES = st.lists(st.tuples(st.booleans(), st.integers(-50, 50), st.integers(0, 20), st.integers(0, 9)), max_size=12)


def test_what_was_never_filled_is_nought() -> None:
    """Minutes and sums of an unknown objective are all nought; it has no progress."""
    counts = MemoryCounts()
    assert counts.minutes("x", MinuteRange(0, 180)).total.tolist() == [0, 0, 0]
    assert counts.sums(["x"], [MinuteRange(0, 60)]) == {"x": [Sums()]}
    assert counts.progress() == {}
    assert counts.statements == 2


@given(writes=WRITES, first=st.integers(-60, 60), length=st.integers(0, 80))
def test_counts_are_those_that_were_written(writes: list[tuple[bool, int, int, int]], first: int, length: int) -> None:
    """Filled, filled over and added to in any order: a range reads what a dictionary of minutes holds, and its sums agree."""
    counts, expected = MemoryCounts(), dict.fromkeys(range(-200, 200), 0)
    for adds, start, minutes, number in writes:
        if adds:
            counts.add("x", start * 60 + 59, good=number, total=2 * number)
            expected[start] += number
        else:
            counts.fill("x", start * 60, (start + minutes) * 60, good=number, total=2 * number)
            expected.update(dict.fromkeys(range(start, start + minutes), number))
    within = MinuteRange(first * 60, (first + length) * 60)
    wanted = [expected[minute] for minute in range(first, first + length)]
    assert counts.minutes("x", within).good.tolist() == wanted
    (sums,) = counts.sums(["x"], [within])["x"]
    assert sums == Sums(sum(wanted), 2 * sum(wanted), 0, 0, sum(number > 0 for number in wanted))
