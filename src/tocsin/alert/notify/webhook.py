"""
Webhooks: Alertmanager's JSON, version 4, by POST.

    {"receiver": ..., "status": "firing", "alerts": [...], ..., "version": "4", "groupKey": ..., "truncatedAlerts": 0}

Beside it come `notification_key`, the same however often it is sent, also as the header `Idempotency-Key`, and `page`, the text.
Source: Alertmanager documentation, 'Configuration', webhook_config.
"""

from __future__ import annotations

from typing import Any

from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.notify.filling import Filling, filled_tree, needed
from tocsin.alert.notify.http_sending import HttpSender, Reply, url_secrets
from tocsin.alert.page.text import PageText
from tocsin.alert.routing.receivers import WebhookConfig
from tocsin.alert.template.go_json import json_value
from tocsin.alert.template.notification_data import NotificationData
from tocsin.model.notification import Notification

IDEMPOTENCY_HEADER = "Idempotency-Key"


class WebhookChannel:
    """
    Posts to an address.

    Args:
        name: `webhook/0`.
        config: Where to.
        filling: Fills in texts.
        timeout_s: Longest time for one request where the configuration says none, seconds.
    """

    def __init__(self, name: str, config: WebhookConfig, filling: Filling, timeout_s: float) -> None:
        self.name = name
        self.send_resolved = config.send_resolved
        self._config = config
        self._filling = filling
        self._http = HttpSender(config.http_config, timeout_s=config.timeout_s or timeout_s, clock=filling.clock, secrets=[config.url])

    def send(self, notification: Notification, page: PageText) -> str:
        """Post it; returns the status and the beginning of the answer."""
        texts = self._filling.of(notification, page, alerts_max=self._config.max_alerts)
        url = needed(texts, "url", self._config.url.get_secret_value())
        if self._config.payload is not None:
            body = filled_tree(texts, self._config.payload)
        else:
            body = webhook_payload(notification, texts.data, page)
        reply = self._http.post(url, body, headers={IDEMPOTENCY_HEADER: notification.key})
        return answer_text(reply, url_secrets(url))

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()


def webhook_payload(notification: Notification, data: NotificationData, page: PageText) -> dict[str, Any]:
    """The body of a webhook."""
    return {
        **json_value(data),
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": data.truncated,
        "notification_key": notification.key,
        "page": {
            "title": page.title,
            "lines": list(page.lines),
            "alerts": list(page.alerts),
            "links": [{"kind": link.kind, "label": link.label, "url": link.url} for link in page.links],
            "severity": page.severity,
        },
    }


def answer_text(reply: Reply, secrets: list[str]) -> str:
    """A status and what was said with it, short and without secrets."""
    said = scrubbed(reply.body, secrets)
    return f"{reply.status}: {said}"[:200] if said else reply.status
