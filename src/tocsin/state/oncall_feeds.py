"""Calendar feeds: one in force for each schedule and person; a new one takes the place of the old. Their secrets are not kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, select, update

from tocsin.errors import NotFound
from tocsin.model.instant import Instant
from tocsin.model.oncall import Feed, FeedSubject
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.oncall_tables import FEEDS
from tocsin.state.rows import checked, record_of, row_of, signed


class Feeds:
    """Keeps feeds; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rotate(self, feed: Feed) -> None:
        """
        Keep a feed, and let the one before it, of the same schedule or person, answer no more.

        Raises:
            InvalidInput: Author or name are blank.
        """
        signed("a calendar", {"author": feed.author, "name": feed.name})
        with self._database.transaction() as connection:
            self._database.serialize(connection, "oncall feeds")
            same = (FEEDS.c.subject == feed.subject.value, FEEDS.c.name == checked("name", feed.name), FEEDS.c.revoked.is_(None))
            connection.execute(update(FEEDS).where(*same).values(revoked=feed.created))
            insert_new(connection, FEEDS, row_of(feed, FEEDS))
            detail = f"of the {feed.subject.value} {feed.name}"
            write_audit(connection, AuditEntry(feed.created, feed.author, AuditAction.CALENDAR_ROTATED, feed.name, detail))

    def revoke(self, subject: FeedSubject, name: str, author: str, at: Instant) -> None:
        """
        Let a calendar answer no more.

        Raises:
            NotFound: It has none.
        """
        signed("revoking a calendar", {"author": author})
        same = (FEEDS.c.subject == subject.value, FEEDS.c.name == checked("name", name), FEEDS.c.revoked.is_(None))
        with self._database.transaction() as connection:
            if not connection.execute(update(FEEDS).where(*same).values(revoked=at)).rowcount:
                raise NotFound(f"the {subject.value} {name!r} has no calendar that anybody could subscribe to")
            write_audit(connection, AuditEntry(at, author, AuditAction.CALENDAR_REVOKED, name, f"of the {subject.value} {name}"))

    def find(self, digest: str) -> Feed | None:
        """The feed in force with this hash; None when there is none."""
        with self._database.reading() as connection:
            query = select(FEEDS).where(FEEDS.c.digest == digest, FEEDS.c.revoked.is_(None))
            row = connection.execute(query).mappings().one_or_none()
        return _record(row) if row is not None else None

    def list(self) -> Sequence[Feed]:
        """Those in force."""
        query = select(FEEDS).where(FEEDS.c.revoked.is_(None)).order_by(FEEDS.c.subject, FEEDS.c.name)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Feed:
    return record_of(Feed, row, subject=FeedSubject(row["subject"]))
