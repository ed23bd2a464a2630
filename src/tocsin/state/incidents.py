"""
Incidents and all that belongs to them. Each change is one transaction: the incident's row, its steps, and what its timeline says of it.

    state.incidents.absorb(decide, alongside)        a page opens an incident or joins one, and the reader's place moves with it
    state.incidents.change(7, decide)                a person does something
    state.incidents.story, .evidence, .lessons       what happened, what was pinned, what was learnt
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sqlalchemy import Connection, RowMapping, Select, Table, func, insert, select, update

from tocsin.errors import NotFound
from tocsin.model.incident import (
    ID_PREFIX,
    Entry,
    Incident,
    IncidentAlert,
    IncidentGroup,
    IncidentSource,
    IncidentState,
    JoinReason,
    PublicUpdate,
    Step,
    StepRecord,
)
from tocsin.model.instant import Instant
from tocsin.model.severity import Severity
from tocsin.state.alert_json import json_text, storable, value_of, value_text
from tocsin.state.database import Database
from tocsin.state.incident_evidence import PinnedEvidence
from tocsin.state.incident_lessons import Lessons
from tocsin.state.incident_story import Story, write_entries, write_update
from tocsin.state.incident_tables import GUARDS, INCIDENT_ALERTS, INCIDENT_GROUPS, INCIDENT_STEPS, INCIDENTS
from tocsin.state.insertion import insert_or_replace
from tocsin.state.rows import checked, record_of, row_of

LIMIT = 1000
CHUNK = 500  # incidents that one statement asks for by number
ONE_AT_A_TIME = "incidents"  # of two pages of one service at once, the second one must see what the first one opened


@dataclass(frozen=True, slots=True)
class Change:
    """
    What shall become of an incident.

    Args:
        incident: As it shall be; `number` 0 for a new one.
        entries: What its timeline says of it.
        update: What those affected are told of it.
        frozen: What other rooms knew of its time, to be kept with it: set when it is closed.
    """

    incident: Incident
    entries: tuple[Entry, ...] = ()
    update: PublicUpdate | None = None
    frozen: tuple[Entry, ...] = ()


Deciding: TypeAlias = Callable[[Incident], "Change | None"]
Absorbing: TypeAlias = Callable[[Sequence[Incident], Mapping[str, int]], Sequence[Change]]


class Incidents:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.story = Story(database)
        self.evidence = PinnedEvidence(database)
        self.lessons = Lessons(database)

    def absorb(self, decide: Absorbing, alongside: Callable[[Connection], object] | None = None) -> list[Incident]:
        """
        Open incidents, or change open ones, with all open ones in sight and nobody else doing so meanwhile.

        Args:
            decide: Gets the open incidents and how many guards know each signature; says what shall change.
            alongside: Called in the same transaction, when something changes or not: to move the place up to which pages were read.

        Returns:
            Those that were opened or changed, as they are now.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, ONE_AT_A_TIME)
            known = _read(connection, select(INCIDENTS).where(INCIDENTS.c.state == IncidentState.OPEN.value).order_by(INCIDENTS.c.number))
            guarded = {row[0]: row[1] for row in connection.execute(select(GUARDS.c.signature, func.count()).group_by(GUARDS.c.signature))}
            before = {incident.number: incident for incident in known}
            done = [_write(connection, change, before.get(change.incident.number)) for change in decide(known, guarded)]
            if alongside is not None:
                alongside(connection)
            return done

    def change(self, number: int, decide: Deciding) -> Incident:
        """
        Change one incident as it is now; with None nothing changes.

        Raises:
            NotFound: There is none with this number.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, ONE_AT_A_TIME)
            incident = _one(connection, number)
            change = decide(incident)
            return incident if change is None else _write(connection, change, incident)

    def close(self, number: int, decide: Callable[[Incident, int, int], Change]) -> Incident:
        """
        Change one incident, knowing how many guards came from it and how many versions its postmortem has; nobody adds any meanwhile.

        Raises:
            NotFound: There is none with this number.
        """
        with self._database.transaction() as connection:
            self._database.serialize(connection, ONE_AT_A_TIME)
            incident = _one(connection, number)
            return _write(connection, decide(incident, *self.lessons.counts(connection, number)), incident)

    def get(self, number: int) -> Incident:
        """
        One incident.

        Raises:
            NotFound: There is none with this number.
        """
        with self._database.reading() as connection:
            return _one(connection, number)

    def list(
        self,
        *,
        state: IncidentState | None = None,
        service: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        limit: int = LIMIT,
    ) -> list[Incident]:
        """
        The newest incidents, the newest first.

        Args:
            state: Only those; None for all.
            service: Only its.
            start: Only those that were opened from then on, nanoseconds since 1970.
            end: Only those that were opened before.
            limit: How many at most.
        """
        columns = INCIDENTS.c
        query = select(INCIDENTS).order_by(columns.number.desc()).limit(limit)
        if state is not None:
            query = query.where(columns.state == state.value)
        if service is not None:
            query = query.where(columns.service == checked("service", service))
        if start is not None:
            query = query.where(columns.opened_at >= start)
        if end is not None:
            query = query.where(columns.opened_at < end)
        with self._database.reading() as connection:
            return _read(connection, query)

    def open_with_group(self, group_key: str) -> Incident | None:
        """The open incident that a group of alerts belongs to; None without one."""
        groups = INCIDENT_GROUPS.c
        query = select(INCIDENTS).where(
            INCIDENTS.c.state == IncidentState.OPEN.value,
            INCIDENTS.c.number.in_(select(groups.incident).where(groups.group_key == storable(group_key))),
        )
        with self._database.reading() as connection:
            return next(iter(_read(connection, query.order_by(INCIDENTS.c.number.desc()).limit(1))), None)

    def count_by_state(self) -> Mapping[IncidentState, int]:
        """How many there are in each state."""
        with self._database.reading() as connection:
            rows = connection.execute(select(INCIDENTS.c.state, func.count()).group_by(INCIDENTS.c.state))
            return Counter({IncidentState(state): count for state, count in rows})


def _one(connection: Connection, number: int) -> Incident:
    found = _read(connection, select(INCIDENTS).where(INCIDENTS.c.number == checked("number", number)))
    if not found:
        raise NotFound(f"there is no incident {ID_PREFIX}{number}; `tocsin incident` lists them")
    return found[0]


def _read(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Incident]:
    rows = connection.execute(query).mappings().all()
    numbers = [row["number"] for row in rows]
    steps = _belonging(connection, INCIDENT_STEPS, numbers, _step)
    groups = _belonging(connection, INCIDENT_GROUPS, numbers, _group)
    alerts = _belonging(connection, INCIDENT_ALERTS, numbers, _alert)
    order = list(Step)
    return [
        record_of(
            Incident,
            row,
            severity=Severity(row["severity"]),
            source=IncidentSource(row["source"]),
            state=IncidentState(row["state"]),
            step=Step(row["step"]),
            steps=tuple(sorted(steps[row["number"]], key=lambda record: order.index(record.step))),
            groups=tuple(sorted(groups[row["number"]], key=lambda group: (group.joined_at, group.group_key))),
            alerts=tuple(sorted(alerts[row["number"]], key=lambda alert: (alert.starts_at, alert.fingerprint))),
        )
        for row in rows
    ]


def _belonging(connection: Connection, table: Table, numbers: Sequence[int], read: Callable[[RowMapping], Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for start in range(0, len(numbers), CHUNK):
        query = select(table).where(table.c.incident.in_(numbers[start : start + CHUNK]))
        for row in connection.execute(query).mappings():
            found[row["incident"]].append(read(row))
    return found


def _step(row: RowMapping) -> StepRecord:
    return record_of(StepRecord, row, step=Step(row["step"]))


def _group(row: RowMapping) -> IncidentGroup:
    return record_of(IncidentGroup, row, reason=JoinReason(row["reason"]))


def _alert(row: RowMapping) -> IncidentAlert:
    labels, annotations = json.loads(row["labels"]), json.loads(row["annotations"])
    return record_of(IncidentAlert, row, labels=labels, annotations=annotations, value=value_of(row["value"]))


def _write(connection: Connection, change: Change, before: Incident | None) -> Incident:
    incident = change.incident
    kept = replace(
        incident,
        title=storable(incident.title),
        service=storable(incident.service),
        signature=storable(incident.signature),
        runbook=storable(incident.runbook),
    )
    row = {name: value for name, value in row_of(kept, INCIDENTS).items() if name != "number"}
    if incident.number:
        connection.execute(update(INCIDENTS).where(INCIDENTS.c.number == incident.number).values(row))
    else:
        inserted = connection.execute(insert(INCIDENTS).values(row)).inserted_primary_key
        assert inserted is not None, "a row that was inserted has a number"
        incident = replace(incident, number=inserted[0])
    _write_belongings(connection, incident, before)
    write_entries(connection, incident.number, change.entries)
    write_entries(connection, incident.number, change.frozen, frozen=True)
    if change.update is not None:
        write_update(connection, incident.number, change.update)
    return incident


def _write_belongings(connection: Connection, incident: Incident, before: Incident | None) -> None:
    own = {"incident": incident.number}
    if before is None or incident.steps != before.steps:
        # A step that people went back from is none any more, so steps are written anew rather than added to.
        connection.execute(INCIDENT_STEPS.delete().where(INCIDENT_STEPS.c.incident == incident.number))
        if incident.steps:
            connection.execute(insert(INCIDENT_STEPS), [{**own, **row_of(step, INCIDENT_STEPS)} for step in incident.steps])
    # An incident may have thousands of alerts, of which one has ended.
    groups = [group for group in incident.groups if before is None or group not in before.groups]
    known = {alert.fingerprint: alert for alert in before.alerts} if before else {}
    alerts = [alert for alert in incident.alerts if known.get(alert.fingerprint) != alert]
    if groups:
        insert_or_replace(connection, INCIDENT_GROUPS, [{**own, **_group_row(group)} for group in groups])
    if alerts:
        insert_or_replace(connection, INCIDENT_ALERTS, [{**own, **_alert_row(alert)} for alert in alerts])


def _group_row(group: IncidentGroup) -> dict[str, Any]:
    return _storable({"group_key": group.group_key, "joined_at": group.joined_at, "reason": group.reason.value})


def _alert_row(alert: IncidentAlert) -> dict[str, Any]:
    texts = {"labels": json_text(dict(alert.labels)), "annotations": json_text(dict(alert.annotations)), "value": value_text(alert.value)}
    plain = {name: getattr(alert, name) for name in ("fingerprint", "group_key", "starts_at", "ends_at", "rule")}
    return _storable({**plain, **texts})


def _storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Alerts bring labels of telemetry: what no database keeps must not stop the incident that they open."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}
