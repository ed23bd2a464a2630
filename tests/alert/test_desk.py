"""The desk of alerts: what is asked and ordered, over a pipeline that is a list of groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.alert.pipeline.builders import MINUTE, START, VirtualClock
from tests.state.alert_builders import attempt, event, notification
from tests.state.prepared import open_state

from tocsin.alert.desk import AlertDesk
from tocsin.alert.desk_records import AlertFilter, PostedAlert
from tocsin.alert.dispatch.state import GroupState, GroupView
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.alert.routing.tree import Route
from tocsin.clock import SeededEntropy
from tocsin.errors import NotFound
from tocsin.model.alert import Alert, AlertStatus
from tocsin.model.instant import INSTANT_MAX, Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import DeliveryState, NotificationReason
from tocsin.model.series import Matcher, MatchOperator
from tocsin.state.alert_records import AlertChange
from tocsin.state.state import State


def firing(name: str, **given: Instant) -> Alert:
    """An alert since START."""
    return Alert(Labels({"alertname": name, "team": name[:1]}), starts_at=START, ends_at=given.get("ends_at"))


class ListedGroups:
    """A pipeline whose groups are a list."""

    def __init__(self) -> None:
        self.listed: list[GroupView] = []
        self.accepted: list[Alert] = []
        self.room = 100
        self.silences_read = 0
        self.written_at: Instant | None = START

    def add(self, receiver: str, *alerts: tuple[Alert, AlertStatus]) -> None:
        """One more group."""
        state = GroupState(f"{{}}:{{{receiver}}}", "r", receiver, Labels(), START, START)
        self.listed.append(GroupView(state, alerts))

    def accept(self, alerts: Sequence[Alert], at: Instant) -> None:
        """Take alerts, as long as there is room."""
        self.accepted += alerts[: self.room]

    def silences_changed(self) -> None:
        """Count."""
        self.silences_read += 1

    def alerts(self) -> list[Alert]:
        """Every alert."""
        return [alert for group in self.listed for alert, _ in group.alerts]

    def groups(self) -> list[GroupView]:
        """Every group."""
        return self.listed

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert."""
        return next((alert for alert in (*self.alerts(), *self.accepted) if alert.fingerprint == fingerprint), None)

    def status(self, fingerprint: str) -> AlertStatus:
        """What becomes of it."""
        return next((status for group in self.listed for alert, status in group.alerts if alert.fingerprint == fingerprint), AlertStatus())


@pytest.fixture
def pipeline() -> ListedGroups:
    """Knows no alert."""
    return ListedGroups()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Empty."""
    with open_state(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk(pipeline: ListedGroups, state: State) -> AlertDesk:
    """With two receivers; one of them has no channel."""
    config = AlertingConfig(
        Route("r", "ops"), {"ops": Receiver("ops"), "nobody": Receiver("nobody")}, remarks=("odd",), original="route: ..."
    )
    channels = {"ops": [ChannelInfo("slack/0", send_resolved=False), ChannelInfo("email/0", send_resolved=True)]}
    return AlertDesk(
        pipeline,
        state.alerting,
        config=lambda: config,
        channels_of=lambda name: channels.get(name, []),
        clock=VirtualClock(),
        entropy=SeededEntropy(1),
    )


def test_alerts_are_found_by_what_becomes_of_them(desk: AlertDesk, pipeline: ListedGroups) -> None:
    """Active, silenced, inhibited, muted; by label and by receiver; those that have ended are not there."""
    ops, both = AlertStatus(receivers=("ops",)), AlertStatus(receivers=("ops", "shop"))
    pipeline.add(
        "ops",
        (firing("active"), both),
        (firing("silenced"), AlertStatus(silenced_by=("s1",), receivers=("ops",))),
        (firing("inhibited"), AlertStatus(inhibited_by=("f",), receivers=("ops",))),
        (firing("muted"), AlertStatus(muted_by=("night",), receivers=("ops",))),
        (firing("over", ends_at=START), ops),
    )
    pipeline.add("shop", (firing("active"), both))

    def names(wanted: AlertFilter) -> list[str]:
        return [view.alert.name for view in desk.alerts(wanted)]

    assert names(AlertFilter()) == ["active", "inhibited", "muted", "silenced"]
    assert names(AlertFilter(silenced=False, inhibited=False, muted=False)) == ["active"]
    assert names(AlertFilter(active=False)) == ["inhibited", "muted", "silenced"]
    assert names(AlertFilter(matchers=(Matcher("team", MatchOperator.REGEX, "a|s"),))) == ["active", "silenced"]
    assert names(AlertFilter(receiver="sh.*")) == ["active"]
    assert [group.state.receiver for group in desk.groups()] == ["ops", "shop"]
    assert [group.state.receiver for group in desk.groups(AlertFilter(receiver="shop"))] == ["shop"]
    fingerprint = firing("silenced").fingerprint
    assert desk.alert(fingerprint).status.silenced_by == ("s1",)
    with pytest.raises(NotFound, match="no alert with the fingerprint 'x'"):
        desk.alert("x")


def test_posted_alerts_get_what_is_missing(desk: AlertDesk, pipeline: ListedGroups) -> None:
    """No start: now, or its end; no end: after the resolve timeout; a start may lie ahead; labels with empty values don't exist."""
    posted = [
        PostedAlert({"alertname": "a", "empty": ""}, {"summary": "x"}, generator_url="http://there"),
        PostedAlert({"alertname": "b"}, ends_at=START - MINUTE),
        PostedAlert({"alertname": "c"}, starts_at=START - MINUTE),
        PostedAlert({"alertname": "d"}, starts_at=START + MINUTE),
    ]
    assert desk.post(posted).accepted == 4
    assert [(each.starts_at - START, (each.ends_at or 0) - START) for each in pipeline.accepted] == [
        (0, 5 * MINUTE),
        (-MINUTE, -MINUTE),
        (-MINUTE, 5 * MINUTE),
        (MINUTE, 6 * MINUTE),
    ]
    first = pipeline.accepted[0]
    assert (first.labels, first.annotations, first.source, first.updated_at) == (Labels({"alertname": "a"}), {"summary": "x"}, "api", START)


def test_posted_alerts_that_make_no_sense_are_said_one_by_one(desk: AlertDesk, pipeline: ListedGroups) -> None:
    """The others are taken all the same."""
    posted = [
        PostedAlert({"alertname": "good"}),
        PostedAlert({"alertname": ""}),
        PostedAlert({"": "x", "a": "\ud800"}, {"": ""}),
        PostedAlert({"alertname": "late"}, starts_at=START, ends_at=START - 1),
        PostedAlert({"alertname": "never"}, ends_at=INSTANT_MAX + 1),
        PostedAlert({str(number): "x" for number in range(129)}),
        PostedAlert({"alertname": "x" * 70_000}),
        PostedAlert({"alertname": "url"}, generator_url="x" * 70_000),
    ]
    answer = desk.post(posted)
    assert (answer.accepted, [alert.name for alert in pipeline.accepted]) == (1, ["good"])
    expected = ["at least one label", "is no name of a label", "before it starts", "can't be held", "129 labels", "longer than", "too long"]
    for refused, words in zip(answer.refused, expected, strict=True):
        assert words in refused
    assert "alert 2 " in answer.refused[1]
    assert "not Unicode" in answer.refused[1]
    assert "no name of an annotation" in answer.refused[1]


def test_alerts_beyond_the_limit_are_said(desk: AlertDesk, pipeline: ListedGroups) -> None:
    """Whoever posts more than is kept learns which were left out; an end of what is not known is no news."""
    pipeline.room = 1
    answer = desk.post(
        [PostedAlert({"alertname": "a"}), PostedAlert({"alertname": "b"}), PostedAlert({"alertname": "c"}, ends_at=START - 1)]
    )
    assert answer.accepted == 2
    assert answer.refused == ('alert {alertname="b"}: as many alerts as alert.alerts_max are kept already',)


def test_notifications_are_shown_with_their_attempts(desk: AlertDesk, state: State) -> None:
    """The newest first, of a group or a state; a key that is not known is said."""
    state.alerting.enqueue([notification("n1", group_key="a"), notification("n2", group_key="b")])
    state.alerting.outbox.record(attempt("n1"), DeliveryState.PENDING, START)
    assert [view.entry.notification.key for view in desk.notifications()] == ["n2", "n1"]
    (view,) = desk.notifications(group_key="a", state=DeliveryState.PENDING)
    assert [each.detail for each in view.attempts] == ["connection refused"]
    assert desk.notification("n1").attempts == view.attempts
    with pytest.raises(NotFound, match="no notification with the key 'n9'"):
        desk.notification("n9")


def test_a_receiver_can_be_tested(desk: AlertDesk, state: State) -> None:
    """Each of its channels is told that nothing is wrong; one that is not there, or has no channel, is said."""
    keys = desk.test_notification("ops", "ada")
    told = [desk.notification(key).entry.notification for key in keys]
    assert [(each.channel, each.reason, each.status) for each in told] == [
        ("slack/0", NotificationReason.TEST, "firing"),
        ("email/0", NotificationReason.TEST, "firing"),
    ]
    assert told[0].alerts[0].annotations["summary"] == "This is a test that ada asked for; nothing is wrong."
    desk.test_notification("ops")
    assert all(view.entry.state is DeliveryState.PENDING for view in desk.notifications())
    with pytest.raises(NotFound, match="no receiver 'opps'; did you mean 'ops'"):
        desk.test_notification("opps")
    with pytest.raises(NotFound, match="no channel"):
        desk.test_notification("nobody")


def test_status_receivers_and_history(desk: AlertDesk, pipeline: ListedGroups, state: State) -> None:
    """What is configured, how much there is, what began and ended."""
    pipeline.add("ops", (firing("a"), AlertStatus()))
    state.alerting.commit(AlertChange(events=[event()]))
    status = desk.status()
    assert (status.config, status.remarks, status.alerts, status.groups, status.outbox.pending) == ("route: ...", ("odd",), 1, 1, 0)
    assert (status.started_at, status.written_at) == (START, START)
    assert [(each.name, len(each.channels)) for each in desk.receivers()] == [("ops", 2), ("nobody", 0)]
    assert desk.events() == [event()]
    assert desk.rule_groups() == ()
