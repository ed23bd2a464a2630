"""Exclusions: entered, found for an SLO, withdrawn, and never lost from the audit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.state.builders import MINUTE, NOW, exclusion

from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.budget import Exclusion, Withdrawal
from tocsin.state.audit import AuditAction, AuditEntry
from tocsin.state.state import State

ALWAYS = exclusion(id="x2", slo="", service="checkout", start=None, end=None, query="http.route:/healthz", created=NOW)


def test_an_exclusion_is_kept_as_it_was_entered(state: State) -> None:
    """Time or none, query or none: what was entered is listed, oldest first."""
    state.exclusions.add(ALWAYS)
    state.exclusions.add(exclusion())
    assert state.exclusions.list() == [exclusion(), ALWAYS]


def test_an_id_is_taken_once(state: State) -> None:
    """A second exclusion with the id is refused, also after the first was withdrawn, and leaves nothing in the audit."""
    state.exclusions.add(exclusion())
    state.exclusions.withdraw("x1", "ada", "wrong day", NOW)
    with pytest.raises(Conflict, match="an exclusion with the id 'x1' already"):
        state.exclusions.add(exclusion(author="bob"))
    assert [entry.author for entry in state.audit.list()] == ["ada", "ada"]


@pytest.mark.parametrize("blank", ["author", "reason", "id"])
def test_an_exclusion_says_who_and_why(state: State, blank: str) -> None:
    """Without author or reason nothing is excluded."""
    with pytest.raises(InvalidInput, match=f"needs {blank}"):
        state.exclusions.add(exclusion(**{blank: " "}))
    with pytest.raises(InvalidInput, match="instant"):
        state.exclusions.add(exclusion(created=None))
    assert not state.exclusions.list(include_withdrawn=True)


def test_a_withdrawn_exclusion_is_out_of_force_and_kept(state: State) -> None:
    """It is gone from the list unless asked for, and then says who withdrew it when and why."""
    state.exclusions.add(exclusion())
    state.exclusions.withdraw("x1", "bob", "the upgrade was put off", NOW)
    assert not state.exclusions.list()
    withdrawn = replace(exclusion(), withdrawn=Withdrawal(NOW, "bob", "the upgrade was put off"))
    assert state.exclusions.list(include_withdrawn=True) == [withdrawn]
    assert state.audit.list() == [
        AuditEntry(NOW, "bob", AuditAction.EXCLUSION_WITHDRAWN, "x1", "the upgrade was put off"),
        AuditEntry(
            NOW - MINUTE,
            "ada",
            AuditAction.EXCLUSION_ADDED,
            "x1",
            "SLO availability from 2026-09-21T14:13:20.123456789Z until 2026-09-21T14:23:20.123456789Z: planned upgrade",
        ),
    ]


def test_withdrawing_happens_once_and_with_a_reason(state: State) -> None:
    """What is not there, was withdrawn before, or is withdrawn without a reason is refused in words."""
    state.exclusions.add(exclusion())
    with pytest.raises(NotFound, match="no exclusion with the id 'x9'"):
        state.exclusions.withdraw("x9", "bob", "why", NOW)
    with pytest.raises(InvalidInput, match="needs author and reason"):
        state.exclusions.withdraw("x1", "", "", NOW)
    state.exclusions.withdraw("x1", "bob", "why", NOW)
    with pytest.raises(Conflict, match=r"withdrawn at 2026-09-21T14:13:20\.123456789Z by bob"):
        state.exclusions.withdraw("x1", "eve", "again", NOW)
    assert len(state.audit.list()) == 2


@pytest.mark.parametrize(
    ("slo", "service", "found"),
    [
        (None, None, ["x1", "x2"]),
        ("availability", None, ["x1"]),
        (None, "checkout", ["x2"]),
        ("availability", "checkout", ["x1", "x2"]),
        ("latency", "checkout", ["x2"]),
        ("latency", "cart", []),
    ],
)
def test_exclusions_are_found_for_an_slo_and_its_service(state: State, slo: str | None, service: str | None, found: list[str]) -> None:
    """With both given, exactly those that apply are listed."""
    for each in (exclusion(), ALWAYS):
        state.exclusions.add(each)
    listed = state.exclusions.list(slo, service)
    assert [each.id for each in listed] == found
    if slo is not None and service is not None:
        assert listed == [each for each in state.exclusions.list() if Exclusion.applies_to(each, slo, service)]
