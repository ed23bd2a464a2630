"""The audit: in the order of writing, newest first."""

from __future__ import annotations

from tests.state.builders import NOW, exception, exclusion, mark

from tocsin.state.audit import AuditAction
from tocsin.state.state import State


def test_decisions_are_listed_in_the_order_in_which_they_were_written(state: State) -> None:
    """Also when their instants say otherwise; the limit cuts the oldest."""
    state.exclusions.add(exclusion(created=NOW))
    state.marks.add(mark(created=NOW - 5))
    state.exceptions.grant(exception(created=NOW - 10))
    actions = [AuditAction.EXCEPTION_GRANTED, AuditAction.MARK_ADDED, AuditAction.EXCLUSION_ADDED]
    assert [entry.action for entry in state.audit.list()] == actions
    assert [entry.action for entry in state.audit.list(limit=1)] == actions[:1]


def test_what_was_refused_is_not_audited(state: State) -> None:
    """An empty audit is what a state begins with."""
    assert state.audit.list() == []
