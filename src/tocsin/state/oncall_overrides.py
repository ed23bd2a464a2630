"""Overrides: entered, listed, withdrawn, never deleted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select, true

from tocsin.errors import Conflict, InvalidInput
from tocsin.model.budget import Withdrawal
from tocsin.model.instant import Instant, format_instant
from tocsin.model.oncall import Override
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.oncall_tables import OVERRIDES
from tocsin.state.rows import record_of, row_of, signed
from tocsin.state.withdrawals import withdraw, withdrawal_of


class Overrides:
    """Keeps overrides; safe to call from several threads. Whether one makes sense is judged by whoever enters it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, override: Override) -> None:
        """
        Keep an override, in force from now on.

        Raises:
            Conflict: The id is taken.
            InvalidInput: Author, reason or person are blank, or it ends before it starts.
        """
        with self._database.transaction() as connection:
            add_override(connection, override)

    def withdraw(self, id: str, author: str, reason: str, at: Instant) -> Override:  # noqa: A002 - as the record says
        """
        Take an override out of force; it is kept for the audit. Returns it as it is now.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was withdrawn before.
            InvalidInput: Author or reason are blank.
        """
        with self._database.transaction() as connection:
            withdrawal = Withdrawal(at, author, reason)
            row = withdraw(connection, OVERRIDES, "override", id, withdrawal)
            write_audit(connection, AuditEntry(at, author, AuditAction.OVERRIDE_WITHDRAWN, id, reason))
            return record_of(Override, row, withdrawn=withdrawal)

    def list(self, *, ending_after: Instant | None = None, include_withdrawn: bool = False) -> Sequence[Override]:
        """
        Overrides in the order in which they were entered.

        Args:
            ending_after: Only those that end after this instant; None for all that were ever entered.
            include_withdrawn: Also those that are no longer in force.
        """
        columns = OVERRIDES.c
        wanted = [
            true() if include_withdrawn else columns.withdrawn_at.is_(None),
            columns.end > ending_after if ending_after is not None else true(),
        ]
        with self._database.reading() as connection:
            rows = connection.execute(select(OVERRIDES).where(*wanted).order_by(columns.created, columns.id)).mappings()
            return [_record(row) for row in rows]


def add_override(connection: Connection, override: Override) -> None:
    """The same as `Overrides.add`, in the transaction of the swap that makes it."""
    texts = {"id": override.id, "person": override.person, "author": override.author, "reason": override.reason}
    signed("an override", texts)
    if override.end <= override.start:
        raise InvalidInput(f"the override ends at {format_instant(override.end)}, not after it starts")
    if not insert_new(connection, OVERRIDES, row_of(override, OVERRIDES)):
        raise Conflict(f"there is an override with the id {override.id!r} already; give another id, or none")
    write_audit(connection, AuditEntry(override.created, override.author, AuditAction.OVERRIDE_ADDED, override.id, _described(override)))


def _record(row: RowMapping) -> Override:
    return record_of(Override, row, withdrawn=withdrawal_of(row))


def _described(override: Override) -> str:
    instead = f" in place of {override.replaces}" if override.replaces else ""
    times = f"from {format_instant(override.start)} until {format_instant(override.end)}"
    return f"{override.person}{instead} on {override.schedule} {times}: {override.reason}"
