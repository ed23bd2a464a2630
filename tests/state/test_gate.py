"""Answers of the gate: kept, listed, and dropped when they are old."""

from __future__ import annotations

import pytest
from tests.state.builders import MINUTE, NOW, gate_record

from tocsin.errors import Conflict, InvalidInput
from tocsin.state.state import DAY_NS, State


def test_answers_are_listed_newest_first(state: State) -> None:
    """Every field comes back; the limit cuts the oldest."""
    records = [gate_record(id=f"g{index}", at=NOW + index, service="cart" if index == 1 else "checkout") for index in range(4)]
    for each in records:
        state.gate.record(each)
    assert state.gate.list() == records[::-1]
    assert state.gate.list("checkout", limit=2) == [records[3], records[2]]


def test_an_answer_is_kept_once(state: State) -> None:
    """A second one with its id is refused, and so is one without numbers."""
    state.gate.record(gate_record())
    with pytest.raises(Conflict, match="'g1' already"):
        state.gate.record(gate_record(verdict="no_go"))
    with pytest.raises(InvalidInput, match="risk_minutes is nan; expected a finite number"):
        state.gate.record(gate_record(id="g2", risk_minutes=float("nan")))
    assert state.gate.list() == [gate_record()]


def test_old_answers_are_dropped(state: State) -> None:
    """What is older than state.gate_days goes, what is as old stays."""
    for index in range(3):
        state.gate.record(gate_record(id=f"g{index}", at=NOW + index * MINUTE))
    assert state.expire(NOW + MINUTE + 400 * DAY_NS) == 1
    assert [record.id for record in state.gate.list()] == ["g2", "g1"]
