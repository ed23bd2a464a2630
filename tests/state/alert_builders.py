"""Alerts, silences and notifications to keep, with what a test does not care about filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.state.builders import MINUTE, NOW

from tocsin.model.alert import Alert, AlertEvent, AlertEventKind, Silence
from tocsin.model.labels import Labels
from tocsin.model.notification import Attempt, Notification, NotificationReason
from tocsin.model.series import Matcher, MatchOperator


def alert(name: str = "CheckoutBurns", **given: Any) -> Alert:
    """An alert of a rule that fires since NOW."""
    labels = Labels({"alertname": name, "service": "checkout", "severity": "page"})
    start = Alert(labels, {"summary": "it burns"}, NOW, None, NOW, "http://here/", 14.5, "rule", "slo/burn")
    return replace(start, **given)


def event(**given: Any) -> AlertEvent:
    """The beginning of that alert."""
    start = alert()
    return replace(AlertEvent(NOW, AlertEventKind.FIRED, start.fingerprint, start.labels, start.annotations, 14.5), **given)


def notification(key: str = "n1", **given: Any) -> Notification:
    """The first word about that alert to the first Slack channel of a team."""
    start = Notification(
        key, '{}:{service="checkout"}', "team-x", "slack/0", NotificationReason.FIRST, NOW, Labels({"service": "checkout"}), (alert(),)
    )
    return replace(start, **given)


def attempt(key: str = "n1", **given: Any) -> Attempt:
    """An attempt that failed."""
    return replace(Attempt(key, 0, NOW, 0.25, "failed", "connection refused"), **given)


def silence(**given: Any) -> Silence:
    """Ten minutes of quiet about checkout."""
    matchers = (Matcher("service", MatchOperator.EQUAL, "checkout"), Matcher("alertname", MatchOperator.NOT_REGEX, "Watchdog.*"))
    return replace(Silence("s1", matchers, NOW, NOW + 10 * MINUTE, "ada", "planned upgrade", NOW), **given)
