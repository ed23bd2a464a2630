"""
The outbox: notifications that were decided, in the order in which they were committed, and every attempt to deliver them.

A notification is written in the transaction of the change that it tells. Its *lane* is (group, receiver, channel): of one lane at most one
waits, since a newer one says all that an older one said, and takes over in its note what was never told. Writers go one after the other, so
whoever reads by number and remembers the last one misses none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, true, update

from tocsin.model.instant import Instant
from tocsin.model.notification import Attempt, DeliveryState, Notification
from tocsin.state.alert_json import content_of, content_text, json_text, storable
from tocsin.state.alert_records import OutboxCount, OutboxEntry, Waiting
from tocsin.state.alert_tables import ATTEMPTS, CURSORS, NOTIFICATIONS
from tocsin.state.alert_untold import Untold, bounded, untold_from_json, untold_of, untold_to_json, with_untold
from tocsin.state.database import Database
from tocsin.state.insertion import insert_or_replace
from tocsin.state.rows import record_of, row_of

LIMIT = 100
CHUNK = 200  # rows that one statement asks for by key
WRITERS = "outbox"

_C = NOTIFICATIONS.c
_PENDING = DeliveryState.PENDING.value
_Item = TypeVar("_Item")


class Outbox:
    """Keeps notifications and attempts; safe to call from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, notifications: Sequence[Notification]) -> int:
        """Keep notifications in a transaction of their own, see `enqueue_within`."""
        with self._database.transaction() as connection:
            return self.enqueue_within(connection, notifications)

    def enqueue_within(self, connection: Connection, notifications: Sequence[Notification]) -> int:
        """
        Keep notifications, in the transaction that decides them; one whose key is known changes nothing.

        Returns:
            How many were new.
        """
        self._database.serialize(connection, WRITERS)
        return sum(_enqueue(connection, chunk) for chunk in _chunks(notifications))

    def entry(self, key: str) -> OutboxEntry | None:
        """The notification with a key; None when it is not there."""
        with self._database.reading() as connection:
            row = connection.execute(select(NOTIFICATIONS).where(_C.key == storable(key))).mappings().one_or_none()
            return _entry_of(row) if row else None

    def waiting(self, after: int = 0, limit: int = LIMIT) -> Sequence[Waiting]:
        """Pending notifications with higher numbers than `after`, in order."""
        query = select(NOTIFICATIONS).where(_C.state == _PENDING, _C.number > after).order_by(_C.number).limit(limit)
        with self._database.reading() as connection:
            return [record_of(Waiting, row) for row in connection.execute(query).mappings()]

    def record(
        self, attempt: Attempt, state: DeliveryState, next_attempt_at: Instant, instead: Sequence[Notification] = ()
    ) -> DeliveryState:
        """
        Keep an attempt and what came of it.

        Args:
            attempt: `attempt.number` is not looked at: it gets the next one.
            state: PENDING to try again, DELIVERED, or UNDELIVERABLE.
            next_attempt_at: When to try again, for PENDING.
            instead: What tells others that this one could not be delivered, or that what they were told is over; kept in the same
                transaction, unless a newer notification has taken its place meanwhile and will say it.

        Returns:
            How far the notification has come now; SUPERSEDED when one that failed was replaced meanwhile.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, WRITERS)
            row = connection.execute(select(NOTIFICATIONS).where(_C.key == storable(attempt.notification))).mappings().one_or_none()
            if row is None:  # it expired while it was sent
                return state
            number = row["attempts"] + 1
            connection.execute(insert(ATTEMPTS).values({**_attempt_row(attempt), "number": number}))
            result = _outcome(DeliveryState(row["state"]), state)
            _settle(connection, row, attempt, result, next_attempt_at)
            if result in (DeliveryState.UNDELIVERABLE, DeliveryState.DELIVERED) and instead:
                self.enqueue_within(connection, instead)
            return result

    def entries(
        self,
        *,
        group_key: str | None = None,
        state: DeliveryState | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        limit: int = LIMIT,
    ) -> Sequence[OutboxEntry]:
        """Notifications, the newest first; `start` and `end` bound when they were decided, [start, end)."""
        wanted = [
            _C.group_key == storable(group_key) if group_key is not None else true(),
            _C.state == state.value if state is not None else true(),
            _C.created_at >= start if start is not None else true(),
            _C.created_at < end if end is not None else true(),
        ]
        with self._database.reading() as connection:
            query = select(NOTIFICATIONS).where(*wanted).order_by(_C.number.desc()).limit(limit)
            return [_entry_of(row) for row in connection.execute(query).mappings()]

    def after(self, number: int, limit: int = LIMIT) -> Sequence[OutboxEntry]:
        """Notifications of any state that were committed after that one, in order: for those who follow with a cursor."""
        query = select(NOTIFICATIONS).where(_C.number > number).order_by(_C.number).limit(limit)
        with self._database.reading() as connection:
            return [_entry_of(row) for row in connection.execute(query).mappings()]

    def attempts(self, keys: Collection[str]) -> Mapping[str, Sequence[Attempt]]:
        """Every attempt to deliver these, in order; a notification without one is not there."""
        found: dict[str, list[Attempt]] = {}
        with self._database.reading() as connection:
            for chunk in _chunks(sorted({storable(key) for key in keys})):
                query = select(ATTEMPTS).where(ATTEMPTS.c.notification.in_(chunk)).order_by(ATTEMPTS.c.notification, ATTEMPTS.c.number)
                for row in connection.execute(query).mappings():
                    found.setdefault(row["notification"], []).append(record_of(Attempt, row))
        return found

    def count(self) -> OutboxCount:
        """How full it is."""
        query = select(func.count(), func.min(_C.created_at)).where(_C.state == _PENDING)
        with self._database.reading() as connection:
            pending, oldest = connection.execute(query).one()
            return OutboxCount(pending, oldest)

    def cursor(self, name: str) -> int:
        """How far a follower read; 0 before it began."""
        with self._database.reading() as connection:
            return connection.execute(select(CURSORS.c.number).where(CURSORS.c.name == name)).scalar() or 0

    def newest_number(self) -> int:
        """The highest number that was given; 0 before the first."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(_C.number))).scalar() or 0

    def move_cursor(self, name: str, number: int) -> None:
        """Remember how far a follower read, in a transaction of its own."""
        with self._database.transaction() as connection:
            self.move_cursor_within(connection, name, number)

    def move_cursor_within(self, connection: Connection, name: str, number: int) -> None:
        """Remember how far a follower read, in the transaction of what it made of that."""
        insert_or_replace(connection, CURSORS, [{"name": name, "number": number}])


def _enqueue(connection: Connection, notifications: Sequence[Notification]) -> int:
    keys = [storable(each.key) for each in notifications]
    known = set(connection.execute(select(_C.key).where(_C.key.in_(keys))).scalars())
    waiting = _waiting_by_lane(connection, {storable(each.group_key) for each in notifications})
    rows: dict[str, dict[str, Any]] = {}
    replaced: dict[str, dict[str, Any]] = {}
    for notification in notifications:
        row = _row_of(notification)
        if row["key"] in known or row["key"] in rows:
            continue
        older = waiting.get(_lane(row))
        if older is not None:
            untold = [*_untold_in(older), untold_of(content_of(older["content"]))]
            row["untold"] = json_text(untold_to_json(bounded(untold)))
            # Or a group that changes more often than a delivery is given up would never escalate.
            row["failing_since"] = older["failing_since"]
            over = {"state": DeliveryState.SUPERSEDED.value, "replaced_by": row["key"], "settled_at": row["created_at"]}
            if older["key"] in rows:
                rows[older["key"]] |= over
            else:
                replaced[older["key"]] = {"replaced_key": older["key"], **over}
        rows[row["key"]] = waiting[_lane(row)] = row
    if rows:
        connection.execute(insert(NOTIFICATIONS), list(rows.values()))
    if replaced:
        connection.execute(_superseding(), [replaced[key] for key in sorted(replaced)])
    return len(rows)


def _superseding() -> Any:
    values: dict[str, Any] = {name: bindparam(name) for name in ("state", "replaced_by", "settled_at")}
    return update(NOTIFICATIONS).where(_C.key == bindparam("replaced_key")).values(values)


def _waiting_by_lane(connection: Connection, groups: Collection[str]) -> dict[tuple[str, str, str], dict[str, Any]]:
    query = select(NOTIFICATIONS).where(_C.state == _PENDING, _C.group_key.in_(sorted(groups))).order_by(_C.number)
    return {_lane(row): dict(row) for row in connection.execute(query).mappings()}


def _lane(row: Mapping[str, Any] | RowMapping) -> tuple[str, str, str]:
    return row["group_key"], row["receiver"], row["channel"]


def _row_of(notification: Notification) -> dict[str, Any]:
    return {
        "key": storable(notification.key),
        "group_key": storable(notification.group_key),
        "receiver": storable(notification.receiver),
        "channel": storable(notification.channel),
        "reason": notification.reason.value,
        "created_at": notification.created_at,
        "content": content_text(notification),
        "untold": "[]",
        "state": _PENDING,
        "next_attempt_at": notification.created_at,
        "attempts": 0,
        "failing_since": None,
        "settled_at": None,
        "replaced_by": "",
    }


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return row_of(replace(attempt, notification=storable(attempt.notification), detail=storable(attempt.detail)), ATTEMPTS)


def _outcome(before: DeliveryState, wanted: DeliveryState) -> DeliveryState:
    """What was replaced while it was being sent is over, unless it arrived."""
    return wanted if before is DeliveryState.PENDING or wanted is DeliveryState.DELIVERED else before


def _settle(connection: Connection, row: RowMapping, attempt: Attempt, state: DeliveryState, next_attempt_at: Instant) -> None:
    values: dict[str, Any] = {"attempts": row["attempts"] + 1, "state": state.value}
    if state is DeliveryState.PENDING:
        values["next_attempt_at"] = next_attempt_at
    elif row["settled_at"] is None or state is DeliveryState.DELIVERED:
        values["settled_at"] = attempt.at + round(attempt.duration_s * 1e9)
    if state is not DeliveryState.DELIVERED and row["failing_since"] is None:
        values["failing_since"] = attempt.at
    connection.execute(update(NOTIFICATIONS).where(_C.number == row["number"]).values(values))
    if state is DeliveryState.DELIVERED and row["state"] == DeliveryState.SUPERSEDED.value:
        _was_told(connection, row)


def _was_told(connection: Connection, row: RowMapping) -> None:
    """It was replaced while it was on its way, and arrived: the one that waits in its lane need not say that it did not."""
    for waiting in _waiting_by_lane(connection, [row["group_key"]]).values():
        if _lane(waiting) == _lane(row):
            left = [each for each in _untold_in(waiting) if storable(each.key) != row["key"]]
            change = update(NOTIFICATIONS).where(_C.number == waiting["number"]).values(untold=json_text(untold_to_json(left)))
            connection.execute(change)


def _untold_in(row: Mapping[str, Any] | RowMapping) -> list[Untold]:
    return untold_from_json(json.loads(row["untold"]))


def _entry_of(row: RowMapping) -> OutboxEntry:
    notification = with_untold(content_of(row["content"]), _untold_in(row))
    return record_of(OutboxEntry, row, notification=notification, state=DeliveryState(row["state"]))


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
