"""
Hands alerts on to an Alertmanager, as Prometheus does.

A firing alert is sent with an end that lies ahead, so that it ends there by itself when nobody says it again.
Source: Alertmanager's OpenAPI description, POST /api/v2/alerts; Prometheus' documentation, 'Sending alerts'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.notify.http_sending import USER_AGENT, host_of, json_bytes, url_secrets
from tocsin.errors import DeliveryError
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, Instant, format_instant

PATH = "/api/v2/alerts"


def post_alerts(client: httpx.Client, url: str, alerts: Sequence[Alert], now: Instant, ends_after_s: float) -> str:
    """
    Hand alerts on.

    Args:
        client: Follows no redirects, has a timeout.
        url: Of the Alertmanager, with or without the path of its API.
        alerts: Firing and ended ones.
        now: The present.
        ends_after_s: After so many seconds a firing alert ends there unless it is said again.

    Returns:
        The status.

    Raises:
        DeliveryError: It did not take them; lasting when it never will.
    """
    address = url.rstrip("/")
    address = address if address.endswith(PATH) else address + PATH
    where, secrets = host_of(address), url_secrets(url)
    body = json_bytes([posted(alert, now, ends_after_s) for alert in alerts])
    try:
        response = client.post(address, content=body, headers={"Content-Type": "application/json", "User-Agent": USER_AGENT})
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise DeliveryError(f"{where} can't be reached: {scrubbed(str(error) or type(error).__name__, secrets)}") from None
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if response.is_success:
        return status
    said = scrubbed(response.text[:2000], secrets)
    passing = response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS
    raise DeliveryError(f"{where} answered {status}: {said}", lasting=not passing)


def posted(alert: Alert, now: Instant, ends_after_s: float) -> dict[str, Any]:
    """An alert as the API takes it."""
    ends_at = alert.ends_at if alert.ends_at is not None and alert.ends_at <= now else now + round(ends_after_s * NANOSECONDS)
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": format_instant(alert.starts_at),
        "endsAt": format_instant(ends_at),
        "generatorURL": alert.generator_url,
    }
