"""
The tables of the relational state, one for each kind of record in `model/budget.py` and `model/deployment.py`, and the audit.

A column has the name of the record's field. Instants are nanoseconds since 1970 in 64 bits, as everywhere; enums are their values.
What people decided is never deleted: what is withdrawn says when, by whom and why. The migrations make these tables; a test compares.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, Table, Text

INT64 = BigInteger()
# SQLite numbers rows by itself only where the type is INTEGER, which has 64 bits there.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")

METADATA = MetaData(naming_convention={"pk": "%(table_name)s_pkey"})


def text(name: str) -> Column[str]:
    """A text that is always there."""
    return Column(name, Text, nullable=False)


def int64(name: str) -> Column[int]:
    """A number of 64 bits that is always there."""
    return Column(name, INT64, nullable=False)


def _withdrawal() -> tuple[Column[int], Column[str], Column[str]]:
    return Column("withdrawn_at", INT64), Column("withdrawn_by", Text), Column("withdrawn_reason", Text)


DEPLOYMENTS = Table(
    "deployments", METADATA, Column("id", Text, primary_key=True), text("service"), text("version"), int64("at"), text("source"),
    text("status"), text("environment"), text("author"), text("url"), text("description"), text("previous_version"),
    Index("deployments_by_service", "service", "at"), Index("deployments_by_time", "at"),
)  # fmt: skip

EXCLUSIONS = Table(
    "exclusions", METADATA, Column("id", Text, primary_key=True), text("slo"), text("service"), Column("start", INT64),
    Column("end", INT64), text("query"), text("author"), text("reason"), text("source"), int64("created"), *_withdrawal(),
)  # fmt: skip

CAUSE_MARKS = Table(
    "cause_marks", METADATA, Column("id", Text, primary_key=True), text("slo"), text("service"), int64("start"), int64("end"),
    text("kind"), text("cause"), text("author"), text("reason"), int64("created"), *_withdrawal(),
    Index("cause_marks_by_time", "start"),
)  # fmt: skip

POLICY_EXCEPTIONS = Table(
    "policy_exceptions", METADATA, Column("id", Text, primary_key=True), text("service"), text("kind"), text("author"),
    text("reason"), int64("created"), int64("expires"), int64("uses_left"), Index("policy_exceptions_by_service", "service", "expires"),
)  # fmt: skip

# `remaining_ratio` is null where it is not a number: SQLite has none of those.
POLICY_TRANSITIONS = Table(
    "policy_transitions", METADATA, Column("number", NUMBER, primary_key=True), text("objective"), text("policy"), text("previous"),
    text("state"), int64("at"), Column("remaining_ratio", Double), Index("policy_transitions_by_objective", "objective", "at"),
)  # fmt: skip

GATE_RECORDS = Table(
    "gate_records", METADATA, Column("id", Text, primary_key=True), text("service"), int64("at"), text("verdict"), text("reason"),
    Column("risk_minutes", Double, nullable=False), Column("probability", Double, nullable=False), text("exception"),
    Index("gate_records_by_service", "service", "at"), Index("gate_records_by_time", "at"),
)  # fmt: skip

COUNT_PROGRESS = Table(
    "count_progress", METADATA, Column("objective", Text, primary_key=True), text("revision"), int64("counted_from_s"),
    Column("backfilled", Boolean, nullable=False), int64("known_from_s"), int64("updated_s"),
)  # fmt: skip

AUDIT = Table(
    "audit", METADATA, Column("number", NUMBER, primary_key=True), int64("at"), text("author"), text("action"), text("subject"),
    text("detail"), Index("audit_by_time", "at"),
)  # fmt: skip
