"""
Makes channels of what a configuration says: the only place where the two meet.

    channels = build_channels(config.receivers["team"], templates, clock=clock)      [webhook/0, slack/0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import SecretStr

from tocsin.alert.notify.channel import Channel
from tocsin.alert.notify.filling import Filling
from tocsin.alert.notify.mail import EmailChannel
from tocsin.alert.notify.opsgenie import OpsgenieChannel
from tocsin.alert.notify.pagerduty import PagerdutyChannel
from tocsin.alert.notify.slack import SlackChannel
from tocsin.alert.notify.webhook import WebhookChannel
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.template.lexer import TEXT_CHARS_MAX
from tocsin.alert.template.notification_texts import ACTION, NotificationTemplates, parse_text
from tocsin.clock import Clock
from tocsin.errors import ParseError

TIMEOUT_S = 10.0


def build_channels(receiver: Receiver, templates: NotificationTemplates, *, clock: Clock, timeout_s: float = TIMEOUT_S) -> list[Channel]:
    """
    The channels of a receiver, named as `Receiver.channels` names them. Whoever builds them closes them.

    Args:
        receiver: What the configuration says.
        templates: Of the same configuration.
        clock: The present.
        timeout_s: Longest time for one delivery where an integration says none, seconds (`alert.attempt_timeout_s`).

    Raises:
        ConfigError: A certificate or a mail server can't be used; says which integration.
    """
    filling = Filling(templates, clock)
    kinds: tuple[tuple[str, Sequence[Any], Callable[..., Channel]], ...] = (
        ("webhook", receiver.webhook, WebhookChannel),
        ("email", receiver.email, EmailChannel),
        ("pagerduty", receiver.pagerduty, PagerdutyChannel),
        ("opsgenie", receiver.opsgenie, OpsgenieChannel),
        ("slack", receiver.slack, SlackChannel),
    )
    built: list[Channel] = []
    try:
        for kind, configs, make in kinds:
            built += [make(f"{kind}/{index}", config, filling, timeout_s) for index, config in enumerate(configs)]
    except BaseException:
        for channel in built:
            channel.close()
        raise
    return built


def template_mistakes(receiver: Receiver) -> list[str]:
    """What is wrong with the templates in a receiver's texts, each with its place; empty when nothing is. No text of a secret is shown."""
    found = []
    for place, text in _texts(receiver, ""):
        if ACTION in text and len(text) <= TEXT_CHARS_MAX:
            try:
                parse_text(text)
            except ParseError as error:
                found.append(f"receiver {receiver.name!r}, {place}: {error}")
    return found


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text in a tree of records, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, SecretStr):
        yield place, value.get_secret_value()
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _texts(one, f"{place}[{index}]")
    elif is_dataclass(value):
        for part in fields(value):
            yield from _texts(getattr(value, part.name), f"{place}.{part.name}" if place else part.name)
