"""States of policies: the newest stands, each is told once."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

from tests.state.builders import MINUTE, NOW, transition

from tocsin.state.state import State


def test_the_newest_transition_tells_how_a_policy_stands(state: State) -> None:
    """By objective, and for all of them at once; the history is newest first."""
    first, second = transition(previous="", state="normal"), transition(at=NOW + MINUTE)
    other = transition(objective="latency", state="frozen", remaining_ratio=-1.5)
    for each in (first, second, other):
        assert state.policies.record(each)
    assert state.policies.newest("availability") == second
    assert state.policies.newest("nothing") is None
    assert state.policies.newest_of_all() == {"availability": second, "latency": other}
    assert state.policies.history("availability") == [second, first]
    assert state.policies.history("availability", limit=1) == [second]


def test_of_two_at_one_instant_the_last_one_told_stands(state: State) -> None:
    """A clock that stands still does not mix up the order."""
    state.policies.record(transition(state="careful"))
    state.policies.record(transition(state="frozen"))
    assert [each.state for each in state.policies.history("availability")] == ["frozen", "careful"]
    assert state.policies.newest_of_all()["availability"].state == "frozen"


def test_a_state_that_stands_is_not_told_again(state: State) -> None:
    """Several threads that find the same transition keep it once, whichever is first."""
    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(lambda index: state.policies.record(transition(at=NOW + index)), range(12)))
    assert sum(kept) == 1
    assert len(state.policies.history("availability")) == 1
    assert state.policies.record(transition(state="normal", at=NOW + MINUTE))


def test_a_budget_without_events_has_no_ratio(state: State) -> None:
    """A ratio that is not a number stays one."""
    state.policies.record(transition(remaining_ratio=math.nan))
    newest = state.policies.newest("availability")
    assert newest is not None
    assert math.isnan(newest.remaining_ratio)
