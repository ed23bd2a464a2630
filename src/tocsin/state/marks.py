"""What people said about causes: which incident, maintenance or dependency consumed a budget."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from tocsin.errors import Conflict, InvalidInput
from tocsin.model.budget import CauseKind, CauseMark, Withdrawal
from tocsin.model.instant import Instant, format_instant
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import record_of, row_of, signed
from tocsin.state.tables import CAUSE_MARKS
from tocsin.state.withdrawals import concerns, withdraw, withdrawal_of


class Marks:
    """Keeps marks; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, mark: CauseMark) -> None:
        """
        Keep a mark, in force from now on.

        Raises:
            Conflict: The id is taken.
            InvalidInput: Author or reason are blank, or it ends before it starts.
        """
        signed("a mark", {"id": mark.id, "author": mark.author, "reason": mark.reason})
        if mark.end <= mark.start:
            raise InvalidInput(f"the mark ends at {format_instant(mark.end)}, not after its start {format_instant(mark.start)}")
        subject = f"SLO {mark.slo}" if mark.slo else f"all SLOs of {mark.service}"
        detail = (
            f"{subject} from {format_instant(mark.start)} until {format_instant(mark.end)}: {mark.kind.value} {mark.cause}, {mark.reason}"
        )
        with self._database.transaction() as connection:
            if not insert_new(connection, CAUSE_MARKS, row_of(mark, CAUSE_MARKS)):
                raise Conflict(f"there is a mark with the id {mark.id!r} already; give another id, or none")
            write_audit(connection, AuditEntry(mark.created, mark.author, AuditAction.MARK_ADDED, mark.id, detail))

    def withdraw(self, id: str, author: str, reason: str, at: Instant) -> None:  # noqa: A002 - as the record says
        """
        Take a mark out of force; it is kept for the audit.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was withdrawn before.
            InvalidInput: Author or reason are blank.
        """
        with self._database.transaction() as connection:
            withdraw(connection, CAUSE_MARKS, "mark", id, Withdrawal(at, author, reason))
            write_audit(connection, AuditEntry(at, author, AuditAction.MARK_WITHDRAWN, id, reason))

    def list(
        self,
        slo: str | None = None,
        service: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        *,
        include_withdrawn: bool = False,
    ) -> Sequence[CauseMark]:
        """
        Marks whose time overlaps [start, end), by their start.

        Args:
            slo: With `service`, those that apply to this SLO of this service; alone, those that name it; None for all.
            service: The same.
            start: Nanoseconds since 1970; None is open.
            end: The same.
            include_withdrawn: Also those that are no longer in force.
        """
        marks = CAUSE_MARKS.c
        query = select(CAUSE_MARKS).where(concerns(CAUSE_MARKS, slo, service)).order_by(marks.start, marks.id)
        if not include_withdrawn:
            query = query.where(marks.withdrawn_at.is_(None))
        if start is not None:
            query = query.where(marks.end > start)
        if end is not None:
            query = query.where(marks.start < end)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings()
            return [record_of(CauseMark, row, kind=CauseKind(row["kind"]), withdrawn=withdrawal_of(row)) for row in rows]
