"""
PagerDuty: Events API v2, or the older one where a service key is configured.

The key by which PagerDuty tells events of one incident apart is a hash of the group's key, so that a resolve finds its trigger. PagerDuty
drops a resolve that finds none: a group that fired and ended before anybody could be told is triggered first, so that people hear of it.
Source: PagerDuty developer documentation, 'Events API v2', 'Events API v1'.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tocsin.alert.notify.filling import Filling, needed
from tocsin.alert.notify.http_sending import HttpSender, json_bytes
from tocsin.alert.notify.webhook import answer_text
from tocsin.alert.page.text import PageText, clean, one_line
from tocsin.alert.page.writing import is_web
from tocsin.alert.routing.receivers import PagerdutyConfig
from tocsin.alert.template.notification_texts import NotificationTexts
from tocsin.errors import DeliveryError
from tocsin.model.instant import format_instant
from tocsin.model.notification import Notification, NotificationReason

SUMMARY_CHARS_MAX = 1_024
BODY_BYTES_MAX = 512_000
LINKS_MAX = 20
SEVERITIES = frozenset({"critical", "error", "warning", "info"})
V1_URL = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
V2_URL = "https://events.pagerduty.com/v2/enqueue"


class PagerdutyChannel:
    """
    Triggers and resolves incidents.

    Args:
        name: `pagerduty/0`.
        config: Keys and texts.
        filling: Fills in texts.
        timeout_s: Longest time for one request where the configuration says none, seconds.
    """

    def __init__(self, name: str, config: PagerdutyConfig, filling: Filling, timeout_s: float) -> None:
        self.name = name
        self.send_resolved = config.send_resolved
        self._config = config
        self._filling = filling
        self._http = HttpSender(
            config.http_config,
            timeout_s=config.timeout_s or timeout_s,
            clock=filling.clock,
            secrets=[config.routing_key, config.service_key],
        )

    def send(self, notification: Notification, page: PageText) -> str:
        """Send the event, or a trigger and the resolve of what nobody was told; returns what PagerDuty answered, to the last."""
        texts = self._filling.of(notification, page)
        if self._config.routing_key is not None:
            url, key, event_of = self._config.url, self._config.routing_key, self._event
        elif self._config.service_key is not None:
            url = V1_URL if self._config.url == V2_URL else self._config.url
            key, event_of = self._config.service_key, self._old_event
        else:
            raise DeliveryError("neither routing_key nor service_key is configured", lasting=True)
        answer = ""
        for action in actions_of(notification):
            event = event_of(notification, page, texts, key.get_secret_value(), action)
            answer = answer_text(self._http.post(url, content=_bounded(event)), [])
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def _event(self, notification: Notification, page: PageText, texts: NotificationTexts, key: str, action: str) -> dict[str, Any]:
        config = self._config
        routing_key = needed(texts, "routing_key", key).strip()
        event: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(notification)}
        if action == "acknowledge":
            return event
        severity = texts.text_or(config.severity, "error").strip().lower()
        payload = {
            "summary": self._summary(notification, page, texts, action),
            "source": one_line(texts.text_or(config.source, "Tocsin"), SUMMARY_CHARS_MAX) or "Tocsin",
            "severity": severity if severity in SEVERITIES else "error",
            "timestamp": format_instant(min((alert.starts_at for alert in notification.alerts), default=notification.created_at)),
            "class": one_line(texts.text_or(config.class_, "")),
            "component": one_line(texts.text_or(config.component, "")),
            "group": one_line(texts.text_or(config.group, "")),
            "custom_details": {"page": page.body, **{name: _detail(texts, value) for name, value in config.details.items()}},
        }
        images = [{name: texts.text_or(getattr(one, name), "") for name in ("src", "alt", "href")} for one in config.images]
        links = [{"href": texts.text_or(one.href, ""), "text": texts.text_or(one.text, "")} for one in config.links]
        links += [{"href": link.url, "text": link.label} for link in page.links if link.url]
        event |= {
            "payload": {name: value for name, value in payload.items() if value},
            "client": one_line(texts.text_or(config.client, "Tocsin")),
            "client_url": texts.text_or(config.client_url, ""),
            "images": [image for image in images if is_web(image["src"])],
            "links": [link for link in links if is_web(link["href"])][:LINKS_MAX],
        }
        return {name: value for name, value in event.items() if value}

    def _old_event(self, notification: Notification, page: PageText, texts: NotificationTexts, key: str, action: str) -> dict[str, Any]:
        event = {
            "service_key": needed(texts, "service_key", key).strip(),
            "event_type": action,
            "incident_key": dedup_key(notification),
            "description": self._summary(notification, page, texts, action),
            "client": one_line(texts.text_or(self._config.client, "Tocsin")),
            "client_url": texts.text_or(self._config.client_url, ""),
            "details": {name: _detail(texts, value) for name, value in self._config.details.items()},
        }
        return {name: value for name, value in event.items() if value}

    def _summary(self, notification: Notification, page: PageText, texts: NotificationTexts, action: str) -> str:
        """What the incident is called; where it is triggered for something that is over, with what had happened."""
        called = one_line(texts.text_or(self._config.description, page.title), SUMMARY_CHARS_MAX) or page.title
        over = action == "trigger" and not notification.firing
        return one_line(f"{called}. {notification.note}", SUMMARY_CHARS_MAX) if over else called


def dedup_key(notification: Notification) -> str:
    """By what PagerDuty finds the incident of a group: 64 hexadecimal digits."""
    return hashlib.sha256(notification.group_key.encode("utf-8", "replace")).hexdigest()


def actions_of(notification: Notification) -> tuple[str, ...]:
    """What is to be done with the incident, in order: `trigger`, `acknowledge`, `resolve`, or the first and the last."""
    if notification.reason is NotificationReason.ACKNOWLEDGED:
        return ("acknowledge",)
    if notification.firing:
        return ("trigger",)
    return ("trigger", "resolve") if notification.untold else ("resolve",)


def _detail(texts: NotificationTexts, value: Any) -> Any:
    """A fact, filled in; texts that are JSON become what they say, as Alertmanager sends them."""
    if isinstance(value, str):
        filled = texts.text_or(value, "can't be filled in: too long, or a mistake in its template")
        try:
            parsed = json.loads(filled)
        except (ValueError, RecursionError):
            return clean(filled, BODY_BYTES_MAX)
        return parsed if isinstance(parsed, dict | list) or str(parsed) == filled else clean(filled, BODY_BYTES_MAX)
    if isinstance(value, dict):
        return {str(name): _detail(texts, one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_detail(texts, one) for one in value]
    return value


def _bounded(event: dict[str, Any]) -> bytes:
    """An event that PagerDuty takes: where it is too large, without its details."""
    body = json_bytes(event)
    if len(body) <= BODY_BYTES_MAX:
        return body
    short = dict(event)
    why = {"left_out": f"the details, because the event had {len(body):,} bytes, and at most {BODY_BYTES_MAX:,} are taken"}
    if "payload" in short:
        short["payload"] = {**short["payload"], "custom_details": why}
    else:
        short["details"] = why
    return json_bytes(short)
