"""Overrides and swaps: what may be asked, who may answer, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.oncall.house import NOON, HandClock, shop_plan
from tests.oncall.plans import HOUR, at, days
from tests.state.prepared import open_state

from tocsin.clock import SeededEntropy
from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.oncall import Origin, SwapState
from tocsin.oncall.changes import Changes
from tocsin.oncall.roster import Roster
from tocsin.state.state import State

SHIFT_END = at("2026-01-12T08:00:00Z")  # ana has this week, cem the next
SIGNED = {"author": "ana", "reason": "wedding"}


class Team:
    """Schedules, what people change about them, and a clock."""

    def __init__(self, state: State) -> None:
        self.clock = HandClock()
        self.state = state
        self.changes = Changes(state.oncall, self.roster, clock=self.clock, entropy=SeededEntropy(1))

    def roster(self) -> Roster:
        """As things stand."""
        return Roster(shop_plan(), self.state.oncall.overrides.list())

    def person(self, moment: int) -> str:
        """Who is on call."""
        return self.roster().who("primary", moment).person


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team with a state of its own."""
    with open_state(tmp_path) as state:
        yield Team(state)


def test_an_override_holds_until_it_is_withdrawn(team: Team) -> None:
    """From its start to its end."""
    made = team.changes.override("primary", person="bob", start=NOON, end=NOON + HOUR, **SIGNED)
    assert [team.person(NOON), team.person(NOON + HOUR)] == ["bob", "ana"]
    team.changes.withdraw_override(made.id, author="bob", reason="it was put off")
    assert team.person(NOON) == "ana"
    assert [one.id for one in team.changes.overrides(past=True)] == [made.id]
    assert list(team.changes.overrides()) == []


def test_an_override_that_would_change_nothing_is_refused(team: Team) -> None:
    """Unknown names, times that are over or the wrong way round, somebody who is not on call then."""
    override = team.changes.override
    with pytest.raises(NotFound, match="did you mean 'bob'"):
        override("primary", person="bobb", start=NOON, end=NOON + HOUR, **SIGNED)
    with pytest.raises(NotFound, match="did you mean 'primary'"):
        override("primry", person="bob", start=NOON, end=NOON + HOUR, **SIGNED)
    with pytest.raises(InvalidInput, match="not after it starts"):
        override("primary", person="bob", start=NOON, end=NOON, **SIGNED)
    with pytest.raises(InvalidInput, match="can't be changed any more"):
        override("primary", person="bob", start=NOON - 2 * HOUR, end=NOON - HOUR, **SIGNED)
    with pytest.raises(InvalidInput, match="longer than 800 days"):
        override("primary", person="bob", start=NOON, end=NOON + days(900), **SIGNED)
    with pytest.raises(InvalidInput, match="cem is not on call on primary in that time, but from 2026-01-12T08:00Z"):
        override("primary", person="bob", start=NOON, end=NOON + HOUR, replaces="cem", **SIGNED)
    with pytest.raises(InvalidInput, match="needs author"):
        override("primary", person="bob", start=NOON, end=NOON + HOUR, author=" ", reason="x")


def test_a_swap_is_asked_and_accepted(team: Team) -> None:
    """By default it is the present shift, from now on to its end; accepted, the schedule says so, and why."""
    swap = team.changes.ask("primary", "ana", reason="wedding", to="bob")
    assert (swap.start, swap.end, swap.state) == (NOON, SHIFT_END, SwapState.ASKED)
    assert team.person(NOON + HOUR) == "ana"
    team.clock.advance(60)
    accepted = team.changes.accept(swap.id, "bob", comment="enjoy")
    assert (accepted.state, accepted.decided_by, accepted.comment) == (SwapState.ACCEPTED, "bob", "enjoy")
    assert [team.person(NOON), team.person(NOON + HOUR), team.person(SHIFT_END)] == ["ana", "bob", "cem"]
    assert team.roster().who("primary", NOON + HOUR).origin is Origin.SWAP


def test_anybody_may_take_what_was_offered_to_all(team: Team) -> None:
    """One of them gets it."""
    swap = team.changes.ask("primary", "cem", reason="flight")
    assert (swap.start, swap.end) == (SHIFT_END, SHIFT_END + days(7))
    team.changes.accept(swap.id, "dan")
    assert team.person(SHIFT_END) == "dan"
    with pytest.raises(Conflict, match="was accepted by dan"):
        team.changes.accept(swap.id, "bob")


def test_a_part_of_a_shift_may_be_offered(team: Team) -> None:
    """With a start and an end; with a start alone, from there to the end of the shift."""
    part = team.changes.ask("primary", "ana", reason="school", start=NOON + HOUR, end=NOON + 3 * HOUR)
    team.changes.accept(part.id, "bob")
    assert [team.person(NOON + hours * HOUR) for hours in (0, 1, 3)] == ["ana", "bob", "ana"]
    rest = team.changes.ask("primary", "ana", reason="school", start=NOON + 5 * HOUR)
    assert (rest.start, rest.end) == (NOON + 5 * HOUR, SHIFT_END)


def test_only_who_is_on_call_can_offer(team: Team) -> None:
    """And nobody asks themselves, or without a reason."""
    with pytest.raises(InvalidInput, match="cem is not on call on primary at 2026-01-06T11:00"):
        team.changes.ask("primary", "cem", reason="x", start=NOON)
    with pytest.raises(InvalidInput, match=r"dan is not on call on primary .* nor in the next 200 days"):
        team.changes.ask("primary", "dan", reason="x")
    with pytest.raises(InvalidInput, match="can't ask"):
        team.changes.ask("primary", "ana", reason="x", to="ana")
    with pytest.raises(InvalidInput, match="needs reason"):
        team.changes.ask("primary", "ana", reason=" ")


def test_only_who_is_concerned_decides(team: Team) -> None:
    """The one who was asked accepts or declines, the one who asked withdraws."""
    swap = team.changes.ask("primary", "ana", reason="x", to="bob")
    with pytest.raises(InvalidInput, match="offered to bob, not to dan"):
        team.changes.accept(swap.id, "dan")
    with pytest.raises(InvalidInput, match="offered to bob"):
        team.changes.decline(swap.id, "dan")
    with pytest.raises(InvalidInput, match="asked by ana"):
        team.changes.withdraw_swap(swap.id, "bob")
    assert team.changes.decline(swap.id, "bob").state is SwapState.DECLINED
    with pytest.raises(Conflict, match="was declined by bob"):
        team.changes.withdraw_swap(swap.id, "ana")
    open_to_all = team.changes.ask("primary", "ana", reason="x")
    with pytest.raises(InvalidInput, match="to keep it withdraw"):
        team.changes.accept(open_to_all.id, "ana")
    with pytest.raises(InvalidInput, match="nobody needs to decline"):
        team.changes.decline(open_to_all.id, "bob")
    assert team.changes.withdraw_swap(open_to_all.id, "ana").state is SwapState.WITHDRAWN
    assert [one.id for one in team.changes.swaps()] == [open_to_all.id, swap.id] or len(team.changes.swaps()) == 2
    with pytest.raises(NotFound, match="no swap"):
        team.changes.accept("sw-none", "bob")


def test_a_swap_whose_time_has_gone_can_not_be_accepted(team: Team) -> None:
    """Neither when the shift is over, nor when somebody else has it meanwhile."""
    swap = team.changes.ask("primary", "ana", reason="x")
    team.changes.override("primary", person="dan", start=NOON, end=SHIFT_END, **SIGNED)
    with pytest.raises(Conflict, match="ana is no longer on call"):
        team.changes.accept(swap.id, "bob")
    team.clock.now = SHIFT_END
    with pytest.raises(Conflict, match="ended at 2026-01-12T08:00"):
        team.changes.accept(swap.id, "bob")
