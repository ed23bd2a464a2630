"""A page from the group of alerts to the person, through the real outbox, delivery and notifiers, on a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.oncall.house import FALLBACK, House, ended, told

from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.alert.routing.receivers import Receiver
from tocsin.clock import SeededEntropy
from tocsin.errors import DeliveryError
from tocsin.model.notification import DeliveryState, Notification
from tocsin.model.oncall import PageState
from tocsin.oncall.channels import Channels, Sender

MAIL = GlobalConfig(smtp_from="tocsin@example.org", smtp_smarthost="mail:25", slack_app_token=None)


class Inbox:
    """What one receiver got; refuses while its name is on the list."""

    def __init__(self, name: str, got: list[str], refused: set[str]) -> None:
        self._name, self._got, self._refused = name, got, refused

    def send(self, notification: Notification, _page: Any, /) -> str:
        """Take it, or refuse it for good."""
        if self._name in self._refused:
            raise DeliveryError("404", lasting=True)
        self._got.append(f"{self._name} {notification.reason.value}")
        return "ok"

    def close(self) -> None:
        """It has nothing open."""


class Line:
    """The whole way of a page."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.got: list[str] = []
        self.refused: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """Nothing is left but what is on the disk."""
        self.house.state.close()
        self.house.restart()
        house = self.house
        channels = Channels(lambda: house.plan, house.escalator, build=self._build, defaults=lambda: MAIL)
        outside = Inbox("fallback", self.got, self.refused)
        find: Callable[[str, str], Sender | None] = lambda receiver, name: outside if receiver == FALLBACK.receiver else channels.find(name)  # noqa: E731
        fallback = Fallback(FALLBACK.receiver, lambda _receiver: [FALLBACK.channel], house.escalator.next_channel)
        self.delivery = Delivery(house.state.alerting.outbox, find, lambda _: None, fallback, clock=house.clock, entropy=SeededEntropy(1))

    def _build(self, receiver: Receiver) -> list[Inbox]:
        return [Inbox(receiver.name, self.got, self.refused)]

    def tell(self, notification: Notification) -> None:
        """What the dispatcher put into the outbox."""
        self.house.state.alerting.enqueue([notification])
        self.delivery.advance()

    def after(self, minutes: float) -> list[str]:
        """Who hears something after some time."""
        before = len(self.got)
        self.house.clock.advance(minutes)
        self.house.escalator.advance()
        self.delivery.advance()
        return self.got[before:]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A way of its own, on which Slack has no address."""
    found = Line(tmp_path)
    yield found
    found.house.state.close()


def test_a_page_reaches_a_person_by_the_next_channel(line: Line) -> None:
    """Slack has no address in the configuration, so the mail goes out at once; then the second person, and the end is told."""
    line.tell(told())
    assert line.got == ["person/ana/email/0 another_channel_failed"]
    assert line.after(5) == ["person/bob/email/0 another_channel_failed"]
    line.house.escalator.acknowledge("group-1", "bob")
    line.house.clock.advance(30)
    line.tell(ended(line.house.clock.now))
    assert line.house.page().state is PageState.RESOLVED
    assert "person/ana/email/0 all_resolved" in line.got
    assert "person/bob/email/0 all_resolved" in line.got


def test_whoever_is_out_of_reach_holds_nobody_up(line: Line) -> None:
    """All of ana's channels refuse: the next step is called without waiting, and the fallback hears of it."""
    line.refused.add("person/ana/email/0")
    line.tell(told())
    assert line.got == ["fallback another_channel_failed"]
    assert line.after(0) == ["person/bob/email/0 another_channel_failed"]


def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(line: Line) -> None:
    """A new process before each of them."""
    line.house.state.alerting.enqueue([told()])
    for _ in range(3):
        line.restart()
        line.delivery.advance()
    assert line.got == ["person/ana/email/0 another_channel_failed"]
    line.house.clock.advance(5)
    for _ in range(3):
        line.restart()
        line.house.escalator.advance()
        line.restart()
        line.delivery.advance()
    assert line.got[1:] == ["person/bob/email/0 another_channel_failed"]
    states = [entry.state for entry in line.house.state.alerting.outbox.after(0)]
    assert DeliveryState.PENDING not in states
