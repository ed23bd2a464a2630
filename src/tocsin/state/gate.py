"""Questions to the deploy gate with their answers, for the audit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from tocsin.errors import Conflict
from tocsin.model.budget import GateRecord
from tocsin.model.instant import Instant
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import record_of, row_of
from tocsin.state.tables import GATE_RECORDS

LIMIT = 100


class Gate:
    """Keeps what the gate was asked and said; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, record: GateRecord) -> None:
        """
        Keep a question and its answer.

        Raises:
            Conflict: The id is taken.
        """
        with self._database.transaction() as connection:
            if not insert_new(connection, GATE_RECORDS, row_of(record, GATE_RECORDS)):
                raise Conflict(f"there is an answer of the gate with the id {record.id!r} already")

    def list(self, service: str | None = None, limit: int = LIMIT) -> Sequence[GateRecord]:
        """The last `limit` answers about a service (None: all), the newest first."""
        query = select(GATE_RECORDS).order_by(GATE_RECORDS.c.at.desc(), GATE_RECORDS.c.id.desc()).limit(limit)
        if service is not None:
            query = query.where(GATE_RECORDS.c.service == service)
        with self._database.reading() as connection:
            return [record_of(GateRecord, row) for row in connection.execute(query).mappings()]

    def expire(self, before: Instant) -> int:
        """Drop answers that are older; pipelines may ask every minute. Returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(delete(GATE_RECORDS).where(GATE_RECORDS.c.at < before)).rowcount
