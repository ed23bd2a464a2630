"""How far the events of each objective are counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, select

from tocsin.model.budget import CountProgress
from tocsin.state.database import Database
from tocsin.state.insertion import insert_or_replace
from tocsin.state.rows import record_of, row_of
from tocsin.state.tables import COUNT_PROGRESS


class Progress:
    """Keeps the progress of counting; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Mapping[str, CountProgress]:
        """How far each objective is counted, by its key."""
        with self._database.reading() as connection:
            rows = connection.execute(select(COUNT_PROGRESS).order_by(COUNT_PROGRESS.c.objective)).mappings()
            return {row["objective"]: record_of(CountProgress, row) for row in rows}

    def put(self, progress: Sequence[CountProgress]) -> None:
        """Keep the progress of some objectives, all or none; of two about the same one, the last holds."""
        rows = {each.objective: row_of(each, COUNT_PROGRESS) for each in progress}
        if not rows:
            return
        with self._database.transaction() as connection:
            # In one order: two writers that lock the same rows in different orders would wait for each other for ever.
            insert_or_replace(connection, COUNT_PROGRESS, [rows[objective] for objective in sorted(rows)])

    def remove(self, objectives: Collection[str]) -> None:
        """Forget objectives that are gone; those that are not known are passed over."""
        if not objectives:
            return
        with self._database.transaction() as connection:
            connection.execute(delete(COUNT_PROGRESS).where(COUNT_PROGRESS.c.objective.in_(sorted(objectives))))
