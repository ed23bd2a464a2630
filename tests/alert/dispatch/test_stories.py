"""What channels hear, told as stories on a virtual clock."""

from __future__ import annotations

import dataclasses

from tests.alert.dispatch.story import CHANNELS, START_S, Story, config

from tocsin.alert.dispatch.state import GroupState
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.intervals import TimeInterval, TimeSpec
from tocsin.alert.routing.matchers import parse_matchers
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import AlertEventKind, Quiet, Silence
from tocsin.model.instant import NANOSECONDS
from tocsin.model.labels import Labels
from tocsin.model.notification import NotificationReason

HOUR_S = 3600.0
ROUTE = Route("{}", "team", group_by=frozenset({"alertname"}))


def reasons(story: Story) -> list[tuple[float, str, NotificationReason]]:
    """What was told so far: seconds since the start, channel, why."""
    return [(told.created_at / NANOSECONDS - START_S, told.channel, told.reason) for told in story.told]


def test_a_group_waits_then_tells_changes_then_repeats() -> None:
    """First after group_wait with all that came meanwhile, then changes at group_interval, then nothing new after repeat_interval."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down", i="1")
    story.advance(10)
    story.fire(alertname="Down", i="2")
    story.advance(100)
    assert reasons(story) == [(30, "webhook/0", NotificationReason.FIRST)]
    assert len(story.told[0].alerts) == 2
    story.fire(alertname="Down", i="3")
    story.advance(300)
    assert reasons(story)[1:] == [(330, "webhook/0", NotificationReason.NEW_ALERTS)]
    story.advance(5 * HOUR_S, step_s=10)
    assert reasons(story)[2:] == [(330 + 4 * HOUR_S, "webhook/0", NotificationReason.REPEAT)]
    assert len({told.key for told in story.told}) == 3


def test_the_end_is_told_to_those_who_want_to_hear_it() -> None:
    """A channel with send_resolved hears of one end, then of the last; another hears of neither, and of nothing twice."""
    story = Story(config(ROUTE), channels=CHANNELS)
    story.fire(alertname="Down", i="1")
    story.fire(alertname="Down", i="2")
    story.advance(31)
    story.resolve(alertname="Down", i="1")
    story.advance(300)
    story.resolve(alertname="Down", i="2")
    story.advance(600)
    assert reasons(story) == [
        (30, "webhook/0", NotificationReason.FIRST),
        (30, "slack/0", NotificationReason.FIRST),
        (330, "webhook/0", NotificationReason.NEW_RESOLVED),
        (630, "webhook/0", NotificationReason.ALL_RESOLVED),
    ]
    assert [told.status for told in story.told] == ["firing", "firing", "firing", "resolved"]
    assert story.states == {}
    assert story.stored == {}
    assert [event.kind for event in story.events].count(AlertEventKind.RESOLVED) == 2


def test_what_ends_before_it_was_told_is_not_told() -> None:
    """Neither alone nor beside others of its group: the end of what nobody heard of is no news."""
    story = Story(config(ROUTE))
    story.fire(alertname="Blip")
    story.advance(10)
    story.resolve(alertname="Blip")
    story.fire(alertname="Down", i="1")
    story.fire(alertname="Down", i="2")
    story.resolve(alertname="Down", i="2")
    story.advance(400)
    story.fire(alertname="Down", i="3")
    story.resolve(alertname="Down", i="3")
    story.advance(400)
    assert [(told.reason, [alert.labels.get("i") for alert in told.alerts]) for told in story.told] == [(NotificationReason.FIRST, ["1"])]


def test_an_old_alert_is_told_at_once() -> None:
    """One that has fired for longer than group_wait has waited long enough, also where its group waits already."""
    story = Story(config(ROUTE))
    story.fire(since_s=31, alertname="Old")
    story.fire(alertname="Mixed", i="1")
    assert [told.group_labels.get("alertname") for told in story.tick()] == ["Old"]
    story.now_s += 5
    story.fire(since_s=60, alertname="Mixed", i="2")
    assert [len(told.alerts) for told in story.tick()] == [2]


def test_an_alert_that_nobody_says_again_ends() -> None:
    """An end that lies ahead is put off by saying the alert again, and holds when nobody does."""
    story = Story(config(ROUTE))
    for _ in range(5):
        story.fire(alertname="Down", ends_s=120)
        story.advance(60)
    assert [event.kind for event in story.events] == [AlertEventKind.FIRED]
    story.advance(400)
    assert [event.kind for event in story.events] == [AlertEventKind.FIRED, AlertEventKind.RESOLVED]
    assert story.events[1].at == (START_S + 4 * 60 + 120) * NANOSECONDS
    assert story.told[-1].reason is NotificationReason.ALL_RESOLVED


def test_an_alert_that_comes_again_is_told_again() -> None:
    """After its end was looked at, the same labels are a new stretch with a new key, though the channel was not told of the end."""
    story = Story(config(ROUTE), channels=CHANNELS)
    story.fire(alertname="Down", i="1")
    story.fire(alertname="Down", i="2")
    story.advance(31)
    story.resolve(alertname="Down", i="1")
    story.advance(300)
    story.fire(alertname="Down", i="1")
    story.advance(300)
    assert reasons(story)[2:] == [
        (330, "webhook/0", NotificationReason.NEW_RESOLVED),
        (630, "webhook/0", NotificationReason.NEW_ALERTS),
        (630, "slack/0", NotificationReason.NEW_ALERTS),
    ]
    assert len({told.key for told in story.told}) == len(story.told)


def test_a_group_that_is_over_and_begins_again_has_other_keys() -> None:
    """A receiver that drops repeats by key must not drop the second outage."""
    story = Story(config(ROUTE))
    for _ in range(3):
        story.fire(alertname="Down")
        story.advance(40)
        story.resolve(alertname="Down")
        story.advance(400)
    assert [told.reason for told in story.told] == [NotificationReason.FIRST, NotificationReason.ALL_RESOLVED] * 3
    assert len({told.key for told in story.told}) == 6


def test_the_same_plan_has_the_same_keys() -> None:
    """What was planned and not committed is planned again, word for word."""
    story = Story(config(ROUTE), channels=CHANNELS)
    story.fire(since_s=60, alertname="Down")
    first = story.dispatcher.plan(story.now)
    assert first == story.dispatcher.plan(story.now)
    assert len(first[0].notifications) == 2
    story.restart(guarded=False)
    again = story.dispatcher.plan(story.now)
    assert [told.key for told in again[0].notifications] == [told.key for told in first[0].notifications]


def test_a_silence_keeps_quiet_until_it_ends() -> None:
    """Silenced alerts are not told, and counted beside those that are; when the silence is over they are told as new."""
    story = Story(config(ROUTE))
    silence = Silence("s1", parse_matchers('i=~"1|2"'), story.now, story.now + 1000 * NANOSECONDS, "ana", "known")
    story.silence(silence)
    for i in "123":
        story.fire(alertname="Down", i=i)
    story.advance(31)
    assert [alert.labels.get("i") for alert in story.told[0].alerts] == ["3"]
    assert story.told[0].quiet == {"silenced": 2}
    fingerprint = next(key for key, alert in story.stored.items() if alert.labels.get("i") == "1")
    assert story.dispatcher.status(fingerprint, story.now).silenced_by == ("s1",)
    assert story.dispatcher.status(fingerprint, story.now).quiet is Quiet.SILENCED
    story.advance(1300)
    assert reasons(story)[1:] == [(1230, "webhook/0", NotificationReason.NEW_ALERTS)]
    assert story.dispatcher.status(fingerprint, story.now).quiet is None


def test_a_source_holds_its_targets_back() -> None:
    """While the source fires and the labels are equal; not beyond, and not what matches both sides."""
    rule = InhibitRule(parse_matchers("severity=page"), parse_matchers("severity=~page|ticket"), ("service",))
    story = Story(config(ROUTE, [rule]))
    story.fire(alertname="Out", severity="page", service="shop")
    story.fire(alertname="Slow", severity="ticket", service="shop")
    story.fire(alertname="Slow", severity="ticket", service="cart")
    story.advance(31)
    told = {(one.labels.get("alertname"), one.labels.get("service")) for each in story.told for one in each.alerts}
    assert told == {("Out", "shop"), ("Slow", "cart")}
    held = next(
        key for key, alert in story.stored.items() if alert.labels == Labels({"alertname": "Slow", "severity": "ticket", "service": "shop"})
    )
    source = next(key for key, alert in story.stored.items() if alert.name == "Out")
    assert story.dispatcher.status(held, story.now).inhibited_by == (source,)
    story.resolve(alertname="Out", severity="page", service="shop")
    story.advance(300)
    assert story.told[-1].reason in {NotificationReason.NEW_ALERTS, NotificationReason.ALL_RESOLVED}
    assert ("Slow", "shop") in {(one.labels.get("alertname"), one.labels.get("service")) for each in story.told for one in each.alerts}


def test_labels_that_are_missing_on_both_sides_are_equal() -> None:
    """A rule whose equal labels none of the two has applies."""
    story = Story(config(ROUTE, [InhibitRule(parse_matchers("alertname=A"), parse_matchers("alertname=B"), ("zone",))]))
    story.fire(alertname="A")
    story.fire(alertname="B")
    story.advance(31)
    assert [each.group_labels.get("alertname") for each in story.told] == ["A"]


def test_a_route_is_quiet_at_its_times() -> None:
    """A muted route tells nothing and loses nothing: when the time is over, what still fires is told."""
    minute = round(START_S / 60 % 1440)
    interval = TimeInterval("night", (TimeSpec(times=((minute, minute + 10),)),))
    routes = (
        Route('{}/{a="1"}', "muted", parse_matchers("a=1"), frozenset({"alertname"}), mute_time_intervals=("night",)),
        Route('{}/{a="2"}', "awake", parse_matchers("a=2"), frozenset({"alertname"}), active_time_intervals=("night",)),
    )
    story = Story(config(dataclasses.replace(ROUTE, routes=routes), intervals=[interval]))
    story.fire(alertname="X", a="1")
    story.fire(alertname="X", a="2")
    story.advance(60)
    assert [told.receiver for told in story.told] == ["awake"]
    muted = next(key for key, alert in story.stored.items() if alert.labels.get("a") == "1")
    assert story.dispatcher.status(muted, story.now).muted_by == ("night",)
    views = {view.state.receiver: view.alerts[0][1].muted_by for view in story.dispatcher.groups(story.now)}
    assert views == {"muted": ("night",), "awake": ()}
    story.advance(900)
    assert [told.receiver for told in story.told] == ["awake", "muted"]


def test_a_restart_neither_repeats_nor_uninhibits() -> None:
    """After it nobody is told anything until rules had their time; then what is new is, and what was held back still is."""
    rule = InhibitRule(parse_matchers("alertname=Out"), parse_matchers("alertname=Slow"))
    story = Story(config(ROUTE, [rule]))
    story.fire(alertname="Out", ends_s=60)
    story.fire(alertname="Slow", ends_s=60)
    story.advance(31)
    assert [told.group_labels.get("alertname") for told in story.told] == ["Out"]
    story.now_s += 600  # down for ten minutes: by their ends both alerts would be over
    story.restart()
    story.fire(since_s=700, alertname="Slow", ends_s=240)
    story.fire(since_s=700, alertname="New", ends_s=240)
    assert story.advance(40) == []
    story.fire(since_s=740, alertname="Out", ends_s=240)
    assert [told.group_labels.get("alertname") for told in story.advance(60)] == ["New"]


def test_rules_that_are_gone_after_a_restart_end_their_alerts() -> None:
    """An alert without an end, of a rule that is no more, ends a while after the restart: nobody is left to say so."""
    story = Story(config(ROUTE))
    story.fire(alertname="Gone")
    story.advance(31)
    story.restart()
    story.advance(2000, step_s=5)
    assert [told.reason for told in story.told] == [NotificationReason.FIRST, NotificationReason.ALL_RESOLVED]


def test_a_clock_that_goes_back_neither_repeats_nor_stalls() -> None:
    """After a day's step back changes are still told within group_interval, ends stay ends, and nothing is told again."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down", i="1")
    story.fire(alertname="Down", i="2")
    story.advance(100)
    story.resolve(alertname="Down", i="2")
    story.now_s -= 86_400
    assert story.tick() == []
    told = story.advance(300)
    assert [(one.reason, [alert.resolved(one.created_at) for alert in one.alerts]) for one in told] == [
        (NotificationReason.NEW_RESOLVED, [False, True])
    ]
    story.fire(alertname="Down", i="3")
    assert [one.reason for one in story.advance(300)] == [NotificationReason.NEW_ALERTS]
    assert story.advance(3 * HOUR_S, step_s=30) == []
    assert story.dispatcher.statistics().clock_steps == 1


def test_a_clock_that_went_back_while_nobody_looked() -> None:
    """The same when the step happens between death and restart."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down", i="1")
    story.advance(100)
    story.now_s -= 86_400
    story.restart()
    assert story.advance(200) == []
    story.fire(alertname="Down", i="2")
    assert [one.reason for one in story.advance(300)] == [NotificationReason.NEW_ALERTS]


def test_the_clock_trembles() -> None:
    """Steps back by less than a second are no steps."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down")
    for _ in range(50):
        story.now_s += 2
        story.tick()
        story.now_s -= 0.9
        story.tick()
    assert len(story.told) == 1
    assert story.dispatcher.statistics().clock_steps == 0


def test_an_alert_on_two_routes_is_told_twice_and_forgotten_once() -> None:
    """With continue the routes' groups live their own lives, also where both have the same matchers."""
    twins = tuple(
        Route(f'{{}}/{{a="1"}}{suffix}', receiver, parse_matchers("a=1"), continues=True, group_interval_s=interval_s)
        for suffix, receiver, interval_s in (("", "one", 300.0), ("#2", "two", 600.0))
    )
    story = Story(config(dataclasses.replace(ROUTE, routes=twins)))
    story.fire(alertname="X", a="1")
    story.advance(31)
    assert [told.receiver for told in story.told] == ["one", "two"]
    assert len({told.group_key for told in story.told}) == 2
    story.resolve(alertname="X", a="1")
    story.advance(400)
    story.fire(alertname="X", a="1")
    story.advance(100)
    assert reasons(story)[2:] == [(330, "webhook/0", NotificationReason.ALL_RESOLVED), (461, "webhook/0", NotificationReason.FIRST)]
    story.resolve(alertname="X", a="1")
    story.advance(900)
    assert story.stored == {}
    assert story.states == {}


def test_a_receiver_that_changes_is_told_from_the_start() -> None:
    """After a change of the configuration a group tells its new receiver, and the channel's old state does not count."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down")
    story.advance(31)
    story.config = config(dataclasses.replace(ROUTE, receiver="other"))
    story.restart()
    assert [(told.receiver, told.reason) for told in story.advance(400)] == [("other", NotificationReason.FIRST)]


def test_routes_that_are_gone_leave_no_state() -> None:
    """Their groups' states are given up, and the alerts go where they belong now."""
    routes = (Route('{}/{a="1"}', "one", parse_matchers("a=1")),)
    story = Story(config(dataclasses.replace(ROUTE, routes=routes)))
    story.fire(alertname="Down", a="1")
    story.advance(31)
    assert set(story.states) == {'{}/{a="1"}:{}'}
    story.config = config(ROUTE)
    story.restart()
    assert set(story.states) == {'{}:{alertname="Down"}'}
    assert [told.receiver for told in story.advance(400)] == ["team"]


def test_states_survive_as_text() -> None:
    """A group's state is the same after JSON, whatever stands in its labels."""
    story = Story(config(ROUTE), channels=CHANNELS)
    story.fire(alertname='a"\\\n\u00e9', i="1")
    story.fire(alertname='a"\\\n\u00e9', i="2")
    story.advance(31)
    for state in story.states.values():
        assert GroupState.from_json(state.to_json()) == state
        assert len(state.channels["webhook/0"].firing) == 2


def test_more_alerts_than_may_be_kept_are_refused_and_counted() -> None:
    """Those that are kept go on; there is room again when one is over."""
    story = Story(config(ROUTE))
    story.dispatcher = type(story.dispatcher)(story.config, channels_of=lambda _: (ChannelInfo("w", send_resolved=True),), alerts_max=2)
    for i in "123":
        story.fire(alertname="Down", i=i)
    assert (story.dispatcher.statistics().alerts, story.dispatcher.statistics().alerts_refused) == (2, 1)
    story.resolve(alertname="Down", i="1")
    story.advance(400)
    story.fire(alertname="Down", i="3")
    assert {alert.labels.get("i") for alert in story.dispatcher.alerts()} == {"2", "3"}


def test_what_comes_between_plan_and_commit_is_not_lost() -> None:
    """An alert that begins again after the end of its group was planned is told with the next flush."""
    story = Story(config(ROUTE))
    story.fire(alertname="Down")
    story.advance(31)
    story.resolve(alertname="Down")
    story.now_s += 300
    planned = story.dispatcher.plan(story.now)
    story.fire(alertname="Down")
    story.states.pop(planned[0].group_key)
    for flush in planned:
        assert flush.state is None
        story.dispatcher.commit(flush)
    story.save()
    assert set(story.states) == {planned[0].group_key}
    assert [told.reason for told in story.advance(400)] == [NotificationReason.FIRST]
