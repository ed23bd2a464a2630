"""When groups are evaluated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert.definition import RuleGroup
from tocsin.alert.rules.schedule import Schedule
from tocsin.model.instant import NANOSECONDS

NOWS = st.integers(min_value=0, max_value=2**62)
INTERVALS = st.integers(min_value=1, max_value=7200)


def schedule(name: str, interval_s: float = 60) -> Schedule:
    """Of a group with this name."""
    return Schedule(RuleGroup(name, "rules.yml", (), interval_s))


@given(NOWS, INTERVALS, st.text(max_size=8))
def test_instants_lie_an_interval_apart(now: int, interval_s: int, name: str) -> None:
    """The latest is not after now and less than an interval before it; the next one is an interval later, whatever is asked."""
    times = schedule(name, interval_s)
    latest = times.latest(now)
    assert 0 <= now - latest < interval_s * NANOSECONDS
    assert times.latest(latest) == latest
    assert times.after(now) == times.after(latest) == latest + interval_s * NANOSECONDS
    assert latest % 1_000_000 == 0


def test_a_group_keeps_its_place_and_groups_are_spread() -> None:
    """The same key gives the same instants on every start; a hundred groups fill every tenth of the interval."""
    offsets = [schedule(f"g{number}").offset_ns for number in range(100)]
    assert offsets == [schedule(f"g{number}").offset_ns for number in range(100)]
    assert {offset * 10 // (60 * NANOSECONDS) for offset in offsets} == set(range(10))
