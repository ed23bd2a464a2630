"""
Tables behind `state.alerting`: alerts with their history, groups, silences, the outbox of notifications, and how far its followers read.

Labels, annotations and what a notification says are JSON texts; columns beside them are what rows are found by. Texts in such columns are
made storable (see `alert_json.storable`): a label of telemetry may hold what no database keeps.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from tocsin.state.tables import INT64, METADATA, NUMBER, int64, text

# `value` is a text: not every database has infinities, and SQLite has no NaN.
ALERTS = Table(
    "alerts", METADATA, Column("fingerprint", Text, primary_key=True), text("labels"), text("annotations"), int64("starts_at"),
    Column("ends_at", INT64), int64("updated_at"), text("generator_url"), Column("value", Text), text("source"), text("rule"),
)  # fmt: skip

ALERT_EVENTS = Table(
    "alert_events", METADATA, Column("number", NUMBER, primary_key=True), int64("at"), text("kind"), text("fingerprint"), text("labels"),
    text("annotations"), Column("value", Text),
    Index("alert_events_by_time", "at"), Index("alert_events_by_alert", "fingerprint", "at"),
)  # fmt: skip

ALERT_GROUPS = Table("alert_groups", METADATA, Column("key", Text, primary_key=True), text("content"))

SILENCES = Table(
    "silences", METADATA, Column("id", Text, primary_key=True), text("matchers"), int64("starts_at"), int64("ends_at"), text("author"),
    text("comment"), int64("updated_at"), text("annotations"), Index("silences_by_end", "ends_at"),
)  # fmt: skip

# A number is never given twice, also after its row has expired: followers remember how far they read.
NOTIFICATIONS = Table(
    "notifications", METADATA, Column("number", NUMBER, primary_key=True, autoincrement=True), text("key"), text("group_key"),
    text("receiver"), text("channel"), text("reason"), int64("created_at"), text("content"), text("untold"), text("state"),
    int64("next_attempt_at"), Column("attempts", Integer, nullable=False), Column("failing_since", INT64), Column("settled_at", INT64),
    text("replaced_by"),
    Index("notifications_by_key", "key", unique=True), Index("notifications_by_state", "state", "number"),
    Index("notifications_by_group", "group_key", "number"), Index("notifications_by_time", "created_at"),
    sqlite_autoincrement=True,
)  # fmt: skip

ATTEMPTS = Table(
    "attempts", METADATA, Column("notification", Text, primary_key=True), Column("number", Integer, primary_key=True), int64("at"),
    Column("duration_s", Double, nullable=False), text("outcome"), text("detail"),
)  # fmt: skip

CURSORS = Table("cursors", METADATA, Column("name", Text, primary_key=True), int64("number"))
