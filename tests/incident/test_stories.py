"""Whole incidents on a virtual clock, from the page to the lesson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.incident.house import MINUTE, SECOND, START, TRACE_ID, House, alert

from tocsin.errors import Conflict, InvalidInput
from tocsin.incident.clocks import Punctuality, StepState
from tocsin.model.alert import AlertEvent, AlertEventKind
from tocsin.model.incident import EntryKind, EvidenceState, GuardKind, IncidentState, Role, Step, UpdateStatus
from tocsin.model.notification import NotificationReason
from tocsin.model.severity import Severity
from tocsin.state.alert_records import AlertChange

BURNS = alert()
WRITTEN = {EntryKind.OPENED, EntryKind.STEP, EntryKind.ROLE, EntryKind.UPDATE, EntryKind.COMMAND, EntryKind.RESOLVED}
WRITTEN |= {EntryKind.POSTMORTEM, EntryKind.GUARD, EntryKind.CLOSED}


def test_from_the_page_to_the_lesson(house: House) -> None:
    """A page opens an incident; it is acknowledged, mitigated, diagnosed, watched, resolved, written about, guarded and closed."""
    house.clock.advance(seconds=30)
    house.page(BURNS)
    house.keeper.round()
    opened = house.only()
    assert (opened.summary.severity, opened.summary.service, opened.summary.state) == (Severity.P1, "checkout", IncidentState.OPEN)
    assert opened.incident.opened_at == START + 30 * SECOND
    assert opened.incident.signature == "alertname=CheckoutBurns service=checkout"
    assert opened.incident.first_bad_at == START - 3 * MINUTE
    house.clock.advance(seconds=90)
    house.desk.acknowledge("INC-1", by="ana")
    assert house.acknowledged_pages == [(opened.incident.group_keys, "ana", START + 120 * SECOND)]
    house.desk.set_role("INC-1", Role.LEAD, "ana", by="ana")
    house.desk.update("INC-1", "Some payments fail. We are on it.", status=UpdateStatus.INVESTIGATING, by="ana", title="Payments fail")
    house.desk.command("INC-1", "kubectl rollout undo deploy/checkout", by="ana")
    house.clock.advance(minutes=10)
    house.desk.enter("INC-1", Step.DIAGNOSE, by="ana")
    house.clock.advance(minutes=20)
    ended = replace(BURNS, ends_at=house.clock.now)
    house.page(ended, reason=NotificationReason.ALL_RESOLVED)
    house.keeper.round()
    house.desk.enter("INC-1", Step.VERIFY, by="ana")
    house.clock.advance(minutes=29)
    house.keeper.round()
    assert house.only().summary.state is IncidentState.OPEN  # a minute is missing
    house.clock.advance(minutes=1)
    house.keeper.round()
    assert (house.only().summary.state, house.only().summary.step) == (IncidentState.RESOLVED, Step.POSTMORTEM)
    assert house.only().incident.restored_at == ended.ends_at
    with pytest.raises(InvalidInput, match=r"a guard .*; and a postmortem, which a P1 has"):
        house.desk.close("INC-1", by="ana")
    house.clock.advance(hours=8)
    house.desk.lessons.write_postmortem("INC-1", house.desk.lessons.draft("INC-1"), author="ana", based_on=0)
    house.desk.lessons.add_guard("INC-1", GuardKind.MUST_FIRE, "checkout-burns-fast", "guards/checkout.yaml", by="ana")
    closed = house.desk.close("INC-1", by="ana")
    assert closed.summary.state is IncidentState.CLOSED
    assert [step.state for step in closed.steps] == [StepState.DONE] * 5
    assert [step.punctuality for step in closed.steps] == [Punctuality.IN_TIME] * 5
    known_by_others = {EntryKind.ALERT, EntryKind.PAGE, EntryKind.DEPLOYMENT}
    assert {entry.kind for entry in house.desk.timeline("INC-1").entries} >= known_by_others | WRITTEN


def test_the_watching_begins_anew_when_an_alert_fires_again(house: House) -> None:
    """Thirty minutes of quiet are thirty minutes in a row, also when nobody looked while it fired."""
    house.page(BURNS)
    house.keeper.round()
    house.desk.acknowledge("INC-1", by="ana")
    house.desk.enter("INC-1", Step.DIAGNOSE, by="ana")
    house.desk.enter("INC-1", Step.VERIFY, by="ana")
    house.keeper.round()
    assert house.only().incident.watch_since is None  # it still fires
    house.clock.advance(minutes=5)
    house.page(replace(BURNS, ends_at=house.clock.now), reason=NotificationReason.ALL_RESOLVED)
    house.keeper.round()
    assert house.only().incident.watch_since == START + 5 * MINUTE
    house.clock.advance(minutes=20)
    again = replace(BURNS, starts_at=house.clock.now - MINUTE)
    house.page(again)
    house.page(replace(again, ends_at=house.clock.now), reason=NotificationReason.ALL_RESOLVED)
    house.clock.advance(minutes=10)
    house.keeper.round()  # thirty minutes after the first quiet
    watched = house.only()
    assert watched.summary.state is IncidentState.OPEN
    assert watched.incident.watch_since == START + 25 * MINUTE
    assert any("the watching begins anew" in text for text in house.texts("INC-1"))
    house.clock.advance(minutes=20)
    house.keeper.round()
    assert house.only().summary.state is IncidentState.RESOLVED


def test_an_end_that_no_channel_was_told_of_is_heard(house: House) -> None:
    """Channels may ask not to be told of ends; the history of alerts knows them, also those before the watching began."""
    house.page(BURNS)
    house.keeper.round()
    house.clock.advance(minutes=4)
    ended = AlertEvent(house.clock.now, AlertEventKind.RESOLVED, BURNS.fingerprint, BURNS.labels)
    house.state.alerting.commit(AlertChange(events=[ended]))
    house.clock.advance(minutes=1)
    house.keeper.round()
    assert house.only().summary.alerts_firing == 0
    house.desk.enter("INC-1", Step.VERIFY, by="ana", reason="it ended by itself")
    house.clock.advance(minutes=30)
    house.keeper.round()
    assert house.only().incident.restored_at == START + 5 * MINUTE


def test_further_pages_of_a_service_join_its_incident(house: House) -> None:
    """One service, one open incident; another service gets its own."""
    house.page(BURNS)
    house.page(alert("CheckoutSlow"))
    house.page(alert("CheckoutSlow"), channel="email/0")
    house.page(alert("SearchBurns", "search"))
    house.keeper.round()
    first, second = sorted(house.desk.list(), key=lambda one: one.id)
    assert (first.service, second.service) == ("checkout", "search")
    assert len(house.desk.get("INC-1").incident.groups) == 2
    assert [text for text in house.texts("INC-1") if "joined" in text] == ["CheckoutSlow of checkout joined: the same service checkout"]


def test_a_resolved_incident_takes_no_more_alerts(house: House) -> None:
    """What fires after the end is another incident, also when it is the same group."""
    house.page(BURNS)
    house.keeper.round()
    house.desk.resolve("INC-1", by="ana", reason="it was a drill")
    house.clock.advance(minutes=5)
    house.page(alert("CheckoutSlow", starts_at=house.clock.now))
    house.keeper.round()
    assert [one.id for one in house.desk.list()] == ["INC-2", "INC-1"]
    assert len(house.desk.get("INC-1").incident.groups) == 1


def test_alerts_without_a_service_are_told_apart_by_their_group(house: House) -> None:
    """Two groups without a service are two incidents; the second notification of one adds to it."""
    house.page(alert("DiskFull", ""), key="a")
    house.page(alert("QueueStuck", ""), key="b")
    house.page(alert("DiskFull", "", labels={"instance": "other"}), key="a", reason=NotificationReason.NEW_ALERTS)
    house.keeper.round()
    assert {one.title for one in house.desk.list()} == {"DiskFull of", "QueueStuck of"}
    assert len(house.desk.get("INC-1").incident.alerts) == 2
    assert "DiskFull fires" in house.texts("INC-1")


def test_tickets_and_tests_open_nothing(house: House) -> None:
    """Only what wakes somebody is an incident by itself."""
    house.page(alert(severity="ticket"))
    house.page(alert(), reason=NotificationReason.TEST)
    house.page(replace(alert(), ends_at=START), reason=NotificationReason.ALL_RESOLVED)
    house.keeper.round()
    assert not house.desk.list()


def test_a_restart_opens_nothing_twice(house: House) -> None:
    """The place in the outbox moves with the incident: who starts again goes on behind it."""
    house.page(BURNS)
    house.keeper.round()
    house.open()
    house.keeper.round()
    house.page(alert("SearchBurns", "search"))
    house.open()
    house.keeper.round()
    assert [one.id for one in house.desk.list()] == ["INC-2", "INC-1"]


def test_killed_between_opening_and_the_place_nothing_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the place can't be kept, the incident is not kept either, and both come with the next round."""

    def dying(*_: object) -> None:
        raise OSError("killed")

    house.page(BURNS)
    with monkeypatch.context() as patched:
        patched.setattr(house.state.alerting.outbox, "move_cursor_within", dying)
        with pytest.raises(OSError, match="killed"):
            house.keeper.round()
    assert not house.desk.list()
    house.open()
    house.keeper.round()
    assert house.only().id == "INC-1"


def test_a_page_that_is_acknowledged_acknowledges_its_incident(house: House) -> None:
    """From the page to the incident, without telling the page again; a page of nothing open changes nothing."""
    house.page(BURNS)
    house.keeper.round()
    (key,) = house.only().incident.group_keys
    assert house.desk.page_acknowledged(key, "ana", START + MINUTE) is not None
    assert house.desk.page_acknowledged(key, "bob", START + 2 * MINUTE) is None
    assert house.desk.page_acknowledged("another", "bob", START) is None
    assert (house.only().incident.acknowledged_by, house.only().incident.acknowledged_at) == ("ana", START + MINUTE)
    assert not house.acknowledged_pages


def test_a_page_that_was_acknowledged_before_the_incident(house: House) -> None:
    """Somebody was faster than the opener: the incident is born acknowledged."""
    house._pages["fast"] = ("ana", START + SECOND)
    house.open()
    house.page(BURNS, key="fast")
    house.keeper.round()
    assert house.only().incident.acknowledged_by == "ana"
    assert house.only().summary.step is Step.MITIGATE


def test_an_answer_to_an_older_page_is_none_to_a_new_one(house: House) -> None:
    """Neither when the incident opens nor when it is told again after a restart."""
    house._pages["g"] = ("ana", START - MINUTE)
    house.open()
    house.page(BURNS, key="g")
    house.keeper.round()
    assert house.desk.page_acknowledged("g", "ana", START - MINUTE) is None
    assert house.only().incident.acknowledged_at is None


def test_steps_may_be_left_out_and_gone_back_to_with_a_reason(house: House) -> None:
    """Without a reason neither is taken; the record says what was left out, the clock what is late."""
    house.desk.open("customers can't pay", service="checkout", severity=Severity.P2, by="ana")
    with pytest.raises(InvalidInput, match="leaves out mitigate, diagnose; say why"):
        house.desk.enter("INC-1", Step.VERIFY, by="ana")
    house.clock.advance(minutes=3)
    house.desk.enter("INC-1", Step.VERIFY, by="ana", reason="it mended itself")
    view = house.only()
    assert [step.state for step in view.steps] == [
        StepState.DONE, StepState.SKIPPED, StepState.SKIPPED, StepState.ACTIVE, StepState.WAITING
    ]  # fmt: skip
    assert (view.steps[0].punctuality, view.steps[0].late_s) == (Punctuality.LATE, 60.0)
    with pytest.raises(Conflict, match="at the step verify already"):
        house.desk.enter("INC-1", Step.VERIFY, by="ana")
    with pytest.raises(InvalidInput, match="goes back from verify"):
        house.desk.enter("INC-1", Step.MITIGATE, by="ana")
    house.desk.enter("INC-1", Step.MITIGATE, by="ana", reason="it is back")
    assert house.only().summary.step is Step.MITIGATE
    assert house.only().incident.watch_since is None
    with pytest.raises(InvalidInput, match="begins when it is resolved"):
        house.desk.enter("INC-1", Step.POSTMORTEM, by="ana", reason="now")


def test_one_open_incident_per_service_by_hand_too(house: House) -> None:
    """A second one is refused with the name of the first; pages join the one that was opened by hand."""
    house.desk.open("customers can't pay", service="checkout", severity=Severity.P2, by="ana")
    with pytest.raises(Conflict, match="INC-1 of checkout is open"):
        house.desk.open("again", service="checkout", severity=Severity.P2, by="bob")
    house.page(BURNS)
    house.keeper.round()
    assert house.only().incident.alerted_at == START
    assert house.only().summary.severity is Severity.P2  # people judged it; a page does not overrule them


def test_a_repeat_is_known_when_it_comes(house: House) -> None:
    """An incident whose signature a guard knows says so from its first line."""
    house.page(BURNS)
    house.keeper.round()
    house.desk.resolve("INC-1", by="ana", reason="rolled back")
    house.desk.lessons.add_guard("INC-1", GuardKind.MUST_FIRE, "g", "g.yaml", by="ana")
    house.clock.advance(hours=24 * 7)
    house.page(alert(starts_at=house.clock.now, labels={"instance": "another", "severity": "critical"}))
    house.keeper.round()
    assert house.desk.get("INC-2").summary.repeat
    assert any("1 guard knows this failure" in text for text in house.texts("INC-2"))
    weeks = house.desk.lessons.weekly(START, house.clock.now + 1)
    assert [(week.incidents, week.new, week.repeats_prevented, week.total_guards) for week in weeks] == [(1, 1, 0, 1), (1, 0, 1, 1)]


def test_the_exemplar_trace_is_pinned_by_itself_once_it_is_stored(house: House) -> None:
    """It is asked for again until it is there, and can be read when the store has dropped it."""
    house.page(BURNS)
    house.keeper.round()
    assert [found.evidence.state for found in house.desk.evidence("INC-1")] == [EvidenceState.PENDING]
    house.traces[TRACE_ID] = {"trace_id": TRACE_ID, "spans": [{"name": "POST /checkout"}]}
    house.clock.advance(minutes=1)
    house.open()
    house.keeper.round()
    house.traces.clear()
    (found,) = house.desk.evidence("INC-1")
    assert found.evidence.state is EvidenceState.PINNED
    assert "POST /checkout" in house.desk.evidence_answer("INC-1", found.evidence.number).answer
    assert house.keeper.statistics().pinned == 1


def test_killed_before_the_exemplar_was_noted_down(house: House) -> None:
    """The next process notes it down for incidents that are open."""
    house.page(BURNS)
    house.opener.follow()
    assert not house.desk.evidence("INC-1")
    house.open()
    house.keeper.round()
    house.keeper.round()
    assert [found.evidence.state for found in house.desk.evidence("INC-1")] == [EvidenceState.PENDING]


def test_an_exemplar_that_never_comes_is_given_up(house: House) -> None:
    """After so many attempts the timeline says that it could not be pinned."""
    house.page(BURNS)
    for _ in range(25):
        house.keeper.round()
        house.clock.advance(minutes=1)
    (found,) = house.desk.evidence("INC-1")
    assert (found.evidence.state, found.evidence.attempts) == (EvidenceState.FAILED, 20)
    assert any("could not be pinned" in text for text in house.texts("INC-1"))


def test_a_closed_incident_keeps_what_others_forget(house: House) -> None:
    """Alerts and pages expire; the timeline of the closed incident still has them."""
    house.page(BURNS)
    house.keeper.round()
    house.desk.resolve("INC-1", by="ana", reason="drill")
    before = house.texts("INC-1")
    house.desk.close("INC-1", by="ana", no_guard="it was a drill", no_postmortem="the same")
    house.clock.advance(hours=24 * 500)
    assert house.state.alerting.expire(house.clock.now, 400) > 0
    assert house.texts("INC-1")[: len(before)] == before
    assert any(text.startswith("CheckoutBurns fires") for text in before)
    assert house.only().incident.no_guard_reason == "it was a drill"


def test_what_is_over_stays_as_it_is(house: House) -> None:
    """A closed incident takes notes and nothing else; only a resolved one can be closed."""
    house.desk.open("customers can't pay", severity=Severity.P3, by="ana")
    with pytest.raises(Conflict, match="it can be closed once it is resolved"):
        house.desk.close("INC-1", by="ana", no_guard="none")
    house.desk.resolve("INC-1", by="ana", reason="a mistake")
    house.desk.close("INC-1", by="ana", no_guard="a mistake")
    with pytest.raises(Conflict, match="was closed at"):
        house.desk.close("INC-1", by="ana", no_guard="a mistake")
    orders: list[Callable[[], object]] = [
        lambda: house.desk.enter("INC-1", Step.MITIGATE, by="ana"),
        lambda: house.desk.set_severity("INC-1", Severity.P1, by="ana", reason="worse"),
        lambda: house.desk.set_role("INC-1", Role.SCRIBE, "bob", by="ana"),
        lambda: house.desk.resolve("INC-1", by="ana", reason="again"),
    ]
    for order in orders:
        with pytest.raises(Conflict):
            order()
    house.desk.note("INC-1", "seen later", by="ana")
    assert house.texts("INC-1")[-1] == "seen later"
