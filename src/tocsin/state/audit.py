"""
The audit: who decided what, when, about what. Each decision writes its row in its own transaction, so neither is there without the other.

Rows are never changed and never deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, insert, select

from tocsin.model.instant import Instant
from tocsin.state.database import Database
from tocsin.state.rows import record_of, row_of
from tocsin.state.tables import AUDIT

LIMIT = 100


class AuditAction(Enum):
    """What was done; the value is its name in JSON."""

    EXCLUSION_ADDED = "exclusion_added"
    EXCLUSION_WITHDRAWN = "exclusion_withdrawn"
    MARK_ADDED = "mark_added"
    MARK_WITHDRAWN = "mark_withdrawn"
    EXCEPTION_GRANTED = "exception_granted"
    EXCEPTION_USED = "exception_used"
    DEPLOYMENT_MARKED = "deployment_marked"
    SILENCE_ADDED = "silence_added"
    SILENCE_CHANGED = "silence_changed"
    SILENCE_EXPIRED = "silence_expired"
    OVERRIDE_ADDED = "override_added"
    OVERRIDE_WITHDRAWN = "override_withdrawn"
    SWAP_ASKED = "swap_asked"
    SWAP_ACCEPTED = "swap_accepted"
    SWAP_DECLINED = "swap_declined"
    SWAP_WITHDRAWN = "swap_withdrawn"
    PAGE_ACKNOWLEDGED = "page_acknowledged"
    CALENDAR_ROTATED = "calendar_rotated"
    CALENDAR_REVOKED = "calendar_revoked"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """
    One decision.

    Args:
        at: When.
        author: Who; may be empty only where a machine asked, or nobody said.
        action: What was done.
        subject: Id of what it was done to.
        detail: The same in words, for people.
    """

    at: Instant
    author: str
    action: AuditAction
    subject: str
    detail: str


class Audit:
    """Reads the audit; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, limit: int = LIMIT) -> list[AuditEntry]:
        """The last `limit` decisions, in the order in which they were written down, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)).mappings()
            return [record_of(AuditEntry, row, action=AuditAction(row["action"])) for row in rows]


def write_audit(connection: Connection, entry: AuditEntry) -> None:
    """Keep a decision, in the transaction that carries it out."""
    connection.execute(insert(AUDIT).values(row_of(entry, AUDIT)))
