"""Channels of chains and people: found by name, made with secrets that never show, refused in words when something is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.oncall.house import House, shop_plan, told
from tests.oncall.plans import person

from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.errors import DeliveryError
from tocsin.model.notification import Notification
from tocsin.oncall.channels import Channels
from tocsin.oncall.definition import Contact, OncallPlan

SECRET = "hunter2"
MAIL = GlobalConfig(smtp_from="tocsin@example.org", smtp_smarthost="mail:25", slack_api_url=SecretStr("https://hooks/T1"))


class Recorder:
    """Stands for the notifiers: remembers which receivers they were made for."""

    def __init__(self) -> None:
        self.receivers: list[Receiver] = []
        self.closed = 0

    def build(self, receiver: Receiver) -> Sequence[Recorder]:
        """One channel of each receiver."""
        self.receivers.append(receiver)
        return [self]

    def send(self, notification: Notification, page: Any, /) -> str:
        """Takes everything."""
        return f"{notification.key} {page}"

    def close(self) -> None:
        """Counted."""
        self.closed += 1


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An escalator to begin pages with."""
    found = House(tmp_path / "state")
    yield found
    found.state.close()


def channels(house: House, recorder: Recorder, plan: OncallPlan, defaults: GlobalConfig = MAIL) -> Channels:
    """The channels of a plan."""
    environment = {"ANA_KEY": SECRET}
    return Channels(lambda: plan, house.escalator, build=recorder.build, defaults=lambda: defaults, environment=environment)


def test_a_chain_is_a_channel_of_the_receiver_that_it_serves(house: House) -> None:
    """Told twice it begins one page; a chain that is gone refuses."""
    found = channels(house, Recorder(), house.plan)
    assert found.of_receiver("page") == (ChannelInfo("chain/shop", send_resolved=True),)
    assert found.of_receiver("ticket") == ()
    chain = found.find("chain/shop")
    assert chain is not None
    answers = {chain.send(told(), None) for _ in range(2)}
    assert answers == {f"page {house.page().id} is calling"}
    assert chain.send(told(replace(told().alerts[0], ends_at=1), key="n3", group_key="g2"), None) == "no page is open, and nothing fires"
    house.plan = replace(house.plan, chains={})
    with pytest.raises(DeliveryError, match="no escalation chain") as caught:
        chain.send(told(key="n4"), None)
    assert caught.value.lasting


@pytest.mark.parametrize("name", ["slack/0", "chain/other", "person/nobody/slack/0", "person/ana/slack/7", "person", ""])
def test_what_is_not_ours_is_not_found(house: House, name: str) -> None:
    """Delivery looks elsewhere, or says that it is gone."""
    assert channels(house, Recorder(), house.plan).find(name) is None


def test_people_are_reached_by_integrations(house: House, tmp_path: Path) -> None:
    """Of every kind, with what the global block gives; all of them are told of the end."""
    (tmp_path / "key").write_text(f"{SECRET}\n")
    ana = person(
        "ana",
        Contact("slack", 0, {"channel": "@ana", "username": "tocsin"}),
        Contact("email", 0, {"to": "ana@example.org"}),
        Contact("webhook", 0, {"url": "http://127.0.0.1/page"}),
        Contact("pagerduty", 0, files={"routing_key": str(tmp_path / "key")}),
        Contact("opsgenie", 0, {"api_url": "https://api.eu.opsgenie.com/"}, variables={"api_key": "ANA_KEY"}),
    )
    recorder = Recorder()
    found = channels(house, recorder, OncallPlan(people={"ana": ana}))
    for contact in ana.contacts:
        sender = found.find(ana.channel_of(contact))
        assert sender is not None
        assert sender.send(told(), "text") == "n1 text"
    slack, mail, hook, duty, genie = recorder.receivers
    assert (slack.slack[0].channel, slack.slack[0].username, slack.slack[0].api_url) == ("@ana", "tocsin", MAIL.slack_api_url)
    assert (mail.email[0].to, mail.email[0].smarthost, mail.email[0].headers["To"]) == ("ana@example.org", "mail:25", "ana@example.org")
    assert hook.webhook[0].url == SecretStr("http://127.0.0.1/page")
    assert duty.pagerduty[0].routing_key == SecretStr(SECRET)
    assert (genie.opsgenie[0].api_key, genie.opsgenie[0].api_url) == (SecretStr(SECRET), "https://api.eu.opsgenie.com/")
    assert all(channel.send_resolved for receiver in recorder.receivers for channel in receiver.channels)
    assert SECRET not in repr(recorder.receivers)
    assert found.unusable() == []


def test_a_secret_that_changes_is_read_again(house: House, tmp_path: Path) -> None:
    """Without a restart; while it stays, the same channel is used, and one that is replaced is closed."""
    key = tmp_path / "key"
    key.write_text("one")
    recorder = Recorder()
    plan = OncallPlan(people={"ana": person("ana", Contact("pagerduty", 0, files={"routing_key": str(key)}))})
    found = channels(house, recorder, plan)
    for text in ("one", "one", "two"):
        key.write_text(text)
        found.find("person/ana/pagerduty/0")
    assert [receiver.pagerduty[0].routing_key for receiver in recorder.receivers] == [SecretStr("one"), SecretStr("two")]
    assert recorder.closed == 1
    found.forget()
    found.forget()
    assert recorder.closed == 2


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        (Contact("slack", 0), "slack/0 has no address: give api_url_file or api_url_env"),
        (Contact("email", 0, {"to": "a@b"}), "email/0 has no mail server: give smtp_from and smtp_smarthost"),
        (Contact("opsgenie", 0), "opsgenie/0 has no key"),
        (
            Contact("pagerduty", 0, files={"routing_key": "/nowhere"}),
            "takes its routing_key from /nowhere, which can't be read: No such",
        ),
        (Contact("pagerduty", 0, files={"routing_key": "/dev/null"}), "which is empty"),
        (Contact("pagerduty", 0, variables={"routing_key": "NONE"}), "from the variable NONE, which is not set"),
    ],
)
def test_what_is_missing_is_refused_in_words(house: House, contact: Contact, expected: str) -> None:
    """For good, so that the person's next channel is tried; and it is said before anybody is called."""
    plan = OncallPlan(people={"ana": person("ana", contact)})
    found = channels(house, Recorder(), plan, GlobalConfig())
    with pytest.raises(DeliveryError, match=expected) as caught:
        found.find(f"person/ana/{contact.kind}/0")
    assert caught.value.lasting
    (sentence,) = found.unusable()
    assert expected in sentence
    assert shop_plan().people
