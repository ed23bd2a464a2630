"""Silences: entered, changed, ended, and never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.state.alert_builders import silence
from tests.state.builders import MINUTE, NOW

from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.state.audit import AuditAction
from tocsin.state.state import State


def test_a_silence_is_kept_as_it_was_entered(state: State) -> None:
    """Matchers of every kind and notes come back; those that end later than an instant are found."""
    kept = silence(annotations={"ticket": "OPS-1"})
    later = silence(id="s2", ends_at=NOW + 60 * MINUTE)
    for each in (later, kept):
        state.alerting.silences.add(each)
    assert state.alerting.silences.list() == [kept, later]
    assert state.alerting.silences.list(ending_after=NOW + 10 * MINUTE) == [later]
    assert state.alerting.silences.get("s1") == kept


def test_a_silence_says_who_and_why_about_what(state: State) -> None:
    """Without author, comment, id or matchers nothing is silenced, and an id is taken once."""
    for wrong in ({"author": " "}, {"comment": ""}, {"id": ""}, {"matchers": ()}, {"comment": "\x00"}):
        with pytest.raises(InvalidInput):
            state.alerting.silences.add(silence(**wrong))
    state.alerting.silences.add(silence())
    with pytest.raises(Conflict, match="a silence with the id 's1' already"):
        state.alerting.silences.add(silence(author="eve"))
    assert [entry.author for entry in state.audit.list()] == ["ada"]


def test_a_silence_that_ended_is_kept(state: State) -> None:
    """It ends now, once; one that had not begun never does; the audit says who did it."""
    state.alerting.silences.add(silence(starts_at=NOW + 5 * MINUTE))
    ended = state.alerting.silences.expire("s1", "bob", NOW + MINUTE)
    assert (ended.starts_at, ended.ends_at) == (NOW + MINUTE, NOW + MINUTE)
    assert state.alerting.silences.list() == [ended]
    with pytest.raises(Conflict, match="ended at"):
        state.alerting.silences.expire("s1", "bob", NOW + 2 * MINUTE)
    with pytest.raises(NotFound, match="'s9'"):
        state.alerting.silences.expire("s9", "bob", NOW)
    entry, _ = state.audit.list()
    assert (entry.author, entry.action, entry.subject) == ("bob", AuditAction.SILENCE_EXPIRED, "s1")
    assert entry.detail.startswith("{service='checkout', alertname!~'Watchdog.*'} from ")


def test_a_silence_is_changed_or_replaced(state: State) -> None:
    """A later end is a change; other matchers are a new silence, and the old one ends in the same step."""
    state.alerting.silences.add(silence())
    state.alerting.silences.change(silence(ends_at=NOW + 30 * MINUTE, updated_at=NOW + 1))
    new = silence(id="s2", matchers=silence().matchers[:1], updated_at=NOW + MINUTE)
    state.alerting.silences.add(new, instead_of="s1")
    assert state.alerting.silences.get("s1") == silence(ends_at=NOW + MINUTE, updated_at=NOW + MINUTE)
    assert state.alerting.silences.get("s2") == new
    with pytest.raises(Conflict):
        state.alerting.silences.add(replace(new, id="s3"), instead_of="s1")
    with pytest.raises(NotFound):
        state.alerting.silences.get("s3")
    with pytest.raises(NotFound):
        state.alerting.silences.change(silence(id="s3"))
    assert [entry.action for entry in state.audit.list()] == [
        AuditAction.SILENCE_ADDED,
        AuditAction.SILENCE_EXPIRED,
        AuditAction.SILENCE_CHANGED,
        AuditAction.SILENCE_ADDED,
    ]
