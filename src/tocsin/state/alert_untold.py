"""
What a notification takes over from those that it replaces and that were never told: nothing that happened is dropped without a word.

    Not told before, the first of 2 notifications is of 2026-11-20T02:03:11Z: CheckoutBurns fired at 2026-11-20T02:03:11Z, resolved at
    2026-11-20T02:20:00Z
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tocsin.model.instant import Instant, format_instant
from tocsin.model.notification import Notification

ALERTS_MAX = 10  # told one by one; of the others, how many
UNTOLD_MAX = 50  # notifications; beyond, those in the middle are left out
UNTOLD_FIRST = 10
SECOND_CHARACTERS = len("2026-11-20T02:03:11")


@dataclass(frozen=True, slots=True)
class UntoldAlert:
    """An alert as a notification said it."""

    fingerprint: str
    name: str
    starts_at: Instant
    ends_at: Instant | None


@dataclass(frozen=True, slots=True)
class Untold:
    """
    A notification that was replaced before it was told.

    Args:
        key: Its key.
        at: When it was decided.
        alerts: Some of its alerts.
        more: How many more there were.
    """

    key: str
    at: Instant
    alerts: tuple[UntoldAlert, ...]
    more: int


def untold_of(notification: Notification) -> Untold:
    """What is remembered of a notification that is replaced."""
    shown = tuple(
        UntoldAlert(alert.fingerprint, alert.name, alert.starts_at, alert.ends_at if alert.resolved(notification.created_at) else None)
        for alert in notification.alerts[:ALERTS_MAX]
    )
    return Untold(notification.key, notification.created_at, shown, len(notification.alerts) - len(shown) + notification.truncated)


def bounded(untold: Sequence[Untold]) -> list[Untold]:
    """Not more of them than a page can say: the first ones and the last."""
    if len(untold) <= UNTOLD_MAX:
        return list(untold)
    return [*untold[:UNTOLD_FIRST], *untold[UNTOLD_FIRST - UNTOLD_MAX :]]


def untold_to_json(untold: Sequence[Untold]) -> list[object]:
    """As lists, for JSON."""
    return [
        [each.key, each.at, [[alert.fingerprint, alert.name, alert.starts_at, alert.ends_at] for alert in each.alerts], each.more]
        for each in untold
    ]


def untold_from_json(found: Sequence[Sequence[object]]) -> list[Untold]:
    """From such lists."""
    return [Untold(key, at, tuple(UntoldAlert(*alert) for alert in alerts), more) for key, at, alerts, more in found]  # type: ignore[arg-type,attr-defined]  # as written


def with_untold(notification: Notification, untold: Sequence[Untold]) -> Notification:
    """The notification with a note that says what it replaces."""
    if not untold:
        return notification
    note = "; ".join(filter(None, [notification.note, _note(notification, untold)]))
    return replace(notification, note=note, untold=notification.untold + len(untold))


def _note(notification: Notification, untold: Sequence[Untold]) -> str:
    first = _second(min(each.at for each in untold))
    opening = f"Not told before: a notification of {first}" if len(untold) == 1 else f"Not told before: {len(untold)} since {first}"
    endings = {alert.fingerprint: alert.ends_at for alert in notification.resolved}
    firing = {alert.fingerprint for alert in notification.firing}
    stories = {alert.fingerprint: alert for each in untold for alert in each.alerts if alert.fingerprint not in firing}
    sentences = [_story(alert, endings.get(alert.fingerprint, alert.ends_at)) for alert in stories.values()]
    more = max(0, len(sentences) - ALERTS_MAX) + max(each.more for each in untold)
    listed = sentences[:ALERTS_MAX] + ([f"and {more} more"] if more else [])
    return f"{opening}: {'; '.join(listed)}" if listed else opening


def _story(alert: UntoldAlert, ends_at: Instant | None) -> str:
    began = f"{alert.name or alert.fingerprint} fired at {_second(alert.starts_at)}"
    return f"{began}, resolved at {_second(ends_at)}" if ends_at is not None else f"{began}, no longer told"


def _second(instant: Instant) -> str:
    return f"{format_instant(instant)[:SECOND_CHARACTERS]}Z"
