"""
Tables behind `state.incidents`. Nothing here is ever deleted: an incident outlives the telemetry that it was about.

Labels, annotations, questions and answers are JSON in a text; a value is a text because not every database has NaN.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text

from tocsin.state.tables import INT64, METADATA, NUMBER, int64, text


def _instant_or_none(*names: str) -> list[Column[int]]:
    return [Column(name, INT64) for name in names]


def _of_incident() -> Column[int]:
    return Column("incident", INT64, primary_key=True, autoincrement=False)


INCIDENTS = Table(
    "incidents", METADATA, Column("number", NUMBER, primary_key=True), text("title"), text("service"), text("severity"), text("signature"),
    text("source"), int64("opened_at"), text("opened_by"), text("state"), text("step"),
    *_instant_or_none("alerted_at", "first_bad_at", "acknowledged_at"), text("acknowledged_by"),
    *_instant_or_none("mitigated_at", "watch_since", "resolved_at", "closed_at"), text("closed_by"), text("no_guard_reason"),
    text("no_postmortem_reason"), text("public_title"), text("lead"), text("communications"), text("scribe"),
    Column("guards_known", Integer, nullable=False), text("runbook"),
    Index("incidents_by_state", "state", "service"), Index("incidents_by_time", "opened_at"),
)  # fmt: skip

INCIDENT_STEPS = Table(
    "incident_steps", METADATA, _of_incident(), Column("step", Text, primary_key=True), *_instant_or_none("entered_at"),
    text("entered_by"), *_instant_or_none("ended_at"), text("skipped"),
)  # fmt: skip

INCIDENT_GROUPS = Table(
    "incident_groups", METADATA, _of_incident(), Column("group_key", Text, primary_key=True), int64("joined_at"), text("reason"),
)  # fmt: skip

INCIDENT_ALERTS = Table(
    "incident_alerts", METADATA, _of_incident(), Column("fingerprint", Text, primary_key=True), text("group_key"), text("labels"),
    text("annotations"), int64("starts_at"), *_instant_or_none("ends_at"), Column("value", Text), text("rule"),
)  # fmt: skip

# `frozen` entries are what other rooms knew when the incident was closed.
INCIDENT_ENTRIES = Table(
    "incident_entries", METADATA, Column("number", NUMBER, primary_key=True), int64("incident"), int64("at"), text("kind"), text("text"),
    text("who"), text("link"), Column("frozen", Boolean, nullable=False), Index("incident_entries_by_time", "incident", "at"),
)  # fmt: skip

INCIDENT_UPDATES = Table(
    "incident_updates", METADATA, Column("number", NUMBER, primary_key=True), int64("incident"), int64("at"), text("status"), text("text"),
    text("author"), Index("incident_updates_by_time", "incident", "at"),
)  # fmt: skip

INCIDENT_EVIDENCE = Table(
    "incident_evidence", METADATA, Column("number", NUMBER, primary_key=True), int64("incident"), text("kind"), text("question"),
    text("title"), text("state"), int64("pinned_at"), text("pinned_by"), text("answer"), int64("size_bytes"), text("cut"),
    Column("attempts", Integer, nullable=False), text("detail"), Index("incident_evidence_by_incident", "incident", "number"),
    Index("incident_evidence_by_state", "state"),
)  # fmt: skip

INCIDENT_TICKS = Table(
    "incident_ticks", METADATA, _of_incident(), Column("runbook", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False), int64("at"), text("by"),
)  # fmt: skip

POSTMORTEMS = Table(
    "postmortems", METADATA, _of_incident(), Column("version", Integer, primary_key=True, autoincrement=False), int64("at"), text("author"),
    text("text"),
)  # fmt: skip

ACTION_ITEMS = Table(
    "action_items", METADATA, Column("number", NUMBER, primary_key=True), int64("incident"), text("text"), text("owner"), text("due"),
    int64("created_at"), text("created_by"), *_instant_or_none("done_at"), text("done_by"), Index("action_items_by_incident", "incident"),
)  # fmt: skip

GUARDS = Table(
    "guards", METADATA, Column("number", NUMBER, primary_key=True), int64("incident"), text("kind"), text("name"), text("path"),
    text("signature"), int64("created_at"), text("created_by"), Index("guards_by_name", "name", unique=True),
    Index("guards_by_signature", "signature"),
)  # fmt: skip
