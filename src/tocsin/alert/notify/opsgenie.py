"""
Opsgenie: an alert that is created, noted and closed under an alias, a hash of the group's key.

An alias that no alert has is not closed: a group that fired and ended before anybody could be told is created first, so that people hear
of it.
Source: Opsgenie documentation, 'Alert API'. Its maker ends the service on 2027-04-05.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from tocsin.alert.notify.filling import Filling, needed
from tocsin.alert.notify.http_sending import HttpSender
from tocsin.alert.notify.pagerduty import dedup_key
from tocsin.alert.notify.webhook import answer_text
from tocsin.alert.page.text import PageText, clean, one_line
from tocsin.alert.routing.receivers import OpsgenieConfig
from tocsin.alert.template.notification_texts import NotificationTexts
from tocsin.model.notification import Notification

MESSAGE_CHARS_MAX = 130
DESCRIPTION_CHARS_MAX = 15_000
DETAIL_CHARS_MAX = 8_000
NOTE_CHARS_MAX = 25_000
PRIORITIES = frozenset({"P1", "P2", "P3", "P4", "P5"})


class OpsgenieChannel:
    """
    Creates and closes alerts.

    Args:
        name: `opsgenie/0`.
        config: Key and texts.
        filling: Fills in texts.
        timeout_s: Longest time for one request, seconds.
    """

    def __init__(self, name: str, config: OpsgenieConfig, filling: Filling, timeout_s: float) -> None:
        self.name = name
        self.send_resolved = config.send_resolved
        self._config = config
        self._filling = filling
        self._http = HttpSender(config.http_config, timeout_s=timeout_s, clock=filling.clock, secrets=[config.api_key])

    def send(self, notification: Notification, page: PageText) -> str:
        """Create, close when nothing fires any more, or both where nobody was told; returns what Opsgenie answered, to the last."""
        texts = self._filling.of(notification, page)
        base = needed(texts, "api_url", self._config.api_url)
        base = base if base.endswith("/") else f"{base}/"
        key = needed(texts, "api_key", self._config.api_key.get_secret_value())
        headers, alias, answer = {"Authorization": f"GenieKey {key}"}, dedup_key(notification), ""
        if notification.firing or notification.untold:
            alert = self._alert(notification, texts, page)
            answer = answer_text(self._http.post(urljoin(base, "v2/alerts"), alert, headers=headers), [key])
            for part in ("message", "description") if self._config.update_alerts else ():
                path = f"v2/alerts/{alias}/{part}?identifierType=alias"
                self._http.post(urljoin(base, path), {part: alert.get(part, "")}, headers=headers, method="PUT")
        if not notification.firing:
            closed = {"source": self._source(texts), "note": one_line(page.title, NOTE_CHARS_MAX)}
            reply = self._http.post(urljoin(base, f"v2/alerts/{alias}/close?identifierType=alias"), closed, headers=headers)
            answer = answer_text(reply, [key])
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def _source(self, texts: NotificationTexts) -> str:
        return one_line(texts.text_or(self._config.source, "Tocsin"), 100)

    def _alert(self, notification: Notification, texts: NotificationTexts, page: PageText) -> dict[str, Any]:
        config = self._config
        happened = f"{notification.note}\n" if not notification.firing else ""  # the page's title says only that it is over
        details = {name: texts.text_or(value, "") for name, value in config.details.items()}
        labels = texts.data.members()["CommonLabels"]
        priority = texts.text_or(config.priority, "").strip() or page.severity
        alert = {
            "alias": dedup_key(notification),
            "message": one_line(texts.text_or(config.message, page.title), MESSAGE_CHARS_MAX) or "Alert",
            "description": clean(happened + texts.text_or(config.description, page.body), DESCRIPTION_CHARS_MAX),
            "details": {name: clean(value, DETAIL_CHARS_MAX) for name, value in {**labels, **details}.items()},
            "source": self._source(texts),
            "responders": [entry for one in config.responders if (entry := _responder(texts, one.type, one.id, one.name, one.username))],
            "tags": _words(texts.text_or(config.tags, "")),
            "note": clean(texts.text_or(config.note, ""), NOTE_CHARS_MAX),
            "priority": priority if priority in PRIORITIES else "",
            "entity": one_line(texts.text_or(config.entity, ""), 512),
            "actions": _words(texts.text_or(config.actions, "")),
        }
        return {name: value for name, value in alert.items() if value}


def _responder(texts: NotificationTexts, kind: str, identity: str, name: str, username: str) -> dict[str, str]:
    """Who answers; empty when its texts come out empty."""
    parts = {"id": identity, "name": name, "username": username}
    filled = {key: found for key, value in parts.items() if (found := texts.text_or(value, "").strip())}
    return {"type": texts.text_or(kind, "").strip(), **filled} if filled else {}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
