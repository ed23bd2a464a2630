"""Delivery: every notification is told once, to somebody, whatever its receivers do."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from itertools import pairwise

import pytest
from tests.alert.pipeline.builders import MINUTE, SECOND, START, Receivers, VirtualClock, delivery, run_for
from tests.state.alert_builders import alert, notification

from tocsin.alert.pipeline.delivery_records import DeliveryLimits
from tocsin.errors import DeliveryError, InvalidInput, StoreError
from tocsin.model.notification import DeliveryState, Notification, NotificationReason
from tocsin.state.alert_outbox import Outbox
from tocsin.state.state import State

TEAM = ("team-x", "slack/0")
OPS = ("ops", "email/0")


def told(key: str, **given: object) -> Notification:
    """A notification that is decided at START."""
    return notification(key, created_at=START, **{"group_key": f"group of {key}", **given})


def states(state: State) -> dict[str, DeliveryState]:
    """How far each notification has come."""
    return {each.notification.key: each.state for each in state.alerting.outbox.entries(limit=1000)}


def down(_: Notification) -> DeliveryError:
    """Nobody answers."""
    return DeliveryError("connection refused")


def test_a_notification_is_told_once(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """With its facts, and what the receiver answered is kept."""
    state.alerting.enqueue([told("n1")])
    worker = delivery(state, receivers, clock)
    assert (worker.advance(), worker.advance()) == (1, 0)
    assert receivers.channels[TEAM].keys == ["n1"]
    (attempt,) = state.alerting.outbox.attempts(["n1"])["n1"]
    assert (attempt.outcome, attempt.detail, attempt.at) == ("delivered", "ok: facts", START)
    assert worker.statistics().attempts == {"delivered": 1, "failed": 0, "refused": 0}


def test_a_restart_repeats_nothing(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """What was told is not told again; what was not is."""
    state.alerting.enqueue([told("n1")])
    delivery(state, receivers, clock).advance()
    state.alerting.enqueue([told("n2")])
    delivery(state, receivers, clock).advance()
    assert receivers.channels[TEAM].keys == ["n1", "n2"]


def test_a_receiver_that_is_down_for_an_hour_is_told_afterwards(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """With nobody else to tell it is tried on, in growing pauses, and told once when the receiver is back; the log says so meanwhile."""
    channel = receivers.channels[TEAM]
    channel.fails = lambda _: down(_) if clock.now < START + 60 * MINUTE else None
    state.alerting.enqueue([told("n1")])
    worker = delivery(state, receivers, clock)
    run_for(clock, worker, minutes=59)
    assert states(state) == {"n1": DeliveryState.PENDING}
    assert worker.statistics().untold == 1
    run_for(clock, worker, minutes=5)
    assert channel.keys == ["n1"]
    attempts = state.alerting.outbox.attempts(["n1"])["n1"]
    pauses = [(later.at - earlier.at) / SECOND for earlier, later in pairwise(attempts)]
    assert 30 < len(attempts) < 90
    assert all(pause <= 120 for pause in pauses)
    assert pauses[0] <= 1
    assert [attempt.outcome for attempt in attempts][-2:] == ["failed", "delivered"]


def test_a_page_that_fired_and_resolved_meanwhile_is_told(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """The receiver hears once, when it is back, that something fired and when it ended."""
    channel = receivers.channels[TEAM]
    channel.fails = lambda _: down(_) if clock.now < START + 60 * MINUTE else None
    state.alerting.enqueue([told("n1", group_key="g", alerts=(alert(starts_at=START),))])
    worker = delivery(state, receivers, clock)
    run_for(clock, worker, minutes=20)
    ended = alert(starts_at=START, ends_at=clock.now)
    state.alerting.enqueue([notification("n2", group_key="g", created_at=clock.now, alerts=(ended,))])
    run_for(clock, worker, minutes=45)
    (only,) = channel.taken
    assert (only.key, only.status) == ("n2", "resolved")
    assert only.note.endswith("CheckoutBurns fired at 2026-09-21T14:13:20Z, resolved at 2026-09-21T14:33:20Z")


def test_one_of_two_receivers_fails(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """The healthy one is told once and at once; the other one's page goes to the fallback after fifteen minutes."""
    receivers.channels[TEAM].fails = down
    receivers.names["ops"] = ["email/0", "webhook/0"]
    state.alerting.enqueue([told("n1", group_key="g"), told("n2", group_key="g", channel="email/0")])
    worker = delivery(state, receivers, clock, fallback="ops")
    worker.advance()
    assert receivers.channels["team-x", "email/0"].keys == ["n2"]
    run_for(clock, worker, minutes=14)
    assert not receivers.channels[OPS].taken
    run_for(clock, worker, minutes=4)
    for channel in ("email/0", "webhook/0"):
        (instead,) = receivers.channels["ops", channel].taken
        assert (instead.reason, instead.group_key) == (NotificationReason.FALLBACK, "g")
        assert instead.note == "slack/0 of team-x could not be delivered: connection refused"
    assert receivers.channels["team-x", "email/0"].keys == ["n2"]
    assert states(state)["n1"] is DeliveryState.UNDELIVERABLE
    counts = worker.statistics()
    assert (counts.undeliverable, counts.fallbacks, counts.untold, counts.failing_channels) == (1, 2, 0, 1)


def test_a_refusal_that_lasts_escalates_at_once(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Trying again would not help; the next channel of a person comes before the fallback receiver, which comes last."""
    refused = DeliveryError("403 from hooks.slack.com", lasting=True)
    for channel in ("person/ana/slack/0", "person/ana/email/1"):
        receivers.channels["ana", channel].fails = lambda _: refused
    receivers.next_channel["ana", "person/ana/slack/0"] = ("ana", "person/ana/email/1")
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told("n1", receiver="ana", channel="person/ana/slack/0", note="nobody acknowledged")])
    worker = delivery(state, receivers, clock, fallback="ops")
    worker.advance()
    (last,) = receivers.channels[OPS].taken
    assert last.note == (
        "person/ana/email/1 of ana could not be delivered: 403 from hooks.slack.com; person/ana/slack/0 of ana could not be delivered:"
        " 403 from hooks.slack.com; nobody acknowledged"
    )
    assert Counter(states(state).values()) == {DeliveryState.UNDELIVERABLE: 2, DeliveryState.DELIVERED: 1}


def test_whoever_was_told_in_place_of_others_hears_the_end(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Once, when it is told to whomever it was meant for: an incident that nobody closes would stay open for ever at a fallback."""
    broken = receivers.channels[TEAM]
    broken.fails = down
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told("n1", group_key="g", alerts=(alert(starts_at=START),))])
    worker = delivery(state, receivers, clock, fallback="ops")
    run_for(clock, worker, minutes=20)
    assert [one.status for one in receivers.channels[OPS].taken] == ["firing"]
    broken.fails = lambda _: None
    ended = alert(starts_at=START, ends_at=clock.now)
    for key in ("n2", "n3"):
        state.alerting.enqueue([notification(key, group_key="g", created_at=clock.now, alerts=(ended,))])
        run_for(clock, worker, minutes=5)
    begun, over = receivers.channels[OPS].taken
    assert (begun.status, over.status, over.reason) == ("firing", "resolved", NotificationReason.FALLBACK)
    assert over.note == "What you were told in place of others is over."


def test_the_next_channel_of_a_person_is_tried_after_a_minute(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """An escalation counts on people being reached; it must not go on because a chat is down."""
    receivers.channels["ana", "person/ana/slack/0"].fails = down
    receivers.next_channel["ana", "person/ana/slack/0"] = ("ana", "person/ana/email/1")
    state.alerting.enqueue([told("n1", receiver="ana", channel="person/ana/slack/0")])
    run_for(clock, delivery(state, receivers, clock), minutes=2)
    assert [one.reason for one in receivers.channels["ana", "person/ana/email/1"].taken] == [NotificationReason.FALLBACK]


def test_where_nobody_else_can_be_told_it_is_said(
    state: State, receivers: Receivers, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A fallback receiver that refuses, too, or none at all: an error in the log, counted, and kept as undeliverable."""
    receivers.channels[OPS].fails = lambda _: DeliveryError("no such box", lasting=True)
    state.alerting.enqueue([told("n1", receiver="ops", channel="email/0")])
    worker = delivery(state, receivers, clock, fallback="ops")
    with caplog.at_level(logging.ERROR):
        worker.advance()
    assert "told instead: nobody else can be" in caplog.text
    assert states(state) == {"n1": DeliveryState.UNDELIVERABLE}
    assert (worker.statistics().undeliverable, worker.statistics().untold) == (1, 1)


def test_a_channel_that_vanished_escalates_at_once(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """The configuration has it no more: whoever is the fallback is told, with the reason."""
    receivers.gone.add(TEAM)
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told("n1")])
    delivery(state, receivers, clock, fallback="ops").advance()
    assert "has no channel slack/0 of team-x any more" in receivers.channels[OPS].taken[0].note


def test_a_receiver_that_asks_for_a_pause_gets_it(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Retry-After holds for the channel, not only for what it refused, until it is time to tell somebody else."""
    channel = receivers.channels[TEAM]
    channel.fails = lambda _: DeliveryError("429", retry_after_s=300) if clock.now < START + MINUTE else None
    state.alerting.enqueue([told("n1"), told("n2")])
    worker = delivery(state, receivers, clock)
    run_for(clock, worker, minutes=4.9)
    assert len(channel.attempts) == 1
    run_for(clock, worker, minutes=0.2)
    assert sorted(channel.keys) == ["n1", "n2"]


def test_a_receiver_that_asks_for_too_long_a_pause_is_not_waited_for(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """When it is time to tell somebody else, somebody else is told; without one, it gets its pause."""
    receivers.channels[TEAM].fails = lambda _: DeliveryError("429", retry_after_s=7200)
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told("n1")])
    run_for(clock, delivery(state, receivers, clock, fallback="ops"), minutes=16)
    assert len(receivers.channels[OPS].taken) == 1
    state.alerting.enqueue([notification("n2", created_at=clock.now)])
    before = len(receivers.channels[TEAM].attempts)
    run_for(clock, delivery(state, receivers, clock), minutes=120)
    assert len(receivers.channels[TEAM].attempts) - before <= 3


def test_a_page_that_can_never_be_written_is_not_tried_every_second(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Pauses grow as for any failure, also after it is clear that nobody can be told."""
    receivers.channels[TEAM].fails = lambda _: KeyError("bug")
    state.alerting.enqueue([told("n1")])
    run_for(clock, delivery(state, receivers, clock), minutes=60)
    assert len(receivers.channels[TEAM].attempts) < 80


def test_a_group_that_changes_often_escalates_all_the_same(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Each newer notification takes over since when its lane fails: fifteen minutes are fifteen minutes."""
    receivers.channels[TEAM].fails = down
    receivers.names["ops"] = ["email/0"]
    worker = delivery(state, receivers, clock, fallback="ops")
    for turn in range(5):
        state.alerting.enqueue([notification(f"n{turn}", group_key="g", created_at=clock.now)])
        run_for(clock, worker, minutes=5)
    assert receivers.channels[OPS].taken
    assert "Not told before" in receivers.channels[OPS].taken[0].note


def test_a_page_that_no_channel_can_write_harms_no_other(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """A bug in a channel, or a template that fails, is one page's trouble: it fails, is tried again, and others pass it by."""
    channel = receivers.channels[TEAM]
    channel.fails = lambda told: InvalidInput("template: no such field") if told.key == "n1" else None
    state.alerting.enqueue([told("n1"), told("n2"), told("n3")])
    delivery(state, receivers, clock).advance()
    assert channel.keys == ["n2", "n3"]
    (attempt,) = state.alerting.outbox.attempts(["n1"])["n1"]
    assert (attempt.outcome, attempt.detail) == ("failed", "internal: InvalidInput")


def test_a_page_goes_out_without_facts_that_can_not_be_had(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Facts are extras: whatever fails in gathering them, the page goes out bare."""

    def failing(_: Notification) -> str:
        raise StoreError("the engine is away")

    state.alerting.enqueue([told("n1")])
    delivery(state, receivers, clock, page=failing, bare=lambda _: "bare").advance()
    (attempt,) = state.alerting.outbox.attempts(["n1"])["n1"]
    assert attempt.detail == "ok: bare"


def test_the_heartbeat_learns_when_nobody_can_be_told(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Not for a failure of a minute, but when something waits for too long and there is nobody else; and that it is over."""
    channel = receivers.channels[TEAM]
    channel.fails = down
    state.alerting.enqueue([told("n1")])
    worker = delivery(state, receivers, clock)
    run_for(clock, worker, minutes=1)
    assert worker.works()
    run_for(clock, worker, minutes=20)
    assert not worker.works()
    state.alerting.enqueue([notification("n2", group_key="group of n1", created_at=clock.now)])
    run_for(clock, worker, minutes=3)
    assert not worker.works(), "what replaces it is not told either"
    channel.fails = lambda _: None
    run_for(clock, worker, minutes=3)
    assert (worker.works(), channel.keys) == (True, ["n2"])
    clock.advance(minutes=5)
    assert not worker.works(), "nobody reads the outbox"


def test_everything_at_a_dead_channel_escalates_together(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """A hundred groups wait for the same dead channel: none waits for ninety-nine others to fail one by one."""
    receivers.channels[TEAM].fails = down
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told(f"n{index}") for index in range(100)])
    worker = delivery(state, receivers, clock, fallback="ops")
    run_for(clock, worker, minutes=18)
    assert len(receivers.channels[OPS].keys) == len(set(receivers.channels[OPS].keys)) == 100
    assert len(receivers.channels[TEAM].attempts) < 60


def test_a_dead_channel_and_a_locked_database_strand_nobody(
    state: State, receivers: Receivers, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be given up now is given up later."""
    receivers.channels[TEAM].fails = down
    receivers.names["ops"] = ["email/0"]
    state.alerting.enqueue([told(f"n{index}") for index in range(10)])
    worker = delivery(state, receivers, clock, fallback="ops")
    run_for(clock, worker, minutes=14.9)
    record, failures = Outbox.record, iter(range(7))

    def now_and_then(*given: object, **named: object) -> DeliveryState:
        if next(failures, None) is not None:
            raise StoreError("locked")
        return record(*given, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Outbox, "record", now_and_then)
    run_for(clock, worker, minutes=10)
    assert sorted(set(receivers.channels[OPS].keys)) == sorted(receivers.channels[OPS].keys)
    assert len(receivers.channels[OPS].keys) == 10
    assert Counter(states(state).values()) == {DeliveryState.UNDELIVERABLE: 10, DeliveryState.DELIVERED: 10}


def test_what_was_sent_and_could_not_be_written_down_is_not_sent_again(
    state: State, receivers: Receivers, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is locked for a moment costs a second, not a second page."""
    state.alerting.enqueue([told("n1")])
    worker = delivery(state, receivers, clock)

    def locked(*_: object, **__: object) -> DeliveryState:
        raise StoreError("locked")

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "record", locked)
        worker.advance()
    assert states(state) == {"n1": DeliveryState.PENDING}
    run_for(clock, worker, minutes=1)
    assert receivers.channels[TEAM].attempts == ["n1"]
    assert states(state) == {"n1": DeliveryState.DELIVERED}
    assert worker.statistics().database_failures == 1


@pytest.mark.slow
def test_threads_deliver_a_full_outbox_once_while_one_receiver_hangs(state: State, receivers: Receivers, clock: VirtualClock) -> None:
    """Two thousand notifications, one channel that answers nothing: all others are told once, and it keeps at most half of the workers."""
    healthy = [told(f"n{index}", receiver=f"team-{index % 40}") for index in range(1_990)]
    state.alerting.enqueue([*(told(f"s{index}") for index in range(10)), *healthy])
    stuck = receivers.channels[TEAM]
    stuck.gate = threading.Event()
    left = Countdown(len(healthy))
    for index in range(40):
        receivers.channels[f"team-{index}", "slack/0"].fails = left.count
    worker = delivery(state, receivers, clock, limits=DeliveryLimits(workers=4))
    worker.start()
    try:
        assert left.over.wait(60)
        assert 1 <= len(stuck.attempts) <= 2
    finally:
        stuck.gate.set()
        worker.stop()
    keys = [key for (receiver, _), channel in receivers.channels.items() if receiver != "team-x" for key in channel.keys]
    assert sorted(keys) == sorted(each.key for each in healthy)
    assert worker.statistics().attempts["delivered"] >= len(healthy)


class Countdown:
    """Counts what channels take; `over` is set when it was enough."""

    def __init__(self, enough: int) -> None:
        self._left = enough
        self._lock = threading.Lock()
        self.over = threading.Event()

    def count(self, _: Notification) -> None:
        """One more; none of them fails."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.over.set()
