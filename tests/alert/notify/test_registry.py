"""Channels of all receivers: replaced while some are sending, counted by kind."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import PAGE, StillClock, notification
from tests.alert.notify.receivers import Answer, http_receiver

from tocsin.alert.notify.registry import ChannelRegistry, ChannelStatistics
from tocsin.alert.routing.receivers import HttpConfig, Receiver, TlsConfig, WebhookConfig
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.errors import ConfigError, DeliveryError

TEMPLATES = NotificationTemplates.read()


def team(url: str, **settings: object) -> Receiver:
    """A receiver with one webhook."""
    return Receiver("team", webhook=(WebhookConfig(SecretStr(url), **settings),))  # type: ignore[arg-type]


def test_channels_are_found_and_counted() -> None:
    """By receiver and name; what is not configured is not there."""
    answers = (Answer(200), Answer(500), Answer(400))
    with http_receiver(*answers) as receiver, closing(ChannelRegistry(StillClock())) as registry:
        registry.replace([team(receiver.url)], TEMPLATES)
        found = registry.find("team", "webhook/0")
        assert found is not None
        assert registry.find("team", "slack/0") is None
        found.send(notification(), PAGE)
        for _ in range(2):
            with pytest.raises(DeliveryError):
                found.send(notification(), PAGE)
        assert registry.statistics() == ChannelStatistics({"webhook": 1}, {"webhook": 1}, {"webhook": 1}, {"webhook": 0.0})


def test_a_mistake_leaves_what_was_there() -> None:
    """A configuration that can't be used replaces nothing."""
    with http_receiver() as receiver, closing(ChannelRegistry(StillClock())) as registry:
        registry.replace([team(receiver.url)], TEMPLATES)
        with pytest.raises(ConfigError):
            registry.replace([team("http://x", http_config=HttpConfig(tls_config=TlsConfig(ca_file="/none")))], TEMPLATES)
        found = registry.find("team", "webhook/0")
        assert found is not None
        found.send(notification(), PAGE)


def test_replacing_waits_for_what_is_under_way() -> None:
    """What is being sent is sent; afterwards the old channel sends nothing more, the new one does."""
    arrived, go_on = threading.Event(), threading.Event()
    answers: list[str] = []
    with http_receiver() as receiver, closing(ChannelRegistry(StillClock())) as registry:

        def hold() -> None:
            arrived.set()
            go_on.wait(10)

        receiver.before_answer = hold
        registry.replace([team(receiver.url)], TEMPLATES)
        old = registry.find("team", "webhook/0")
        assert old is not None
        sender = threading.Thread(target=lambda: answers.append(old.send(notification(), PAGE)))
        sender.start()
        assert arrived.wait(10)
        registry.replace([team(receiver.url)], TEMPLATES)
        go_on.set()
        sender.join(10)
        assert answers == ["200 OK: ok"]
        with pytest.raises(DeliveryError, match="just been replaced") as failed:
            old.send(notification(), PAGE)
        assert not failed.value.lasting
        new = registry.find("team", "webhook/0")
        assert new is not None
        assert new.send(notification(), PAGE) == "200 OK: ok"
