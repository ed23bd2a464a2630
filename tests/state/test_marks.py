"""Marks of causes: entered, found by time, withdrawn."""

from __future__ import annotations

import pytest
from tests.state.builders import MINUTE, NOW, mark

from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.budget import CauseKind, Withdrawal
from tocsin.state.audit import AuditAction
from tocsin.state.state import State


def test_a_mark_is_kept_as_it_was_entered(state: State) -> None:
    """Every kind of cause comes back as it was."""
    marks = [mark(id=f"m{index}", kind=kind, start=NOW + index) for index, kind in enumerate(CauseKind)]
    for each in marks:
        state.marks.add(each)
    assert state.marks.list() == marks


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, True),
        (NOW - MINUTE, NOW, False),
        (NOW - MINUTE, NOW + 1, True),
        (NOW + 10 * MINUTE - 1, None, True),
        (NOW + 10 * MINUTE, None, False),
        (NOW + MINUTE, NOW + 2 * MINUTE, True),
    ],
)
def test_marks_are_found_by_overlap(state: State, start: int | None, end: int | None, found: bool) -> None:
    """A mark belongs to a range when they share at least a nanosecond."""
    state.marks.add(mark())
    assert bool(state.marks.list("availability", "checkout", start, end)) is found


def test_a_mark_can_be_withdrawn_once(state: State) -> None:
    """It is out of force, kept, and in the audit."""
    state.marks.add(mark())
    state.marks.withdraw("m1", "bob", "it was the network", NOW + MINUTE)
    assert not state.marks.list()
    (kept,) = state.marks.list(include_withdrawn=True)
    assert kept.withdrawn == Withdrawal(NOW + MINUTE, "bob", "it was the network")
    with pytest.raises(Conflict):
        state.marks.withdraw("m1", "bob", "again", NOW)
    with pytest.raises(NotFound, match="no mark"):
        state.marks.withdraw("m2", "bob", "why", NOW)
    assert [entry.action for entry in state.audit.list()] == [AuditAction.MARK_WITHDRAWN, AuditAction.MARK_ADDED]


def test_a_mark_that_can_not_be_is_refused(state: State) -> None:
    """An id that is taken, an empty time, a missing reason: nothing is kept of them."""
    state.marks.add(mark())
    with pytest.raises(Conflict, match="'m1' already"):
        state.marks.add(mark())
    with pytest.raises(InvalidInput, match="not after its start"):
        state.marks.add(mark(id="m2", end=NOW))
    with pytest.raises(InvalidInput, match="needs reason"):
        state.marks.add(mark(id="m2", reason=""))
    assert len(state.marks.list()) == len(state.audit.list()) == 1
