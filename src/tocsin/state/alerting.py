"""
Alerts, groups, silences, notifications and their attempts.

    state.alerting.commit(AlertChange(alerts=..., events=..., groups=..., notifications=...))     all of it, or nothing
    state.alerting.outbox.waiting()                                                              what is to be delivered
    state.alerting.silences.add(silence)

What the pipeline decides is one change and one transaction: no page without its alert, no alert without its page, whenever power fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, true

from tocsin.model.alert import Alert, AlertEvent, AlertEventKind
from tocsin.model.instant import Instant
from tocsin.model.notification import DeliveryState, Notification
from tocsin.state.alert_json import json_text, labels_of, labels_text, storable, texts_of, value_of, value_text
from tocsin.state.alert_outbox import CHUNK, Outbox
from tocsin.state.alert_records import AlertChange
from tocsin.state.alert_silences import Silences
from tocsin.state.alert_tables import ALERT_EVENTS, ALERT_GROUPS, ALERTS, ATTEMPTS, NOTIFICATIONS
from tocsin.state.database import Database
from tocsin.state.insertion import insert_or_replace
from tocsin.state.rows import record_of

DAY_NS = 86_400_000_000_000
LIMIT = 10_000


class Alerting:
    """
    Keeps them; safe to call from several threads.

    Attributes:
        outbox: Notifications and attempts.
        silences: Silences.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.outbox = Outbox(database)
        self.silences = Silences(database)

    def commit(self, change: AlertChange) -> int:
        """
        Keep what one step of the pipeline changed, all or nothing.

        Returns:
            How many of its notifications were new: those whose keys are known change nothing.

        Raises:
            StoreError: Nothing was kept.
        """
        with self._database.transaction() as connection:
            if change.alerts:
                rows = {row["fingerprint"]: row for row in map(_alert_row, change.alerts)}
                insert_or_replace(connection, ALERTS, [rows[key] for key in sorted(rows)])
            if change.forgotten:
                _delete_by_key(connection, ALERTS.c.fingerprint, change.forgotten)
            if change.events:
                connection.execute(insert(ALERT_EVENTS), [_event_row(event) for event in change.events])
            _put_groups(connection, change.groups)
            return self.enqueue_within(connection, change.notifications) if change.notifications else 0

    def enqueue(self, notifications: Sequence[Notification]) -> int:
        """Put notifications into the outbox in a transaction of their own; returns how many were new."""
        return self.outbox.enqueue(notifications)

    def enqueue_within(self, connection: Connection, notifications: Sequence[Notification]) -> int:
        """Put notifications into the outbox in the transaction that decides them; returns how many were new."""
        return self.outbox.enqueue_within(connection, notifications)

    def alerts(self) -> Sequence[Alert]:
        """Every alert that is not yet over and told, by fingerprint."""
        with self._database.reading() as connection:
            return [_alert_of(row) for row in connection.execute(select(ALERTS).order_by(ALERTS.c.fingerprint)).mappings()]

    def groups(self) -> Mapping[str, str]:
        """The state of every group as JSON, by key."""
        with self._database.reading() as connection:
            query = select(ALERT_GROUPS.c.key, ALERT_GROUPS.c.content).order_by(ALERT_GROUPS.c.key)
            return {row.key: row.content for row in connection.execute(query)}

    def events(
        self, start: Instant | None = None, end: Instant | None = None, *, fingerprint: str | None = None, limit: int = LIMIT
    ) -> Sequence[AlertEvent]:
        """The last `limit` beginnings and ends of alerts in [start, end), oldest first; of one alert, or of all."""
        columns = ALERT_EVENTS.c
        wanted = [
            columns.at >= start if start is not None else true(),
            columns.at < end if end is not None else true(),
            columns.fingerprint == fingerprint if fingerprint is not None else true(),
        ]
        query = select(ALERT_EVENTS).where(*wanted).order_by(columns.at.desc(), columns.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_event_of(row) for row in connection.execute(query).mappings()][::-1]

    def expire(self, now: Instant, days: float) -> int:
        """Drop events, settled notifications and attempts that are older than so many days; returns how many rows."""
        before = now - round(days * DAY_NS)
        old = [
            (ALERT_EVENTS, ALERT_EVENTS.c.at < before),
            (NOTIFICATIONS, (NOTIFICATIONS.c.created_at < before) & (NOTIFICATIONS.c.state != DeliveryState.PENDING.value)),
            (ATTEMPTS, ATTEMPTS.c.at < before),
        ]
        with self._database.transaction() as connection:
            return sum(connection.execute(delete(table).where(condition)).rowcount for table, condition in old)


def _put_groups(connection: Connection, groups: Mapping[str, str | None]) -> None:
    if gone := [storable(key) for key, content in groups.items() if content is None]:
        _delete_by_key(connection, ALERT_GROUPS.c.key, gone)
    if kept := {storable(key): content for key, content in groups.items() if content is not None}:
        insert_or_replace(connection, ALERT_GROUPS, [{"key": key, "content": kept[key]} for key in sorted(kept)])


def _delete_by_key(connection: Connection, column: Any, keys: Collection[str]) -> None:
    ordered = sorted(keys)
    for start in range(0, len(ordered), CHUNK):
        connection.execute(delete(column.table).where(column.in_(ordered[start : start + CHUNK])))


def _alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "labels": labels_text(alert.labels),
        "annotations": json_text(dict(alert.annotations)),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "updated_at": alert.updated_at,
        "generator_url": storable(alert.generator_url),
        "value": value_text(alert.value),
        "source": alert.source,
        "rule": storable(alert.rule),
    }


def _alert_of(row: RowMapping) -> Alert:
    return record_of(Alert, row, labels=labels_of(row["labels"]), annotations=texts_of(row["annotations"]), value=value_of(row["value"]))


def _event_row(event: AlertEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "kind": event.kind.value,
        "fingerprint": event.fingerprint,
        "labels": labels_text(event.labels),
        "annotations": json_text(dict(event.annotations)),
        "value": value_text(event.value),
    }


def _event_of(row: RowMapping) -> AlertEvent:
    return record_of(
        AlertEvent,
        row,
        kind=AlertEventKind(row["kind"]),
        labels=labels_of(row["labels"]),
        annotations=texts_of(row["annotations"]),
        value=value_of(row["value"]),
    )
