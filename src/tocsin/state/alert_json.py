"""
Alerts, silences and notifications as JSON texts and back, exactly: what is read equals what was written.

JSON escapes every character that a database would not keep (a zero byte, half a surrogate pair), so any label can be stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.model.alert import Alert
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.series import Matcher, MatchOperator

_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def storable(value: str) -> str:
    """A text for a column by which rows are found: what no database keeps is written as its number, as `x00` behind a backslash."""
    return _UNKEPT.sub(lambda found: f"\\x{ord(found[0]):02x}", value)


def json_text(value: Any) -> str:
    """Compact JSON of ASCII characters."""
    return _ENCODER.encode(value)


def texts_of(text: str) -> dict[str, str]:
    """A mapping of texts to texts, as annotations."""
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def labels_text(labels: Labels) -> str:
    """Labels as a JSON object."""
    return json_text(dict(labels))


def labels_of(text: str) -> Labels:
    """Labels from a JSON object."""
    return Labels(texts_of(text))


def value_text(value: float | None) -> str | None:
    """A number as a text that gives the same number again, also where it is none."""
    return None if value is None else repr(float(value))


def value_of(text: str | None) -> float | None:
    """A number from such a text."""
    return None if text is None else float(text)


def matchers_text(matchers: Sequence[Matcher]) -> str:
    """Matchers as a JSON list of [name, operator, value]."""
    return json_text([[matcher.name, matcher.operator.value, matcher.value] for matcher in matchers])


def matchers_of(text: str) -> tuple[Matcher, ...]:
    """Matchers from such a list."""
    return tuple(Matcher(name, MatchOperator(operator), value) for name, operator, value in json.loads(text))


def content_text(notification: Notification) -> str:
    """A notification as JSON."""
    return json_text(
        {
            "key": notification.key,
            "group_key": notification.group_key,
            "receiver": notification.receiver,
            "channel": notification.channel,
            "reason": notification.reason.value,
            "created_at": notification.created_at,
            "group_labels": dict(notification.group_labels),
            "alerts": [_alert_object(alert) for alert in notification.alerts],
            "truncated": notification.truncated,
            "quiet": dict(notification.quiet),
            "note": notification.note,
            "untold": notification.untold,
        }
    )


def content_of(text: str) -> Notification:
    """A notification from its JSON."""
    found = json.loads(text)
    found["reason"] = NotificationReason(found["reason"])
    found["group_labels"] = Labels(found["group_labels"])
    found["alerts"] = tuple(_alert_of(each) for each in found["alerts"])
    return Notification(**found)


def _alert_object(alert: Alert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "updated_at": alert.updated_at,
        "generator_url": alert.generator_url,
        "value": value_text(alert.value),
        "source": alert.source,
        "rule": alert.rule,
    }


def _alert_of(found: Mapping[str, Any]) -> Alert:
    return Alert(**{**found, "labels": Labels(found["labels"]), "value": value_of(found["value"])})
