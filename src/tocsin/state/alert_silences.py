"""Silences: what nobody shall be told about for a while. None is ever deleted: an ended one says who was quiet about what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, RowMapping, select, true, update

from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.alert import Silence
from tocsin.model.instant import Instant, format_instant
from tocsin.state.alert_json import json_text, matchers_of, matchers_text, texts_of
from tocsin.state.alert_tables import SILENCES
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import record_of, row_of, signed


class Silences:
    """Keeps silences; safe to call from several threads. Whether a silence makes sense is judged by whoever enters it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, silence: Silence, *, instead_of: str | None = None) -> None:
        """
        Keep a new silence; with `instead_of`, the silence of that id ends in the same step, at `silence.updated_at`.

        Raises:
            Conflict: The id is taken, or the other one has ended.
            NotFound: There is no other one.
            InvalidInput: Author or comment are blank.
        """
        with self._database.transaction() as connection:
            if instead_of is not None:
                _end(connection, _found(connection, instead_of), silence.updated_at, silence.author)
            _add(connection, silence)

    def change(self, silence: Silence) -> None:
        """
        Replace when a silence ends, who wants it and why; its matchers and, once it has begun, its start stay what they were.

        Raises:
            NotFound: There is none with this id.
            InvalidInput: Author or comment are blank.
        """
        signed("a silence", {"author": silence.author, "comment": silence.comment})
        with self._database.transaction() as connection:
            _found(connection, silence.id)
            connection.execute(update(SILENCES).where(SILENCES.c.id == silence.id).values(_row_of(silence)))
            _audit(connection, silence, AuditAction.SILENCE_CHANGED, silence.updated_at, silence.author)

    def expire(self, id: str, author: str, at: Instant) -> Silence:  # noqa: A002 - as the record says
        """
        End a silence now; one that has not begun never does. Returns it as it is now.

        Raises:
            NotFound: There is none with this id.
            Conflict: It has ended.
        """
        with self._database.transaction() as connection:
            return _end(connection, _found(connection, id), at, author)

    def get(self, id: str) -> Silence:  # noqa: A002
        """
        The silence of an id, ended or not.

        Raises:
            NotFound: There is none.
        """
        with self._database.reading() as connection:
            return _found(connection, id)

    def list(self, *, ending_after: Instant | None = None) -> Sequence[Silence]:
        """Every silence that was ever kept, or those that end after an instant, by their ends."""
        wanted = SILENCES.c.ends_at > ending_after if ending_after is not None else true()
        with self._database.reading() as connection:
            rows = connection.execute(select(SILENCES).where(wanted).order_by(SILENCES.c.ends_at, SILENCES.c.id)).mappings()
            return [_silence_of(row) for row in rows]


def _add(connection: Connection, silence: Silence) -> None:
    signed("a silence", {"id": silence.id, "author": silence.author, "comment": silence.comment})
    if not insert_new(connection, SILENCES, _row_of(silence)):
        raise Conflict(f"there is a silence with the id {silence.id!r} already; give another id, or none")
    _audit(connection, silence, AuditAction.SILENCE_ADDED, silence.updated_at, silence.author)


def _end(connection: Connection, silence: Silence, at: Instant, author: str) -> Silence:
    if silence.ends_at <= at:
        raise Conflict(f"the silence {silence.id!r} ended at {format_instant(silence.ends_at)}; make a new one")
    ended = replace(silence, starts_at=min(silence.starts_at, at), ends_at=at, updated_at=at)
    connection.execute(update(SILENCES).where(SILENCES.c.id == silence.id).values(_row_of(ended)))
    _audit(connection, ended, AuditAction.SILENCE_EXPIRED, at, author)
    return ended


def _found(connection: Connection, id: str) -> Silence:  # noqa: A002
    row = connection.execute(select(SILENCES).where(SILENCES.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no silence with the id {id[:80]!r}")
    return _silence_of(row)


def _row_of(silence: Silence) -> dict[str, object]:
    if not silence.matchers:
        raise InvalidInput("a silence without matchers would silence everything; give one at least")
    texts = {"matchers": matchers_text(silence.matchers), "annotations": json_text(dict(silence.annotations))}
    return row_of(replace(silence, matchers=(), annotations={}), SILENCES) | texts


def _silence_of(row: RowMapping) -> Silence:
    return record_of(Silence, row, matchers=matchers_of(row["matchers"]), annotations=texts_of(row["annotations"]))


def _audit(connection: Connection, silence: Silence, action: AuditAction, at: Instant, author: str) -> None:
    matchers = ", ".join(f"{matcher.name}{matcher.operator.value}{matcher.value!r}" for matcher in silence.matchers)
    detail = f"{{{matchers}}} from {format_instant(silence.starts_at)} until {format_instant(silence.ends_at)}: {silence.comment}"
    write_audit(connection, AuditEntry(at, author, action, silence.id, detail))
