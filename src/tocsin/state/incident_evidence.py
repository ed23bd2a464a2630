"""Evidence: questions with their answers, copied here so that they outlive what retention drops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from tocsin.errors import NotFound
from tocsin.model.incident import Entry, Evidence, EvidenceKind, EvidenceState, FoundEvidence
from tocsin.state.database import Database
from tocsin.state.incident_story import write_entries
from tocsin.state.incident_tables import INCIDENT_EVIDENCE
from tocsin.state.rows import checked, record_of

# An answer may be a megabyte: a list shows what there is without reading it.
_HEAD = [column for column in INCIDENT_EVIDENCE.columns if column.name != "answer"]


class PinnedEvidence:
    """Keeps evidence; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, evidence: Evidence, *entries: Entry) -> Evidence:
        """Keep a question with its answer, and what the timeline says of it; returns it with its number."""
        with self._database.transaction() as connection:
            inserted = connection.execute(insert(INCIDENT_EVIDENCE).values(_row(evidence))).inserted_primary_key
            assert inserted is not None, "a row that was inserted has a number"
            write_entries(connection, evidence.incident, entries)
            return replace(evidence, number=inserted[0])

    def settle(self, evidence: Evidence, *entries: Entry) -> None:
        """Write down how a question that was asked again went."""
        with self._database.transaction() as connection:
            connection.execute(update(INCIDENT_EVIDENCE).where(INCIDENT_EVIDENCE.c.number == evidence.number).values(_row(evidence)))
            write_entries(connection, evidence.incident, entries)

    def list(self, incident: int) -> Sequence[FoundEvidence]:
        """What is pinned to one incident, without the answers, in the order in which it was pinned."""
        columns = INCIDENT_EVIDENCE.c
        query = select(*_HEAD).where(columns.incident == incident).order_by(columns.number)
        with self._database.reading() as connection:
            return [FoundEvidence(_record(row), row["size_bytes"]) for row in connection.execute(query).mappings()]

    def get(self, incident: int, number: int) -> Evidence:
        """
        One piece with its answer.

        Raises:
            NotFound: The incident has none with this number.
        """
        columns = INCIDENT_EVIDENCE.c
        query = select(INCIDENT_EVIDENCE).where(columns.number == checked("number", number), columns.incident == incident)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound(f"the incident has no evidence with the number {number}; its list shows which it has")
        return _record(row)

    def pending(self, limit: int = 100) -> Sequence[Evidence]:
        """Questions whose answers are still to come, the oldest first."""
        columns = INCIDENT_EVIDENCE.c
        query = select(*_HEAD).where(columns.state == EvidenceState.PENDING.value).order_by(columns.number).limit(limit)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


def _row(evidence: Evidence) -> dict[str, Any]:
    names = ("incident", "title", "pinned_at", "pinned_by", "answer", "cut", "attempts", "detail")
    row = {name: checked(name, getattr(evidence, name)) for name in names}
    question = checked("question", json.dumps(dict(evidence.question), ensure_ascii=False))
    sizes = {"size_bytes": len(evidence.answer.encode())}
    return {**row, **sizes, "kind": evidence.kind.value, "state": evidence.state.value, "question": question}


def _record(row: RowMapping) -> Evidence:
    kind, state = EvidenceKind(row["kind"]), EvidenceState(row["state"])
    return record_of(Evidence, row, kind=kind, state=state, question=json.loads(row["question"]))
