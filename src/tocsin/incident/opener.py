"""
Pages become incidents: this follows the outbox of notifications and never loses its place.

    notification 41   page, checkout, group {alertname="CheckoutBurns"}      opens INC-7
    notification 42   the same group on another channel                     nothing new
    notification 43   page, checkout, group {alertname="CheckoutSlow"}       joins INC-7: same service
    notification 44   group {alertname="CheckoutBurns"}, resolved            INC-7's alert has ended

The incident's row and the place in the outbox move in one transaction: killed anywhere, it opens what was to be opened, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from tocsin.incident.lifecycle import Paged, first_of, opened_by_page, told_again
from tocsin.incident.signature import signature_of
from tocsin.model.alert import SEVERITY, Alert
from tocsin.model.incident import Incident
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.severity import level_of
from tocsin.state.alert_json import storable
from tocsin.state.incidents import Change, Incidents

CURSOR = "incidents"
BATCH = 100
SERVICE = "service"
logger = logging.getLogger(__name__)

Acknowledgement: TypeAlias = Callable[[str], "tuple[str, Instant] | None"]


class Numbered(Protocol):
    """A notification with its place in the order of commits."""

    @property
    def number(self) -> int:
        """Its place, from 1."""
        ...

    @property
    def notification(self) -> Notification:
        """What is told."""
        ...


class PageFeed(Protocol):
    """Committed notifications in order, and how far one has read; `state.alerting.outbox` is one."""

    def after(self, number: int, limit: int = BATCH) -> Sequence[Numbered]:
        """Those with higher numbers, the lowest first."""
        ...

    def cursor(self, name: str) -> int:
        """The number of the last one that was dealt with; 0 at first."""
        ...

    def move_cursor_within(self, connection: Any, name: str, number: int) -> None:
        """Remember that, in the transaction of `connection`."""
        ...


class Opener:
    """
    Opens incidents by pages. One of them runs per database; a second one would do no harm.

    Args:
        incidents: Where they are kept.
        feed: What is followed.
        acknowledged: Who answered the page of a group and when, for pages that were answered before we saw them; None when nobody did.
    """

    def __init__(self, incidents: Incidents, feed: PageFeed, *, acknowledged: Acknowledgement | None = None) -> None:
        self._incidents = incidents
        self._feed = feed
        self._acknowledged: Acknowledgement = acknowledged or (lambda _: None)

    def follow(self) -> list[Incident]:
        """
        Deal with everything that was committed since the last time.

        Returns:
            Incidents that were opened now.

        Raises:
            StoreError: The database did not take it; the same comes again next time.
        """
        opened: list[Incident] = []
        while batch := self._feed.after(self._feed.cursor(CURSOR), BATCH):
            opened += self._deal_with(batch)
        return opened

    def _deal_with(self, batch: Sequence[Numbered]) -> list[Incident]:
        told = [(entry.number, paged_by_service(entry.notification)) for entry in batch]
        keys = {page.group_key for _, pages in told for page in pages if any(_pages(alert) for alert in page.firing)}
        answers = {key: self._acknowledged(key) for key in sorted(keys)}
        step = Taken(told[0][0], [])

        def decide(known: Sequence[Incident], guarded: Mapping[str, int]) -> Sequence[Change]:
            nonlocal step
            step = step_of(told, known, guarded, answers)
            return step.changes

        # Moved last in the transaction, when `decide` has said how far it came.
        changed = self._incidents.absorb(decide, lambda connection: self._feed.move_cursor_within(connection, CURSOR, step.number))
        opened = [incident for incident, change in zip(changed, step.changes, strict=True) if not change.incident.number]
        for incident in opened:
            logger.warning("%s opened by a page: %s", incident.id, incident.title)
        return opened


@dataclass(frozen=True, slots=True)
class Taken:
    """What one transaction does: changes, and the number of the last notification that they come from."""

    number: int
    changes: Sequence[Change]


def step_of(
    told: Sequence[tuple[int, Sequence[Paged]]],
    known: Sequence[Incident],
    guarded: Mapping[str, int],
    answers: Mapping[str, tuple[str, Instant] | None],
) -> Taken:
    """
    Deal with as many notifications as one transaction can: up to the first that opens an incident, for only then the next sees that one.

    Args:
        told: Numbers of notifications, ascending, with what they say by service; at least one.
        known: Every open incident.
        guarded: How many guards know a signature.
        answers: Who acknowledged the page of a group, and when.
    """
    current = {incident.number: incident for incident in known}
    merged: dict[int, Change] = {}
    last = told[0][0]
    for last, pages in told:
        changes = changes_of(pages, list(current.values()), guarded, answers)
        for change in changes:
            number = change.incident.number
            if number:
                before = merged.get(number)
                merged[number] = replace(change, entries=(*before.entries, *change.entries)) if before else change
                current[number] = change.incident
        if opening := [change for change in changes if not change.incident.number]:
            return Taken(last, [*merged.values(), *opening])
    return Taken(last, list(merged.values()))


def paged_by_service(notification: Notification) -> list[Paged]:
    """What a notification says about each service; a test of a channel is about none."""
    if notification.reason is NotificationReason.TEST:
        return []
    by_service: dict[str, list[Alert]] = {}
    for alert in notification.alerts:
        by_service.setdefault(storable(alert.labels.get(SERVICE)), []).append(alert)
    key = storable(notification.group_key)
    return [Paged(service, key, tuple(alerts), notification.created_at) for service, alerts in sorted(by_service.items())]


def changes_of(
    pages: Sequence[Paged],
    known: Sequence[Incident],
    guarded: Mapping[str, int],
    answers: Mapping[str, tuple[str, Instant] | None],
) -> list[Change]:
    """
    What pages change.

    Args:
        pages: What one notification says, by service.
        known: Every open incident.
        guarded: How many guards know a signature.
        answers: Who acknowledged the page of a group, and when.
    """
    changes = []
    for page in pages:
        incident = _concerned(page, known)
        if incident is not None:
            # Tickets join nothing by themselves: what is no page only tells how alerts of the incident go on.
            pages_now = any(_pages(alert) for alert in page.firing) or page.group_key in incident.group_keys
            change = told_again(incident, page) if pages_now else None
            changes += [change] if change is not None else []
        elif firing := [alert for alert in page.firing if _pages(alert)]:
            own = Paged(page.service, page.group_key, tuple(firing), page.at)
            count = guarded.get(signature_of(first_of(firing).labels), 0)
            changes.append(opened_by_page(own, count, answers.get(page.group_key)))
    return changes


def _concerned(page: Paged, known: Sequence[Incident]) -> Incident | None:
    """The open incident of a page's service; where alerts name no service, that of its group."""
    if page.service:
        return next((incident for incident in known if incident.service == page.service), None)
    return next((incident for incident in known if not incident.service and page.group_key in incident.group_keys), None)


def _pages(alert: Alert) -> bool:
    level = level_of(alert.labels.get(SEVERITY))
    return level is not None and level.pages
