"""
The desk of alerts: questions about alerts, silences and notifications, and orders. The one door of this room for `api/` and `app/`.

    alerts.alerts(AlertFilter(active=True))                   what is wrong now
    alerts.silences.put(SilenceDraft(...))                    nobody shall be told for a while
    alerts.notifications(group_key=...)                       who was told what, with every attempt
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tocsin.alert.desk_records import (
    AlertFilter,
    AlertingStatus,
    AlertView,
    NotificationView,
    PostAnswer,
    PostedAlert,
    ReceiverView,
)
from tocsin.alert.dispatch.state import GroupView
from tocsin.alert.posting import read_posted
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.alert.rules.outcome import GroupStatus
from tocsin.alert.silencing import Silencing
from tocsin.clock import Clock, Entropy
from tocsin.errors import NotFound
from tocsin.model.alert import ALERT_NAME, Alert, AlertEvent, AlertStatus, Quiet
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import DeliveryState, Notification, NotificationReason
from tocsin.model.pattern import Pattern, compile_pattern
from tocsin.model.spelling import did_you_mean
from tocsin.state.alerting import Alerting

KEY_BYTES = 16
LIMIT = 100


class Pipelining(Protocol):
    """The pipeline, as far as the desk asks it; see `alert.pipeline.pipeline.Pipeline`."""

    def accept(self, alerts: Sequence[Alert], at: Instant) -> None:
        """Take alerts."""
        ...

    def silences_changed(self) -> None:
        """Read silences again."""
        ...

    def alerts(self) -> list[Alert]:
        """Every alert."""
        ...

    def groups(self) -> list[GroupView]:
        """Every group."""
        ...

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert."""
        ...

    def status(self, fingerprint: str) -> AlertStatus:
        """What becomes of it."""
        ...

    @property
    def written_at(self) -> Instant | None:
        """When everything was last on the disk."""
        ...


class AlertDesk:
    """
    Questions and orders about alerts, silences and notifications. Safe to use from several threads.

    Args:
        pipeline: What there is now.
        alerting: What was.
        config: The configuration in force.
        channels_of: Channels of a receiver.
        clock: The present.
        entropy: For ids.
        rule_groups: How every group of rules stands.
        announce: Called after notifications were put into the outbox.
        resolve_timeout_s: After so long a posted alert has ended that is said no more; None: as the configuration says.

    Attributes:
        silences: Enters, changes, ends and lists silences.
    """

    def __init__(
        self,
        pipeline: Pipelining,
        alerting: Alerting,
        *,
        config: Callable[[], AlertingConfig],
        channels_of: Callable[[str], Sequence[ChannelInfo]],
        clock: Clock,
        entropy: Entropy,
        rule_groups: Callable[[], Sequence[GroupStatus]] = tuple,
        announce: Callable[[], None] | None = None,
        resolve_timeout_s: float | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._alerting = alerting
        self._config = config
        self._channels_of = channels_of
        self._clock = clock
        self._entropy = entropy
        self._rule_groups = rule_groups
        self._announce = announce
        self._resolve_timeout_s = resolve_timeout_s
        self._started_at = clock.now_ns()
        self.silences = Silencing(alerting.silences, pipeline.alerts, pipeline.silences_changed, clock=clock, entropy=entropy)

    def alerts(self, wanted: AlertFilter | None = None) -> list[AlertView]:
        """Alerts that fire, each once, by their labels."""
        views: dict[str, AlertView] = {}
        for group in self.groups(wanted):
            views |= {alert.fingerprint: AlertView(alert, status) for alert, status in group.alerts}
        return sorted(views.values(), key=lambda view: view.alert.labels)

    def alert(self, fingerprint: str) -> AlertView:
        """
        One alert, also one that has ended and is not yet over.

        Raises:
            NotFound: There is none with this fingerprint now.
        """
        found = self._pipeline.alert(fingerprint)
        if found is None:
            raise NotFound(f"there is no alert with the fingerprint {fingerprint[:40]!r} now; its history may know it")
        return AlertView(found, self._pipeline.status(fingerprint))

    def groups(self, wanted: AlertFilter | None = None) -> list[GroupView]:
        """Groups with those of their alerts that fire and are asked for; groups without any are left out. By receiver and key."""
        wanted = wanted or AlertFilter()
        now = self._clock.now_ns()
        receiver = compile_pattern(wanted.receiver) if wanted.receiver else None
        found = []
        for group in self._pipeline.groups():
            alerts = tuple(pair for pair in group.alerts if not pair[0].resolved(now) and _is_wanted(wanted, *pair, receiver))
            if alerts and (receiver is None or receiver.fullmatch(group.state.receiver)):
                found.append(GroupView(group.state, alerts))
        return sorted(found, key=lambda group: (group.state.receiver, group.state.group_key))

    def post(self, alerts: Sequence[PostedAlert]) -> PostAnswer:
        """
        Take alerts that others say. Those that make sense are taken whatever is wrong with the others, and are on the disk afterwards.

        Raises:
            StoreError: Nothing could be written; say them again.
        """
        now = self._clock.now_ns()
        read, refused = read_posted(alerts, now, self._resolve_timeout_s or self._config().resolve_timeout_s)
        if not read:
            return PostAnswer(0, refused)
        self._pipeline.accept(read, now)
        left_out = [alert for alert in read if not alert.resolved(now) and self._pipeline.alert(alert.fingerprint) is None]
        too_many = [f"alert {alert.labels!r}: as many alerts as alert.alerts_max are kept already" for alert in left_out]
        return PostAnswer(len(read) - len(left_out), (*refused, *too_many))

    def notifications(
        self,
        *,
        group_key: str | None = None,
        state: DeliveryState | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        limit: int = LIMIT,
    ) -> list[NotificationView]:
        """Notifications that were decided in [start, end), the newest first, with every attempt to deliver them."""
        entries = self._alerting.outbox.entries(group_key=group_key, state=state, start=start, end=end, limit=limit)
        attempts = self._alerting.outbox.attempts([entry.notification.key for entry in entries])
        return [NotificationView(entry, attempts.get(entry.notification.key, ())) for entry in entries]

    def notification(self, key: str) -> NotificationView:
        """
        One notification with its attempts.

        Raises:
            NotFound: There is none with this key.
        """
        entry = self._alerting.outbox.entry(key)
        if entry is None:
            raise NotFound(f"there is no notification with the key {key[:80]!r}; it may have expired")
        return NotificationView(entry, self._alerting.outbox.attempts([key]).get(entry.notification.key, ()))

    def events(
        self, start: Instant | None = None, end: Instant | None = None, *, fingerprint: str | None = None, limit: int = LIMIT
    ) -> list[AlertEvent]:
        """The last beginnings and ends of alerts in [start, end), oldest first."""
        return list(self._alerting.events(start, end, fingerprint=fingerprint, limit=limit))

    def rule_groups(self) -> Sequence[GroupStatus]:
        """How every group of rules stands."""
        return self._rule_groups()

    def receivers(self) -> list[ReceiverView]:
        """Everybody whom the configuration names, in its order."""
        known = self._config().receivers
        return [ReceiverView(name, tuple(self._channels_of(name)), receiver.labels) for name, receiver in known.items()]

    def status(self) -> AlertingStatus:
        """How alerting stands."""
        config = self._config()
        groups = self._pipeline.groups()
        return AlertingStatus(
            started_at=self._started_at,
            config=config.original,
            remarks=config.remarks,
            alerts=len({alert.fingerprint for group in groups for alert, _ in group.alerts}),
            groups=len(groups),
            outbox=self._alerting.outbox.count(),
            written_at=self._pipeline.written_at,
        )

    def test_notification(self, receiver: str, author: str = "") -> list[str]:
        """
        Tell every channel of a receiver that this is a test; returns the notifications' keys, which say later what came of it.

        Raises:
            NotFound: There is no such receiver, or it has no channel.
        """
        known = self._config().receivers
        if receiver not in known:
            raise NotFound(f"there is no receiver {receiver[:80]!r}{did_you_mean(receiver, known)}")
        channels = self._channels_of(receiver)
        if not channels:
            raise NotFound(f"the receiver {receiver!r} has no channel by which it could be told; give it an integration")
        made = [self._test(receiver, channel.name, author) for channel in channels]
        self._alerting.enqueue(made)
        if self._announce is not None:
            self._announce()
        return [each.key for each in made]

    def _test(self, receiver: str, channel: str, author: str) -> Notification:
        now = self._clock.now_ns()
        key = self._entropy.token_hex(KEY_BYTES)
        labels = Labels({ALERT_NAME: "TocsinTest", "severity": "none"})
        summary = f"This is a test{f' that {author} asked for' if author else ''}; nothing is wrong."
        alert = Alert(labels, {"summary": summary}, now, None, now)
        return Notification(key, f"test:{key}", receiver, channel, NotificationReason.TEST, now, labels.keep([ALERT_NAME]), (alert,))


def _is_wanted(wanted: AlertFilter, alert: Alert, status: AlertStatus, receiver: Pattern | None) -> bool:
    if not all(matcher.matches(alert.labels.get(matcher.name)) for matcher in wanted.matchers):
        return False
    if receiver is not None and not any(receiver.fullmatch(name) for name in status.receivers):
        return False
    if (status.silenced_by and not wanted.silenced) or (status.inhibited_by and not wanted.inhibited):
        return False
    if status.quiet is Quiet.MUTED and not wanted.muted:
        return False
    return wanted.active or status.quiet is not None
