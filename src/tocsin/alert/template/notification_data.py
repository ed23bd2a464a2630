"""
What `.` is in a template of notifications: Alertmanager's data, and our page text beside it as `.Page`.

    {{ .Status }} {{ .CommonLabels.alertname }} {{ range .Alerts.Firing }}{{ .Labels.instance }}{{ end }} {{ .Page.Title }}

Source: Alertmanager documentation, 'Notification template reference'; forms in JSON as `amtool template render` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tocsin.alert.page.text import PageText
from tocsin.alert.template.times import RFC3339_NANO, ZERO_TIME_S, GoTime
from tocsin.alert.template.values import Function, Kind, Structure, Texts, Value
from tocsin.model.alert import ALERT_NAME, Alert
from tocsin.model.instant import NANOSECONDS
from tocsin.model.notification import Notification, NotificationReason

ZERO_TIME = GoTime(ZERO_TIME_S * NANOSECONDS)

# Alertmanager's words; reasons that it does not have are told in ours.
REASONS = {
    NotificationReason.FIRST: "first notification",
    NotificationReason.NEW_ALERTS: "new alerts added",
    NotificationReason.NEW_RESOLVED: "some alerts resolved",
    NotificationReason.ALL_RESOLVED: "all alerts resolved",
    NotificationReason.REPEAT: "repeat interval elapsed",
}


class Pair(Structure):
    """A label or an annotation: its name and its text."""

    type_name = "template.Pair"

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def members(self) -> Mapping[str, Value]:
        """`Name` and `Value`."""
        return {"Name": self.name, "Value": self.value}


class Pairs(list[Pair], Structure):
    """Pairs in order: `alertname` first, then by name."""

    type_name = "template.Pairs"

    def __str__(self) -> str:
        return ", ".join(f"{pair.name}={pair.value}" for pair in self)

    def methods(self) -> Mapping[str, Function]:
        """`Names`, `Values`, `String`."""
        return {
            "Names": Function(lambda: [pair.name for pair in self]),
            "Values": Function(lambda: [pair.value for pair in self]),
            "String": Function(self.__str__),
        }

    def json_form(self) -> Value:
        """A list of objects."""
        return [pair.members() for pair in self]


class KV(Texts):
    """Labels or annotations by name."""

    type_name = "template.KV"

    def sorted_pairs(self) -> Pairs:
        """All of them in order."""
        return Pairs(Pair(name, self[name]) for name in sorted(self, key=lambda name: (name != ALERT_NAME, name)))

    def without(self, names: Iterable[str]) -> KV:
        """All but these."""
        unwanted = frozenset(names)
        return KV({name: value for name, value in self.items() if name not in unwanted})

    def methods(self) -> Mapping[str, Function]:
        """`SortedPairs`, `Remove`, `Names`, `Values`, `String`."""
        pairs = self.sorted_pairs
        return {
            "SortedPairs": Function(pairs),
            "Remove": Function(self.without, (Kind.TEXTS,)),
            "Names": Function(lambda: [pair.name for pair in pairs()]),
            "Values": Function(lambda: [pair.value for pair in pairs()]),
            "String": Function(lambda: str(pairs())),
        }

    def json_form(self) -> Value:
        """An object, by name."""
        return dict(sorted(self.items()))


class AlertData(Structure):
    """
    One alert.

    Args:
        alert: It.
        resolved: Whether it had ended.
    """

    type_name = "template.Alert"

    def __init__(self, alert: Alert, *, resolved: bool) -> None:
        self.resolved = resolved
        ended = GoTime(alert.ends_at) if resolved and alert.ends_at is not None else ZERO_TIME
        self._members: Mapping[str, Value] = {
            "Status": "resolved" if resolved else "firing",
            "Labels": KV(dict(alert.labels)),
            "Annotations": KV(alert.annotations),
            "StartsAt": GoTime(alert.starts_at),
            "EndsAt": ended,
            "GeneratorURL": alert.generator_url,
            "Fingerprint": alert.fingerprint,
        }

    def members(self) -> Mapping[str, Value]:
        """Status, labels, annotations, times, link and fingerprint."""
        return self._members

    def json_form(self) -> Value:
        """As in the webhook's payload."""
        named = self._members
        return {
            "status": named["Status"],
            "labels": named["Labels"],
            "annotations": named["Annotations"],
            "startsAt": named["StartsAt"].format(RFC3339_NANO),
            "endsAt": named["EndsAt"].format(RFC3339_NANO),
            "generatorURL": named["GeneratorURL"],
            "fingerprint": named["Fingerprint"],
        }


class AlertList(list[AlertData], Structure):
    """Alerts, the firing ones first."""

    type_name = "template.Alerts"

    def methods(self) -> Mapping[str, Function]:
        """`Firing` and `Resolved`."""
        return {
            "Firing": Function(lambda: AlertList(alert for alert in self if not alert.resolved)),
            "Resolved": Function(lambda: AlertList(alert for alert in self if alert.resolved)),
        }

    def json_form(self) -> Value:
        """A list of objects."""
        return list(self)


class LinkData(Structure):
    """Where to look."""

    type_name = "page.Link"

    def __init__(self, kind: str, label: str, url: str) -> None:
        self._members = {"Kind": kind, "Label": label, "URL": url}

    def members(self) -> Mapping[str, Value]:
        """`Kind`, `Label`, and `URL`, which may be empty."""
        return self._members


class PageData(Structure):
    """
    The text of a page.

    Args:
        page: It.
    """

    type_name = "page.Page"

    def __init__(self, page: PageText) -> None:
        self._members = {
            "Title": page.title,
            "Lines": list(page.lines),
            "Alerts": list(page.alerts),
            "Links": [LinkData(link.kind, link.label, link.url) for link in page.links],
            "Severity": page.severity,
            "Body": page.body,
        }

    def members(self) -> Mapping[str, Value]:
        """`Title`, `Lines`, `Alerts`, `Links`, `Severity`, and `Body`, which is all but the title as text."""
        return self._members


class NotificationData(Structure):
    """
    What a channel tells.

    Args:
        notification: What is told.
        page: Its text.
        external_url: Where people reach this server.
        alerts_max: At most so many alerts, 0 for all.
    """

    type_name = "template.Data"

    def __init__(self, notification: Notification, page: PageText, external_url: str = "", *, alerts_max: int = 0) -> None:
        ordered = [AlertData(alert, resolved=False) for alert in notification.firing]
        ordered += [AlertData(alert, resolved=True) for alert in notification.resolved]
        self.truncated = notification.truncated + (max(0, len(ordered) - alerts_max) if alerts_max else 0)
        self._members = {
            "Receiver": notification.receiver,
            "Status": notification.status,
            "Alerts": AlertList(ordered[:alerts_max] if alerts_max else ordered),
            "NotificationReason": REASONS.get(notification.reason, notification.reason.value.replace("_", " ")),
            "GroupLabels": KV(dict(notification.group_labels)),
            "CommonLabels": KV(dict(notification.common_labels)),
            "CommonAnnotations": KV(notification.common_annotations),
            "ExternalURL": external_url,
            "Page": PageData(page),
        }

    def members(self) -> Mapping[str, Value]:
        """Alertmanager's fields, and `Page`."""
        return self._members

    def json_form(self) -> Value:
        """As the webhook's payload begins."""
        named = self._members
        return {
            "receiver": named["Receiver"],
            "status": named["Status"],
            "alerts": named["Alerts"],
            "notification_reason": named["NotificationReason"],
            "groupLabels": named["GroupLabels"],
            "commonLabels": named["CommonLabels"],
            "commonAnnotations": named["CommonAnnotations"],
            "externalURL": named["ExternalURL"],
        }
