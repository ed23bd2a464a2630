"""Channels of a receiver: one per integration, under the names that the configuration gives them."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import StillClock

from tocsin.alert.notify.building import build_channels, template_mistakes
from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.routing.receivers import (
    EmailConfig,
    HttpConfig,
    OpsgenieConfig,
    PagerdutyConfig,
    Receiver,
    SlackConfig,
    TlsConfig,
    WebhookConfig,
)
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.errors import ConfigError

SECRET = SecretStr("hidden-word")
FULL = Receiver(
    "team",
    webhook=(WebhookConfig(SECRET), WebhookConfig(SECRET, send_resolved=False)),
    email=(EmailConfig("a@b.example", "c@d.example", "localhost"),),
    pagerduty=(PagerdutyConfig(routing_key=SECRET),),
    opsgenie=(OpsgenieConfig(SECRET),),
    slack=(SlackConfig(api_url=SECRET),),
)


def test_names_are_those_of_the_configuration() -> None:
    """Whoever decides and whoever sends speak of the same channels."""
    channels = build_channels(FULL, NotificationTemplates.read(), clock=StillClock())
    assert [(channel.name, channel.send_resolved) for channel in channels] == [(one.name, one.send_resolved) for one in FULL.channels]
    for channel in channels:
        channel.close()
        channel.close()
        assert "hidden-word" not in repr(channel)


def test_a_certificate_that_is_missing_is_said_at_once() -> None:
    """Not at night, when something is to be sent."""
    broken = HttpConfig(tls_config=TlsConfig(ca_file="/does/not/exist.pem"))
    receiver = Receiver("team", webhook=(WebhookConfig(SECRET, http_config=broken),))
    with pytest.raises(ConfigError, match="tls_config can't be used"):
        build_channels(receiver, NotificationTemplates.read(), clock=StillClock())


def test_mistakes_in_templates_are_found_when_they_are_read() -> None:
    """Each with its place; what reads has none."""
    assert template_mistakes(FULL) == []
    broken = Receiver("team", slack=(SlackConfig(title="{{ .Status | upper }}", text="{{ if }}"),))
    first, second = template_mistakes(broken)
    assert first.startswith("receiver 'team', slack[0].title: line 1, column 14 of the template: no function is called 'upper'")
    assert second.startswith("receiver 'team', slack[0].text: ")


def test_secrets_are_scrubbed_before_texts_are_cut() -> None:
    """No half of a secret stays at the end."""
    assert "hidden" not in scrubbed("x" * 195 + "hidden-word" * 3, ["hidden-word"])
    assert scrubbed("a  b\n\0c", []) == "a b c"
