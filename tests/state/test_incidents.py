"""Incidents in the relational state: each change whole or not at all, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from tests.state.builders import MINUTE, NOW, Open

from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.incident import (
    ActionItem,
    Entry,
    EntryKind,
    Evidence,
    EvidenceKind,
    EvidenceState,
    Guard,
    GuardKind,
    Incident,
    IncidentAlert,
    IncidentGroup,
    IncidentSource,
    IncidentState,
    JoinReason,
    PublicUpdate,
    Step,
    StepRecord,
    Tick,
    UpdateStatus,
)
from tocsin.model.severity import Severity
from tocsin.state import incidents
from tocsin.state.incidents import Change
from tocsin.state.state import State

ENTRY = Entry(NOW, EntryKind.OPENED, "opened", "ana", "/x")


def incident(**given: Any) -> Incident:
    """A new one of checkout with a step, a group and two alerts."""
    start = Incident(
        number=0,
        title="checkout burns",
        service="checkout",
        severity=Severity.P1,
        signature="alertname=Burns",
        source=IncidentSource.PAGE,
        opened_at=NOW,
        alerted_at=NOW - MINUTE,
        steps=(StepRecord(Step.ACKNOWLEDGE, NOW, "ana"), StepRecord(Step.MITIGATE, None, "ana", None, "no need")),
        groups=(IncidentGroup("{}:a", NOW, JoinReason.OPENED),),
        alerts=(
            IncidentAlert("00", "{}:a", {"alertname": "Burns", "odd": "\x00"}, {"summary": "s"}, NOW - MINUTE, None, 14.4, "g/r"),
            IncidentAlert("01", "{}:a", {}, {}, NOW, NOW + MINUTE),
        ),
    )
    return replace(start, **given)


def opened(kept: State, **given: Any) -> Incident:
    """The same, kept."""
    return kept.incidents.absorb(lambda *_: [Change(incident(**given), (ENTRY,))])[0]


def guard(**given: Any) -> Guard:
    """A guard of the first incident."""
    return replace(Guard(0, 1, GuardKind.MUST_FIRE, "g", "g.yaml", "alertname=Burns", NOW, "ana"), **given)


def test_an_incident_comes_back_as_it_was(open_state: Open) -> None:
    """With everything that belongs to it, after a restart too; texts that no database keeps are kept all the same."""
    state = open_state()
    kept = opened(state)
    assert kept == incident(number=1)
    assert open_state().incidents.get(1) == kept
    assert state.incidents.story.entries(1) == [ENTRY]
    odd = opened(state, title="a\x00b", service="x\ud800")
    assert state.incidents.get(odd.number).title == r"a\x00b"


def test_a_change_sees_the_incident_as_it_is(state: State) -> None:
    """Steps are replaced, groups and alerts added; None changes nothing; what is not there is not found."""
    opened(state)
    later = IncidentAlert("02", "{}:b", {"alertname": "Slow"}, {}, NOW)

    def decide(one: Incident) -> Change:
        more = (*one.groups, IncidentGroup("{}:b", NOW + 1, JoinReason.SAME_SERVICE))
        return Change(replace(one, steps=(StepRecord(Step.DIAGNOSE, NOW),), groups=more, alerts=(*one.alerts, later), step=Step.DIAGNOSE))

    changed = state.incidents.change(1, decide)
    assert state.incidents.get(1) == replace(
        changed, alerts=tuple(sorted(changed.alerts, key=lambda one: (one.starts_at, one.fingerprint)))
    )
    assert state.incidents.change(1, lambda _: None).step is Step.DIAGNOSE
    assert state.incidents.open_with_group("{}:b") is not None
    assert state.incidents.open_with_group("{}:c") is None
    with pytest.raises(NotFound, match="no incident INC-2"):
        state.incidents.change(2, lambda _: None)


def test_what_fails_leaves_nothing(state: State) -> None:
    """Neither the incident nor its entries nor what moves alongside is kept when one of them is not."""

    def failing(_: object) -> None:
        raise Conflict("no")

    with pytest.raises(Conflict):
        state.incidents.absorb(lambda *_: [Change(incident(), (ENTRY,))], failing)
    with pytest.raises(InvalidInput, match="zero byte"):
        state.incidents.absorb(lambda *_: [Change(incident(), (replace(ENTRY, text="\x00"),))])
    assert state.incidents.list() == []


def test_two_pages_at_once_open_one_incident(state: State) -> None:
    """Whoever comes second sees what the first one opened."""

    def page(_: int) -> int:
        return len(state.incidents.absorb(lambda known, _: [] if known else [Change(incident())]))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(page, range(4))) == 1


def test_incidents_are_found_by_state_service_and_time(state: State) -> None:
    """The newest first; counts by state."""
    opened(state)
    opened(state, service="search", opened_at=NOW + MINUTE)
    opened(state, service="pay", state=IncidentState.CLOSED)
    found = state.incidents.list
    assert [one.number for one in found()] == [3, 2, 1]
    assert [one.number for one in found(state=IncidentState.OPEN, service="search")] == [2]
    assert [one.number for one in found(start=NOW + 1)] == [2]
    assert [one.number for one in found(end=NOW + 1, limit=1)] == [3]
    assert state.incidents.count_by_state() == {IncidentState.OPEN: 2, IncidentState.CLOSED: 1}


def test_many_incidents_are_read_in_parts(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one statement can ask for by number; each comes with what belongs to it."""
    monkeypatch.setattr(incidents, "CHUNK", 2)
    state.incidents.absorb(lambda *_: [Change(incident(service=f"s{index}")) for index in range(5)])
    found = state.incidents.list()
    assert len(found) == 5
    assert all(len(one.alerts) == 2 and one.groups and one.steps for one in found)


def test_what_those_affected_were_told(state: State) -> None:
    """Updates of several incidents, the newest first."""
    opened(state)
    for minute in range(2):
        told = PublicUpdate(NOW + minute, UpdateStatus.IDENTIFIED, f"word {minute}", "ana")
        state.incidents.change(1, lambda one, told=told: Change(one, (), told))  # type: ignore[misc]
    assert [update.text for update in state.incidents.story.updates([1, 2])[1]] == ["word 1", "word 0"]


def test_a_step_of_a_runbook_is_ticked_once(state: State) -> None:
    """The second one is told; the timeline has one entry."""
    opened(state)
    state.incidents.story.tick(1, Tick("a.md", 1, NOW, "ana"), ENTRY)
    with pytest.raises(Conflict, match="ticked off before"):
        state.incidents.story.tick(1, Tick("a.md", 1, NOW, "bob"), ENTRY)
    assert state.incidents.story.ticks(1) == [Tick("a.md", 1, NOW, "ana")]
    assert len(state.incidents.story.entries(1)) == 2


def test_evidence_is_kept_with_its_answer(state: State) -> None:
    """Lists leave the answer out; what is pending is found, settled, and found no more."""
    opened(state)
    wanted = Evidence(0, 1, EvidenceKind.TRACE, {"trace_id": "ab"}, "the trace", EvidenceState.PENDING, NOW)
    kept = state.incidents.evidence.add(wanted, ENTRY)
    assert state.incidents.evidence.pending() == [replace(wanted, number=kept.number)]
    done = replace(kept, state=EvidenceState.PINNED, answer='{"é":1}', attempts=1)
    state.incidents.evidence.settle(done)
    (found,) = state.incidents.evidence.list(1)
    assert (found.evidence, found.size_bytes) == (replace(done, answer=""), 8)
    assert state.incidents.evidence.get(1, kept.number) == done
    assert not state.incidents.evidence.pending()
    with pytest.raises(NotFound, match="no evidence with the number"):
        state.incidents.evidence.get(2, kept.number)


def test_postmortems_have_versions(state: State) -> None:
    """Older ones stay; who started from an older one than the newest is told."""
    opened(state)
    lessons = state.incidents.lessons
    lessons.write_postmortem(1, "ana", "one", NOW, based_on=0, entry=ENTRY)
    with pytest.raises(Conflict, match="at version 1 by now, yours was made from 0"):
        lessons.write_postmortem(1, "bob", "other", NOW, based_on=0, entry=ENTRY)
    lessons.write_postmortem(1, "bob", "two", NOW, based_on=None, entry=ENTRY)
    assert [(one.version, one.text) for one in lessons.postmortems(1)] == [(2, "two"), (1, "one")]
    with pytest.raises(InvalidInput, match="needs text"):
        lessons.write_postmortem(1, "bob", " ", NOW, based_on=None, entry=ENTRY)


def test_action_items_are_done_once(state: State) -> None:
    """Those that are due first stand in front; done ones can be left out."""
    opened(state)
    lessons = state.incidents.lessons
    lessons.add_action(ActionItem(0, 1, "b", "ana", "2026-12-02", NOW), ENTRY)
    first = lessons.add_action(ActionItem(0, 1, "a", "bob", "2026-12-01", NOW), ENTRY)
    assert [item.text for item in lessons.actions()] == ["a", "b"]
    assert lessons.finish_action(first.number, "bob", NOW + 1).done_by == "bob"
    assert [item.text for item in lessons.actions(1, include_done=False)] == ["b"]
    with pytest.raises(Conflict, match="was done at"):
        lessons.finish_action(first.number, "bob", NOW + 2)
    with pytest.raises(NotFound, match="no action item 99"):
        lessons.finish_action(99, "bob", NOW)


def test_guards_have_names_of_their_own(state: State) -> None:
    """A name is taken once; guards are found by incident and by signature, and counted for who opens or closes."""
    opened(state)
    lessons = state.incidents.lessons
    lessons.add_guard(guard(), ENTRY)
    lessons.add_guard(guard(name="h", incident=2, signature=""))
    with pytest.raises(Conflict, match="a guard called 'g' already"):
        lessons.add_guard(guard())
    assert [one.name for one in lessons.guards(1)] == ["g"]
    assert [one.name for one in lessons.guards(signature="alertname=Burns")] == ["g"]
    seen: list[object] = []

    def opening(_: Sequence[Incident], guarded: Mapping[str, int]) -> list[Change]:
        seen.append(dict(guarded))
        return []

    def closing(one: Incident, guards: int, postmortems: int) -> Change:
        seen.append((guards, postmortems))
        return Change(one)

    state.incidents.absorb(opening)
    state.incidents.close(1, closing)
    assert seen == [{"alertname=Burns": 1, "": 1}, (1, 0)]
