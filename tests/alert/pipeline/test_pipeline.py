"""The pipeline with the real dispatcher and a real database: every step is on the disk before anybody is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tests.alert.pipeline.builders import MINUTE, START, Receivers, VirtualClock, delivery, run_for

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.alert.routing.tree import Route
from tocsin.errors import StoreError
from tocsin.model.alert import Alert, AlertEventKind, Silence
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import NotificationReason
from tocsin.model.series import Matcher, MatchOperator
from tocsin.state.alerting import Alerting
from tocsin.state.state import State

Make = Callable[[], Pipeline]
ROUTE = Route("{}", "team-x", group_by=frozenset({"service"}), group_wait_s=30, group_interval_s=300, repeat_interval_s=4 * 3600)
INHIBITION = InhibitRule(
    sources=(Matcher("alertname", MatchOperator.EQUAL, "Down"),),
    targets=(Matcher("alertname", MatchOperator.EQUAL, "Slow"),),
    equal=("service",),
)
CONFIG = AlertingConfig(ROUTE, {"team-x": Receiver("team-x")}, inhibit_rules=(INHIBITION,))
CHANNELS = {"team-x": (ChannelInfo("slack/0", send_resolved=True), ChannelInfo("email/0", send_resolved=False))}


def channels_of(receiver: str) -> Sequence[ChannelInfo]:
    """Of the configuration."""
    return CHANNELS.get(receiver, ())


def firing(name: str, service: str = "checkout", *, since: Instant = START, rule: str = "g/r") -> Alert:
    """An alert of a rule."""
    return Alert(Labels({"alertname": name, "service": service}), {"summary": name}, since, None, since, source="rule", rule=rule)


def ended(alert: Alert, at: Instant) -> Alert:
    """The same, over."""
    return replace(alert, ends_at=at, updated_at=at)


@pytest.fixture
def make(state: State, clock: VirtualClock) -> Make:
    """A pipeline as a start of the process makes it."""

    def made() -> Pipeline:
        pipeline = Pipeline(state.alerting, Dispatcher(CONFIG, channels_of=channels_of), clock=clock, history_days=30)
        pipeline.load()
        return pipeline

    return made


def step(pipeline: Pipeline, clock: VirtualClock, *, minutes: float, alerts: Sequence[Alert] = ()) -> None:
    """Let time pass in pieces of fifteen seconds; rules say `alerts` in each."""
    for _ in range(round(minutes * 4)):
        clock.advance(seconds=15)
        pipeline.put([replace(alert, updated_at=clock.now) for alert in alerts], clock.now)
        pipeline.advance(clock.now)


def decided(state: State) -> list[tuple[str, str]]:
    """Channel and reason of every notification, in order."""
    return [(entry.notification.channel, entry.notification.reason.value) for entry in state.alerting.outbox.after(0)]


def test_an_alert_is_told_repeated_and_ended(make: Make, state: State, clock: VirtualClock) -> None:
    """First after the group's wait, again after four hours, and its end where the channel wants to know; the history has both."""
    pipeline, down = make(), firing("Down")
    step(pipeline, clock, minutes=3, alerts=[down])
    assert decided(state) == [("slack/0", "first_notification"), ("email/0", "first_notification")]
    step(pipeline, clock, minutes=240, alerts=[down])
    assert decided(state)[2:] == [("slack/0", "repeat_interval_elapsed"), ("email/0", "repeat_interval_elapsed")]
    step(pipeline, clock, minutes=6, alerts=[ended(down, clock.now)])
    assert decided(state)[4:] == [("slack/0", "all_resolved")]
    assert [event.kind for event in state.alerting.events()] == [AlertEventKind.FIRED, AlertEventKind.RESOLVED]
    step(pipeline, clock, minutes=1)
    assert (state.alerting.alerts(), state.alerting.groups(), pipeline.alerts()) == ([], {}, [])


def test_a_restart_neither_repeats_nor_forgets(make: Make, state: State, clock: VirtualClock) -> None:
    """The same alerts again after a restart are no news; a new one is; the end is told by whichever process sees it."""
    down = firing("Down")
    step(make(), clock, minutes=3, alerts=[down])
    restarted = make()
    step(restarted, clock, minutes=30, alerts=[down])
    assert len(decided(state)) == 2
    step(make(), clock, minutes=10, alerts=[down, firing("Full", since=clock.now)])
    assert decided(state)[2:] == [("slack/0", "new_alerts_in_group"), ("email/0", "new_alerts_in_group")]
    step(make(), clock, minutes=10, alerts=[ended(down, clock.now), ended(firing("Full"), clock.now)])
    assert decided(state)[4:] == [("slack/0", "all_resolved")]


def test_a_restart_does_not_lift_inhibition(make: Make, state: State, clock: VirtualClock) -> None:
    """What is inhibited stays so, also while rules have not yet said again what inhibits it."""
    down, slow = firing("Down"), firing("Slow")
    step(make(), clock, minutes=3, alerts=[down, slow])
    told = [[alert.name for alert in entry.notification.alerts] for entry in state.alerting.outbox.after(0)]
    assert told == [["Down"], ["Down"]]
    step(make(), clock, minutes=10, alerts=[slow])
    assert len(decided(state)) == 2


def test_a_silence_holds_over_a_restart_and_ends(make: Make, state: State, clock: VirtualClock) -> None:
    """Nobody is told while it holds; when it is over and the alert still fires, somebody is."""
    matchers = (Matcher("service", MatchOperator.EQUAL, "checkout"),)
    pipeline = make()
    state.alerting.silences.add(Silence("s1", matchers, START, START + 30 * MINUTE, "ada", "upgrade", START))
    pipeline.silences_changed()
    step(pipeline, clock, minutes=10, alerts=[firing("Down")])
    step(make(), clock, minutes=15, alerts=[firing("Down")])
    assert decided(state) == []
    step(make(), clock, minutes=20, alerts=[firing("Down")])
    assert decided(state) == [("slack/0", "first_notification"), ("email/0", "first_notification")]


def test_another_configuration_takes_over_without_a_word(make: Make, state: State, clock: VirtualClock) -> None:
    """What was told is not told again by the same route; alerts stay known."""
    pipeline = make()
    step(pipeline, clock, minutes=3, alerts=[firing("Down")])
    pipeline.replace(Dispatcher(CONFIG, channels_of=channels_of))
    assert [alert.name for alert in pipeline.alerts()] == ["Down"]
    step(pipeline, clock, minutes=30, alerts=[firing("Down")])
    assert len(decided(state)) == 2


def test_what_cannot_be_written_is_neither_told_nor_lost(
    make: Make, state: State, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is locked, alerts wait in memory; whoever posts them is told; as soon as it can be written, all of it is."""
    pipeline = make()
    commit = Alerting.commit

    def locked(*_: object) -> int:
        raise StoreError("locked")

    monkeypatch.setattr(Alerting, "commit", locked)
    pipeline.put([firing("Down")], clock.now)
    with pytest.raises(StoreError):
        pipeline.accept([firing("Full")], clock.now)
    clock.advance(minutes=1)
    with pytest.raises(StoreError):
        pipeline.advance(clock.now)
    assert pipeline.statistics().unwritten_events == 2
    monkeypatch.setattr(Alerting, "commit", commit)
    pipeline.advance(clock.now)
    assert len(state.alerting.events()) == len(state.alerting.alerts()) == 2
    step(pipeline, clock, minutes=2)
    assert decided(state) == [("slack/0", "first_notification"), ("email/0", "first_notification")]
    statistics = pipeline.statistics()
    assert (statistics.database_failures, statistics.unwritten_events) == (3, 0)
    assert statistics.notifications == {NotificationReason.FIRST.value: 2}


def test_the_whole_way_tells_each_channel_once(make: Make, state: State, clock: VirtualClock, receivers: Receivers) -> None:
    """Five hundred alerts of ten services become one page per service and channel."""
    flood = [firing(f"A{number}", f"service-{number % 10}") for number in range(500)]
    pipeline = make()
    step(pipeline, clock, minutes=3, alerts=flood)
    run_for(clock, delivery(state, receivers, clock), minutes=2)
    assert (pipeline.dispatched().alerts, pipeline.dispatched().groups, pipeline.works()) == (500, 10, False)
    pipeline.advance(clock.now)
    assert pipeline.works()
    for channel in ("slack/0", "email/0"):
        taken = receivers.channels["team-x", channel].taken
        assert sorted(each.group_labels.get("service") for each in taken) == sorted(f"service-{number}" for number in range(10))
        assert all(len(each.alerts) + each.truncated == 50 for each in taken)


def test_a_thread_drives_it(state: State, receivers: Receivers) -> None:
    """Started, it tells without being asked; stopped, everything is on the disk."""
    clock = VirtualClock()
    route = replace(ROUTE, group_wait_s=0.0)
    worker = delivery(state, receivers, clock)
    pipeline = Pipeline(
        state.alerting,
        Dispatcher(replace(CONFIG, route=route), channels_of=channels_of, start_delay_s=0),
        clock=clock,
        announce=worker.wake,
    )
    pipeline.load()
    pipeline.start()
    worker.start()
    try:
        pipeline.put([firing("Down")], clock.now)
        assert receivers.channels["team-x", "slack/0"].entered.wait(20)
        assert receivers.channels["team-x", "email/0"].entered.wait(20)
    finally:
        pipeline.stop()
        pipeline.stop()
        worker.stop()
    assert state.alerting.outbox.count().pending == 0


def test_what_a_late_evaluation_says_is_no_clock_that_goes_back(make: Make, clock: VirtualClock) -> None:
    """A rule that takes long hands its alerts on for an instant that is past; those of others must not end earlier for that."""
    pipeline = make()
    others = replace(firing("Posted", rule=""), source="api", ends_at=START + 10 * MINUTE)
    pipeline.put([others], clock.now)
    for _ in range(100):
        clock.advance(seconds=5)
        pipeline.advance(clock.now)
        pipeline.put([firing("Slow", "late")], clock.now - 4 * 1_000_000_000)
    assert pipeline.dispatched().clock_steps == 0
    known = pipeline.alert(others.fingerprint)
    assert known is not None
    assert known.ends_at == others.ends_at
