"""
Pages and the calls that were made for them.

A change of a page, its calls and what they put into the outbox are one transaction: what the outbox holds is what was decided, whenever
the process dies. What is to change is decided by a function that gets the page as it is, while nobody else can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, or_, select, true

from tocsin.errors import NotFound
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification
from tocsin.model.oncall import Call, Page, PageKind, PageState
from tocsin.state.alert_json import content_of, content_text, storable
from tocsin.state.alert_outbox import Outbox
from tocsin.state.audit import AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new, insert_or_replace
from tocsin.state.oncall_tables import CALLS, PAGES, STARTS
from tocsin.state.rows import record_of, row_of

DAY_NS = 86_400_000_000_000
LIMIT = 100
CALLS_MAX = 100_000
WRITERS = "oncall pages"


@dataclass(frozen=True, slots=True)
class PageChange:
    """
    What becomes of a page.

    Args:
        page: As it is now; None when nothing changes and there was none.
        calls: Made for it now.
        notifications: What they say, for the outbox.
        audit: What a person decided about it; None when nobody did.
    """

    page: Page | None
    calls: tuple[Call, ...] = ()
    notifications: tuple[Notification, ...] = ()
    audit: AuditEntry | None = None


Decide = Callable[[Page | None, Sequence[Call]], PageChange]


class Pages:
    """Keeps pages and calls; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = Outbox(database)

    def tell(self, chain: str, notification: Notification, decide: Decide) -> Page | None:
        """
        Tell a chain about a group: once for each notification, however often it is told.

        Args:
            chain: Its name.
            notification: What it is told; its key is remembered.
            decide: Gets the group's open page and its calls, or None; not called when the notification was told before.

        Returns:
            The page that it belongs to; None when it began none.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, WRITERS)
            key = storable(f"{chain}|{notification.key}")
            known = connection.execute(select(STARTS.c.page).where(STARTS.c.key == key)).scalar()
            if known is not None:
                return _page(connection, PAGES.c.id == known)
            change = self._change(connection, PAGES.c.open_key == _open_key(chain, notification.group_key), decide)
            page_id = change.page.id if change.page is not None else ""
            insert_new(connection, STARTS, {"key": key, "page": page_id, "at": notification.created_at})
            return change.page

    def change(self, id: str, decide: Decide) -> PageChange:  # noqa: A002 - as the record says
        """
        Change a page.

        Raises:
            NotFound: There is none with this id.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, WRITERS)
            change = self._change(connection, PAGES.c.id == storable(id), decide)
        if change.page is None:
            raise NotFound(f"there is no page with the id {id!r}; `tocsin oncall pages` shows them")
        return change

    def due(self, now: Instant) -> Sequence[str]:
        """Ids of pages whose next step is due, the one that waits longest first."""
        query = select(PAGES.c.id).where(PAGES.c.due_at <= now).order_by(PAGES.c.due_at, PAGES.c.id)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def next_due(self) -> Instant | None:
        """When the next step of any page is due; None when none is."""
        with self._database.reading() as connection:
            return connection.execute(select(func.min(PAGES.c.due_at))).scalar()

    def get(self, id: str) -> Page:  # noqa: A002
        """
        The page of an id.

        Raises:
            NotFound: There is none.
        """
        with self._database.reading() as connection:
            page = _page(connection, PAGES.c.id == storable(id))
        if page is None:
            raise NotFound(f"there is no page with the id {id!r}; `tocsin oncall pages` shows them")
        return page

    def open_of(self, reference: str) -> Sequence[Page]:
        """The open pages of a group, or the one page of an id, open or not; the oldest first."""
        named = storable(reference)
        wanted = or_(PAGES.c.id == named, (PAGES.c.group_key == named) & PAGES.c.open_key.is_not(None))
        with self._database.reading() as connection:
            rows = connection.execute(select(PAGES).where(wanted).order_by(PAGES.c.opened_at, PAGES.c.id)).mappings()
            return [_record(row) for row in rows]

    def list(
        self, *, only_open: bool = False, start: Instant | None = None, end: Instant | None = None, limit: int = LIMIT
    ) -> Sequence[Page]:
        """The last `limit` pages, the newest first; `start` and `end` bound when they began, [start, end)."""
        columns = PAGES.c
        wanted = [
            columns.open_key.is_not(None) if only_open else true(),
            columns.opened_at >= start if start is not None else true(),
            columns.opened_at < end if end is not None else true(),
        ]
        query = select(PAGES).where(*wanted).order_by(columns.opened_at.desc(), columns.id).limit(limit)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def calls(
        self, *, page: str | None = None, start: Instant | None = None, end: Instant | None = None, limit: int = CALLS_MAX
    ) -> Sequence[Call]:
        """Calls in order; of one page, or of all; `start` and `end` bound when they were made, [start, end)."""
        columns = CALLS.c
        wanted = [
            columns.page == storable(page) if page is not None else true(),
            columns.at >= start if start is not None else true(),
            columns.at < end if end is not None else true(),
        ]
        with self._database.reading() as connection:
            return [record_of(Call, row) for row in connection.execute(_in_order(*wanted).limit(limit)).mappings()]

    def expire(self, now: Instant, days: float) -> int:
        """Drop closed pages with their calls, and what was told, when they are older than so many days; returns how many rows."""
        before = now - round(days * DAY_NS)
        old = [
            (CALLS, CALLS.c.page.in_(select(PAGES.c.id).where(PAGES.c.closed_at < before))),
            (PAGES, PAGES.c.closed_at < before),
            (STARTS, STARTS.c.at < before),
        ]
        with self._database.transaction() as connection:
            self._database.serialize(connection, WRITERS)
            return sum(connection.execute(delete(table).where(condition)).rowcount for table, condition in old)

    def _change(self, connection: Connection, which: ColumnElement[bool], decide: Decide) -> PageChange:
        page = _page(connection, which)
        calls = _calls_of(connection, page)
        change = decide(page, calls)
        if change.page is not None and change.page != page:
            insert_or_replace(connection, PAGES, [_row(change.page)])
        known = {call.key for call in calls}
        new = {call.key: call for call in change.calls if call.key not in known}
        if new:
            connection.execute(insert(CALLS), [row_of(call, CALLS) for call in new.values()])
        if change.notifications:
            self._outbox.enqueue_within(connection, change.notifications)
        if change.audit is not None:
            write_audit(connection, change.audit)
        return change


def _page(connection: Connection, which: ColumnElement[bool]) -> Page | None:
    row = connection.execute(select(PAGES).where(which)).mappings().one_or_none()
    return _record(row) if row is not None else None


def _calls_of(connection: Connection, page: Page | None) -> Sequence[Call]:
    if page is None:
        return ()
    return [record_of(Call, row) for row in connection.execute(_in_order(CALLS.c.page == page.id)).mappings()]


def _in_order(*wanted: ColumnElement[bool]) -> Any:
    return select(CALLS).where(*wanted).order_by(CALLS.c.at, CALLS.c.turn, CALLS.c.step, CALLS.c.key)


def _open_key(chain: str, group_key: str) -> str:
    return storable(f"{chain}|{group_key}")


def _row(page: Page) -> dict[str, Any]:
    kept = replace(page, group_key=storable(page.group_key), severity=storable(page.severity))
    return {
        **row_of(kept, PAGES),
        "content": content_text(page.notification),
        "open_key": _open_key(page.chain, page.group_key) if page.is_open else None,
    }


def _record(row: RowMapping) -> Page:
    notification = content_of(row["content"])
    given = {"kind": PageKind(row["kind"]), "state": PageState(row["state"])}
    return record_of(Page, row, **given, notification=notification, group_key=notification.group_key)
