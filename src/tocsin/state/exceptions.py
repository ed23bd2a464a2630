"""Exceptions from a budget policy: leave to deploy, so many times, until a certain moment."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, select, update

from tocsin.errors import Conflict, InvalidInput
from tocsin.model.budget import PolicyException
from tocsin.model.instant import Instant, format_instant
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import checked, record_of, row_of, signed
from tocsin.state.tables import POLICY_EXCEPTIONS

GATE = "gate"  # who used an exception, where nobody said


class Exceptions:
    """Keeps exceptions and counts their uses; safe to call from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(self, exception: PolicyException) -> None:
        """
        Keep an exception.

        Raises:
            Conflict: The id is taken.
            InvalidInput: Author or reason are blank, it expires before it begins, or it lets nothing through.
        """
        signed("an exception", {"id": exception.id, "author": exception.author, "reason": exception.reason, "service": exception.service})
        if exception.expires <= exception.created:
            raise InvalidInput(f"the exception expires at {format_instant(exception.expires)}, not after it was granted")
        if exception.uses_left < 1:
            raise InvalidInput(f"the exception lets {exception.uses_left} deployments through; expected 1 or more")
        detail = (
            f"{exception.kind} for {exception.service}, {exception.uses_left} times until {format_instant(exception.expires)}:"
            f" {exception.reason}"
        )
        entry = AuditEntry(exception.created, exception.author, AuditAction.EXCEPTION_GRANTED, exception.id, detail)
        with self._database.transaction() as connection:
            if not insert_new(connection, POLICY_EXCEPTIONS, row_of(exception, POLICY_EXCEPTIONS)):
                raise Conflict(f"there is an exception with the id {exception.id!r} already; give another id, or none")
            write_audit(connection, entry)

    def list(self, service: str | None = None, at: Instant | None = None) -> Sequence[PolicyException]:
        """
        Exceptions, the one that expires first, first.

        Args:
            service: Whose; None for all.
            at: Only those that hold at this instant and are not used up; None for all that were ever granted.
        """
        query = select(POLICY_EXCEPTIONS).order_by(POLICY_EXCEPTIONS.c.expires, POLICY_EXCEPTIONS.c.id)
        if service is not None:
            query = query.where(POLICY_EXCEPTIONS.c.service == service)
        if at is not None:
            query = query.where(_holds(at))
        with self._database.reading() as connection:
            return [record_of(PolicyException, row) for row in connection.execute(query).mappings()]

    def use(self, id: str, at: Instant, *, author: str = GATE, detail: str = "") -> bool:  # noqa: A002 - as the record says
        """
        Take one of the uses that are left; of several callers that want the last one, one gets it.

        Args:
            id: Which exception.
            at: When: it must hold then.
            author: Who uses it, for the audit.
            detail: For what, for the audit.

        Returns:
            Whether one was taken: False when none is left, it does not hold at `at`, or there is none with this id.
        """
        taken = (
            # One statement: the database looks at `uses_left` and lowers it under the row's lock.
            update(POLICY_EXCEPTIONS)
            .where(POLICY_EXCEPTIONS.c.id == checked("id", id), _holds(at))
            .values(uses_left=POLICY_EXCEPTIONS.c.uses_left - 1)
        )
        with self._database.transaction() as connection:
            if connection.execute(taken).rowcount != 1:
                return False
            write_audit(connection, AuditEntry(at, author, AuditAction.EXCEPTION_USED, id, detail))
            return True


def _holds(at: Instant) -> ColumnElement[bool]:
    exceptions = POLICY_EXCEPTIONS.c
    return and_(exceptions.created <= at, exceptions.expires > at, exceptions.uses_left > 0)
