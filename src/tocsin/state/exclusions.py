"""Exclusions that people entered: what does not count against a budget."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, true

from tocsin.errors import Conflict, InvalidInput
from tocsin.model.budget import Exclusion, Withdrawal
from tocsin.model.instant import Instant, format_instant
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import record_of, row_of, signed
from tocsin.state.tables import EXCLUSIONS
from tocsin.state.withdrawals import concerns, withdraw, withdrawal_of


class Exclusions:
    """Keeps exclusions; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, exclusion: Exclusion) -> None:
        """
        Keep an exclusion, in force from now on.

        Args:
            exclusion: With `created`; `withdrawn` is not looked at.

        Raises:
            Conflict: The id is taken.
            InvalidInput: Author or reason are blank, or nobody said when it was entered.
        """
        signed("an exclusion", {"id": exclusion.id, "author": exclusion.author, "reason": exclusion.reason})
        if exclusion.created is None:
            raise InvalidInput("an exclusion that is entered has the instant at which it was; set `created`")
        entry = AuditEntry(exclusion.created, exclusion.author, AuditAction.EXCLUSION_ADDED, exclusion.id, _described(exclusion))
        with self._database.transaction() as connection:
            if not insert_new(connection, EXCLUSIONS, row_of(exclusion, EXCLUSIONS)):
                raise Conflict(f"there is an exclusion with the id {exclusion.id!r} already; give another id, or none")
            write_audit(connection, entry)

    def withdraw(self, id: str, author: str, reason: str, at: Instant) -> None:  # noqa: A002 - as the record says
        """
        Take an exclusion out of force; it is kept for the audit.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was withdrawn before.
            InvalidInput: Author or reason are blank.
        """
        with self._database.transaction() as connection:
            withdraw(connection, EXCLUSIONS, "exclusion", id, Withdrawal(at, author, reason))
            write_audit(connection, AuditEntry(at, author, AuditAction.EXCLUSION_WITHDRAWN, id, reason))

    def list(self, slo: str | None = None, service: str | None = None, *, include_withdrawn: bool = False) -> Sequence[Exclusion]:
        """
        Exclusions in the order in which they were entered.

        Args:
            slo: With `service`, those that apply to this SLO of this service; alone, those that name it; None for all.
            service: The same.
            include_withdrawn: Also those that are no longer in force.
        """
        wanted = true() if include_withdrawn else EXCLUSIONS.c.withdrawn_at.is_(None)
        query = select(EXCLUSIONS).where(wanted, concerns(EXCLUSIONS, slo, service)).order_by(EXCLUSIONS.c.created, EXCLUSIONS.c.id)
        with self._database.reading() as connection:
            return [record_of(Exclusion, row, withdrawn=withdrawal_of(row)) for row in connection.execute(query).mappings()]


def _described(exclusion: Exclusion) -> str:
    of = f"SLO {exclusion.slo}" if exclusion.slo else f"all SLOs of {exclusion.service}"
    start = f" from {format_instant(exclusion.start)}" if exclusion.start is not None else ""
    end = f" until {format_instant(exclusion.end)}" if exclusion.end is not None else ""
    query = f" where {exclusion.query}" if exclusion.query else ""
    return f"{of}{start}{end}{query}: {exclusion.reason}"
