"""
Slack: an attachment by an incoming webhook, or by a bot's token and chat.postMessage.

With a token, `update_message` changes the group's first message in place of sending another, as long as this process remembers which one it
was; after a restart a new one is sent.
Source: Slack API documentation, 'Incoming webhooks', chat.postMessage, chat.update, 'Reference: secondary message attachments'.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.notify.filling import Filling, needed
from tocsin.alert.notify.http_sending import HttpSender, Reply, url_secrets
from tocsin.alert.notify.webhook import answer_text
from tocsin.alert.page.text import PageText, clean
from tocsin.alert.routing.receivers import SlackAction, SlackConfig
from tocsin.alert.template.notification_functions import slack_escape
from tocsin.alert.template.notification_texts import NotificationTexts
from tocsin.errors import DeliveryError
from tocsin.model.notification import Notification

TITLE_CHARS_MAX = 1_024
TEXT_CHARS_MAX = 8_000
FIELDS_MAX = 20
MESSAGES_KEPT = 1_000
PASSING_ERRORS = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})


class SlackChannel:
    """
    Sends messages to a channel or a person.

    Args:
        name: `slack/0`.
        config: Where to, and with which texts.
        filling: Fills in texts.
        timeout_s: Longest time for one request where the configuration says none, seconds.
    """

    def __init__(self, name: str, config: SlackConfig, filling: Filling, timeout_s: float) -> None:
        self.name = name
        self.send_resolved = config.send_resolved
        self._config = config
        self._filling = filling
        self._http = HttpSender(
            config.http_config,
            timeout_s=config.timeout_s or timeout_s,
            clock=filling.clock,
            secrets=[config.api_url, config.app_token],
        )
        self._lock = threading.Lock()
        self._messages: OrderedDict[str, tuple[str, str]] = OrderedDict()  # by group: channel and time of its message

    def send(self, notification: Notification, page: PageText) -> str:
        """Send it; returns what Slack answered."""
        texts = self._filling.of(notification, page)
        message = self._message(texts, page)
        if self._config.app_token is not None:
            return self._with_token(notification, message, self._config.app_token.get_secret_value())
        if self._config.api_url is None:
            raise DeliveryError("neither api_url nor app_token is configured", lasting=True)
        url = self._config.api_url.get_secret_value()
        reply = self._http.post(url, message)
        _check(reply)
        return answer_text(reply, url_secrets(url))

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def _with_token(self, notification: Notification, message: Mapping[str, Any], token: str) -> str:
        url, body = self._config.app_url, dict(message)
        with self._lock:
            known = self._messages.get(notification.group_key) if self._config.update_message else None
        if known:
            url = url.replace("chat.postMessage", "chat.update")
            body |= {"channel": known[0], "ts": known[1]}
        reply = self._http.post(url, body, headers={"Authorization": f"Bearer {token}"})
        said = _check(reply)
        if self._config.update_message and said.get("ts") and said.get("channel"):
            with self._lock:
                self._messages[notification.group_key] = (str(said["channel"]), str(said["ts"]))
                self._messages.move_to_end(notification.group_key)
                if not notification.firing:
                    del self._messages[notification.group_key]
                while len(self._messages) > MESSAGES_KEPT:
                    self._messages.popitem(last=False)
        return scrubbed(f"{reply.status}: message {said.get('ts', '')} in {said.get('channel', '')}", [token])

    def _message(self, texts: NotificationTexts, page: PageText) -> dict[str, Any]:
        config = self._config
        title, body = slack_escape(page.title), slack_escape(page.body)
        message: dict[str, Any] = {
            "channel": needed(texts, "channel", config.channel),
            "username": texts.text_or(config.username, "Tocsin"),
            "icon_emoji": texts.text_or(config.icon_emoji, ""),
            "icon_url": texts.text_or(config.icon_url, ""),
            "link_names": config.link_names or None,
        }
        if config.message_text:
            message["text"] = clean(texts.text_or(config.message_text, f"{title}\n{body}"), TEXT_CHARS_MAX)
        else:
            message["attachments"] = [self._attachment(texts, title, body)]
        return {name: value for name, value in message.items() if value}

    def _attachment(self, texts: NotificationTexts, title: str, body: str) -> dict[str, Any]:
        config = self._config
        attachment: dict[str, Any] = {
            "title": clean(texts.text_or(config.title, title), TITLE_CHARS_MAX),
            "title_link": texts.text_or(config.title_link, ""),
            "pretext": clean(texts.text_or(config.pretext, ""), TEXT_CHARS_MAX),
            "text": clean(texts.text_or(config.text, body), TEXT_CHARS_MAX),
            "fallback": clean(texts.text_or(config.fallback, title), TITLE_CHARS_MAX),
            "callback_id": texts.text_or(config.callback_id, ""),
            "image_url": texts.text_or(config.image_url, ""),
            "thumb_url": texts.text_or(config.thumb_url, ""),
            "footer": clean(texts.text_or(config.footer, ""), TITLE_CHARS_MAX),
            "color": texts.text_or(config.color, ""),
            "mrkdwn_in": list(config.mrkdwn_in),
            "fields": [
                {
                    "title": clean(texts.text_or(field.title, ""), TITLE_CHARS_MAX),
                    "value": clean(texts.text_or(field.value, ""), TEXT_CHARS_MAX),
                    "short": config.short_fields if field.short is None else field.short,
                }
                for field in config.fields[:FIELDS_MAX]
            ],
            "actions": [_action(texts, action) for action in config.actions],
        }
        return {name: value for name, value in attachment.items() if value}


def _action(texts: NotificationTexts, action: SlackAction) -> dict[str, Any]:
    """A button."""
    parts: dict[str, Any] = {name: texts.text_or(getattr(action, name), "") for name in ("type", "text", "url", "style", "name", "value")}
    if action.confirm is not None:
        confirm = {name: texts.text_or(getattr(action.confirm, name), "") for name in ("text", "title", "ok_text", "dismiss_text")}
        parts["confirm"] = {name: value for name, value in confirm.items() if value}
    return {name: value for name, value in parts.items() if value}


def _check(reply: Reply) -> Mapping[str, Any]:
    """What Slack said as JSON; some of its refusals come with a status of success."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    if said.get("ok") is False:
        error = scrubbed(str(said.get("error", "")), ())
        raise DeliveryError(f"Slack refused: {error or 'without a reason'}", lasting=error not in PASSING_ERRORS)
    return said
