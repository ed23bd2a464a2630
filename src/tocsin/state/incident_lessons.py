"""What was learnt from incidents: postmortems in versions, action items, guards. All of it is added, none of it is taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from tocsin.errors import Conflict, NotFound
from tocsin.model.incident import ActionItem, Entry, Guard, GuardKind, PostmortemVersion
from tocsin.model.instant import Instant, format_instant
from tocsin.state.database import Database
from tocsin.state.incident_story import write_entries
from tocsin.state.incident_tables import ACTION_ITEMS, GUARDS, POSTMORTEMS
from tocsin.state.rows import checked, record_of, row_of, signed

LIMIT = 10_000


class Lessons:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_postmortem(
        self, incident: int, author: str, text: str, at: Instant, *, based_on: int | None, entry: Entry
    ) -> PostmortemVersion:
        """
        Keep a postmortem as its next version.

        Args:
            incident: Whose.
            author: Who wrote it.
            text: Markdown.
            at: When.
            based_on: The version that it was made from, 0 for none; None to not care.
            entry: What the timeline says of it.

        Raises:
            Conflict: Somebody wrote another version meanwhile.
        """
        signed("a postmortem", {"author": author, "text": text})
        with self._database.transaction() as connection:
            self._database.serialize(connection, f"postmortem {incident}")
            newest = connection.execute(select(func.max(POSTMORTEMS.c.version)).where(POSTMORTEMS.c.incident == incident)).scalar() or 0
            if based_on is not None and based_on != newest:
                raise Conflict(
                    f"the postmortem is at version {newest} by now, yours was made from {based_on}; read that one and write again"
                )
            version = PostmortemVersion(newest + 1, at, author, text)
            connection.execute(insert(POSTMORTEMS).values({"incident": incident, **row_of(version, POSTMORTEMS)}))
            write_entries(connection, incident, [entry])
            return version

    def postmortems(self, incident: int) -> list[PostmortemVersion]:
        """All versions of one incident's postmortem, the newest first."""
        query = select(POSTMORTEMS).where(POSTMORTEMS.c.incident == incident).order_by(POSTMORTEMS.c.version.desc())
        with self._database.reading() as connection:
            return [record_of(PostmortemVersion, row) for row in connection.execute(query).mappings()]

    def add_action(self, item: ActionItem, entry: Entry) -> ActionItem:
        """Keep an action item; returns it with its number."""
        signed("an action item", {"text": item.text, "owner": item.owner, "due": item.due})
        with self._database.transaction() as connection:
            number = _insert(connection, item)
            write_entries(connection, item.incident, [entry])
            return replace(item, number=number)

    def finish_action(self, number: int, by: str, at: Instant) -> ActionItem:
        """
        Write down that an action item is done.

        Raises:
            NotFound: There is none with this number.
            Conflict: It was done before.
        """
        columns = ACTION_ITEMS.c
        with self._database.transaction() as connection:
            query = select(ACTION_ITEMS).where(columns.number == checked("number", number)).with_for_update()
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise NotFound(f"there is no action item {number}; `tocsin incident actions` lists them")
            if row["done_at"] is not None:
                raise Conflict(f"action item {number} was done at {format_instant(row['done_at'])} by {row['done_by']}")
            done = {"done_at": at, "done_by": checked("done_by", by)}
            connection.execute(update(ACTION_ITEMS).where(columns.number == number).values(done))
            return replace(record_of(ActionItem, row), done_at=at, done_by=by)

    def actions(self, incident: int | None = None, *, include_done: bool = True) -> list[ActionItem]:
        """Action items of one incident, or of all, those that are due first in front."""
        columns = ACTION_ITEMS.c
        query = select(ACTION_ITEMS).order_by(columns.due, columns.number).limit(LIMIT)
        if incident is not None:
            query = query.where(columns.incident == incident)
        if not include_done:
            query = query.where(columns.done_at.is_(None))
        with self._database.reading() as connection:
            return [record_of(ActionItem, row) for row in connection.execute(query).mappings()]

    def add_guard(self, guard: Guard, entry: Entry | None = None) -> Guard:
        """
        Keep a guard; returns it with its number.

        Raises:
            Conflict: The name is taken.
        """
        signed("a guard", {"name": guard.name, "path": guard.path})
        with self._database.transaction() as connection:
            self._database.serialize(connection, "guards")
            if connection.execute(select(GUARDS.c.number).where(GUARDS.c.name == checked("name", guard.name))).first():
                raise Conflict(f"there is a guard called {guard.name!r} already; give it another name")
            row = {name: value for name, value in row_of(guard, GUARDS).items() if name != "number"}
            inserted = connection.execute(insert(GUARDS).values(row)).inserted_primary_key
            assert inserted is not None, "a row that was inserted has a number"
            if entry is not None:
                write_entries(connection, guard.incident, [entry])
            return replace(guard, number=inserted[0])

    def guards(self, incident: int | None = None, *, signature: str | None = None) -> list[Guard]:
        """Guards that came from one incident, or that know a signature, or all, the oldest first."""
        columns = GUARDS.c
        query = select(GUARDS).order_by(columns.number)
        if incident is not None:
            query = query.where(columns.incident == incident)
        if signature is not None:
            query = query.where(columns.signature == checked("signature", signature))
        with self._database.reading() as connection:
            return [record_of(Guard, row, kind=GuardKind(row["kind"])) for row in connection.execute(query).mappings()]

    def counts(self, connection: Connection, incident: int) -> tuple[int, int]:
        """Guards of an incident, and versions of its postmortem, in the caller's transaction."""
        guards = select(func.count()).select_from(GUARDS).where(GUARDS.c.incident == incident)
        versions = select(func.count()).select_from(POSTMORTEMS).where(POSTMORTEMS.c.incident == incident)
        return int(connection.execute(guards).scalar_one()), int(connection.execute(versions).scalar_one())


def _insert(connection: Connection, item: ActionItem) -> int:
    row: dict[str, Any] = {name: value for name, value in row_of(item, ACTION_ITEMS).items() if name != "number"}
    inserted = connection.execute(insert(ACTION_ITEMS).values(row)).inserted_primary_key
    assert inserted is not None, "a row that was inserted has a number"
    return int(inserted[0])
