"""What exclusions and marks have in common: whom they concern, and that they are withdrawn rather than deleted."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, or_, select, true, update

from tocsin.errors import Conflict, NotFound
from tocsin.model.budget import Withdrawal
from tocsin.model.instant import format_instant
from tocsin.state.rows import checked, signed


def concerns(table: Table, slo: str | None, service: str | None) -> ColumnElement[bool]:
    """
    Rows about an SLO or a service.

    With both given, those that apply to this SLO of this service: the ones that name it and the ones for all SLOs of the service.
    With one given, those that name it; with none, all.
    """
    if slo is not None and service is not None:
        return or_(table.c.slo == slo, and_(table.c.slo == "", table.c.service == service))
    if slo is not None:
        return table.c.slo == slo
    return table.c.service == service if service is not None else true()


def withdraw(connection: Connection, table: Table, what: str, id: str, withdrawal: Withdrawal) -> RowMapping:  # noqa: A002 - as the records
    """
    Withdraw a row.

    Args:
        connection: In a transaction.
        table: Where it is.
        what: What it is, for messages.
        id: Which.
        withdrawal: Who, when and why.

    Returns:
        The row as it was.

    Raises:
        NotFound: No such row.
        Conflict: It was withdrawn before.
        InvalidInput: Author or reason are blank.
    """
    signed(f"withdrawing {what}", {"author": withdrawal.author, "reason": withdrawal.reason})
    row = connection.execute(select(table).where(table.c.id == checked("id", id)).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no {what} with the id {id!r}")
    if row["withdrawn_at"] is not None:
        raise Conflict(f"{what} {id!r} was withdrawn at {format_instant(row['withdrawn_at'])} by {row['withdrawn_by']}")
    given = {"withdrawn_at": withdrawal.at, "withdrawn_by": withdrawal.author, "withdrawn_reason": withdrawal.reason}
    connection.execute(update(table).where(table.c.id == id).values({name: checked(name, value) for name, value in given.items()}))
    return row


def withdrawal_of(row: RowMapping) -> Withdrawal | None:
    """Who withdrew the row, None while it is in force."""
    if row["withdrawn_at"] is None:
        return None
    return Withdrawal(at=row["withdrawn_at"], author=row["withdrawn_by"], reason=row["withdrawn_reason"])
