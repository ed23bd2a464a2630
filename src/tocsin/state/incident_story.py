"""What happened in an incident: entries of its timeline, updates for those affected, runbook steps that were done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, insert, select

from tocsin.errors import Conflict
from tocsin.model.incident import Entry, EntryKind, PublicUpdate, Tick, UpdateStatus
from tocsin.state.database import Database
from tocsin.state.incident_tables import INCIDENT_ENTRIES, INCIDENT_TICKS, INCIDENT_UPDATES
from tocsin.state.insertion import insert_new
from tocsin.state.rows import checked, record_of, row_of

LIMIT = 10_000


class Story:
    """Keeps it; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, incident: int, *entries: Entry) -> None:
        """Write down what happened in an incident that exists."""
        with self._database.transaction() as connection:
            write_entries(connection, incident, entries)

    def entries(self, incident: int) -> list[Entry]:
        """Everything that was written down about one incident, in the order in which it happened."""
        columns = INCIDENT_ENTRIES.c
        query = select(INCIDENT_ENTRIES).where(columns.incident == incident).order_by(columns.at, columns.number).limit(LIMIT)
        with self._database.reading() as connection:
            return [record_of(Entry, row, kind=EntryKind(row["kind"])) for row in connection.execute(query).mappings()]

    def updates(self, incidents: Iterable[int]) -> Mapping[int, Sequence[PublicUpdate]]:
        """What those affected were told, by incident, the newest first."""
        columns = INCIDENT_UPDATES.c
        query = select(INCIDENT_UPDATES).where(columns.incident.in_(list(incidents))).order_by(columns.at.desc(), columns.number.desc())
        found: dict[int, list[PublicUpdate]] = defaultdict(list)
        with self._database.reading() as connection:
            for row in connection.execute(query).mappings():
                found[row["incident"]].append(record_of(PublicUpdate, row, status=UpdateStatus(row["status"])))
        return found

    def tick(self, incident: int, tick: Tick, entry: Entry) -> None:
        """
        Write down that somebody did a step of a runbook.

        Raises:
            Conflict: It was done before.
        """
        with self._database.transaction() as connection:
            if not insert_new(connection, INCIDENT_TICKS, {"incident": incident, **row_of(tick, INCIDENT_TICKS)}):
                raise Conflict(f"step {tick.step} of {tick.runbook} was ticked off before; the runbook says by whom")
            write_entries(connection, incident, [entry])

    def ticks(self, incident: int) -> list[Tick]:
        """Steps of runbooks that were done, in their order."""
        columns = INCIDENT_TICKS.c
        query = select(INCIDENT_TICKS).where(columns.incident == incident).order_by(columns.runbook, columns.step)
        with self._database.reading() as connection:
            return [record_of(Tick, row) for row in connection.execute(query).mappings()]


def write_entries(connection: Connection, incident: int, entries: Sequence[Entry], *, frozen: bool = False) -> None:
    """Keep entries of a timeline, in the transaction of what they tell."""
    if entries:
        rows = [{"incident": incident, "frozen": frozen, **row_of(entry, INCIDENT_ENTRIES)} for entry in entries]
        connection.execute(insert(INCIDENT_ENTRIES), rows)


def write_update(connection: Connection, incident: int, update: PublicUpdate) -> None:
    """Keep what those affected are told, in the transaction of the change that it tells of."""
    connection.execute(insert(INCIDENT_UPDATES).values({"incident": checked("incident", incident), **row_of(update, INCIDENT_UPDATES)}))
