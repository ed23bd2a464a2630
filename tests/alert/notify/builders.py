"""A notification, its page, a clock, and a channel for tests of channels."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.alert.notify.building import build_channels
from tocsin.alert.notify.channel import Channel
from tocsin.alert.page.text import PageLink, PageText
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason

NOW = parse_instant("2026-11-20T02:07:00Z")
GROUP_KEY = '{}:{alertname="Burns"}'
PAGE = PageText(
    "P1: checkout burns 33x too fast",
    ("At this rate the budget is gone in 21 h.", "Since 02:03 UTC (4 min)."),
    ("instance=a", "instance=b"),
    (PageLink("runbook", "Runbook", "https://runs/checkout?a=1&b=2"), PageLink("dashboard", "Dashboard: board 7")),
    "P1",
)


class StillClock:
    """A clock that a test moves."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now
        self.seconds = 0.0

    def now_ns(self) -> int:
        """The instant that was set."""
        return self.now

    def monotonic_s(self) -> float:
        """Seconds that were set."""
        return self.seconds


def alert(instance: str = "a", *, ended: bool = False, annotations: Mapping[str, str] | None = None) -> Alert:
    """An alert that fires since 02:03, or ended at 02:06."""
    return Alert(
        Labels({"alertname": "Burns", "instance": instance, "service": "checkout", "severity": "page"}),
        annotations if annotations is not None else {"summary": f"{instance} burns", "runbook_url": "https://runs/checkout"},
        starts_at=NOW - 240 * NANOSECONDS,
        ends_at=NOW - 60 * NANOSECONDS if ended else None,
        generator_url="https://tocsin/rules?x=1",
    )


def notification(*alerts: Alert, reason: NotificationReason = NotificationReason.FIRST, truncated: int = 0) -> Notification:
    """What a channel is told."""
    return Notification(
        key="key-1",
        group_key=GROUP_KEY,
        receiver="team",
        channel="webhook/0",
        reason=reason,
        created_at=NOW,
        group_labels=Labels({"alertname": "Burns"}),
        alerts=alerts or (alert(),),
        truncated=truncated,
    )


def channel(receiver: Receiver, *, clock: StillClock | None = None, files: Mapping[str, str] | None = None) -> Channel:
    """The only channel of a receiver."""
    templates = NotificationTemplates.read(files, "https://ops.example")
    [built] = build_channels(receiver, templates, clock=clock or StillClock(), timeout_s=5.0)
    return built
