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


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _int64(name: str) -> Column[int]:
    return Column(name, INT64, nullable=False)


def _withdrawal() -> tuple[Column[int], Column[str], Column[str]]:
    return Column("withdrawn_at", INT64), Column("withdrawn_by", Text), Column("withdrawn_reason", Text)


DEPLOYMENTS = Table(
    "deployments", METADATA, Column("id", Text, primary_key=True), _text("service"), _text("version"), _int64("at"), _text("source"),
    _text("status"), _text("environment"), _text("author"), _text("url"), _text("description"), _text("previous_version"),
    Index("deployments_by_service", "service", "at"), Index("deployments_by_time", "at"),
)  # fmt: skip

EXCLUSIONS = Table(
    "exclusions", METADATA, Column("id", Text, primary_key=True), _text("slo"), _text("service"), Column("start", INT64),
    Column("end", INT64), _text("query"), _text("author"), _text("reason"), _text("source"), _int64("created"), *_withdrawal(),
)  # fmt: skip

CAUSE_MARKS = Table(
    "cause_marks", METADATA, Column("id", Text, primary_key=True), _text("slo"), _text("service"), _int64("start"), _int64("end"),
    _text("kind"), _text("cause"), _text("author"), _text("reason"), _int64("created"), *_withdrawal(),
    Index("cause_marks_by_time", "start"),
)  # fmt: skip

POLICY_EXCEPTIONS = Table(
    "policy_exceptions", METADATA, Column("id", Text, primary_key=True), _text("service"), _text("kind"), _text("author"),
    _text("reason"), _int64("created"), _int64("expires"), _int64("uses_left"), Index("policy_exceptions_by_service", "service", "expires"),
)  # fmt: skip

# `remaining_ratio` is null where it is not a number: SQLite has none of those.
POLICY_TRANSITIONS = Table(
    "policy_transitions", METADATA, Column("number", NUMBER, primary_key=True), _text("objective"), _text("policy"), _text("previous"),
    _text("state"), _int64("at"), Column("remaining_ratio", Double), Index("policy_transitions_by_objective", "objective", "at"),
)  # fmt: skip

GATE_RECORDS = Table(
    "gate_records", METADATA, Column("id", Text, primary_key=True), _text("service"), _int64("at"), _text("verdict"), _text("reason"),
    Column("risk_minutes", Double, nullable=False), Column("probability", Double, nullable=False), _text("exception"),
    Index("gate_records_by_service", "service", "at"), Index("gate_records_by_time", "at"),
)  # fmt: skip

COUNT_PROGRESS = Table(
    "count_progress", METADATA, Column("objective", Text, primary_key=True), _text("revision"), _int64("counted_from_s"),
    Column("backfilled", Boolean, nullable=False), _int64("known_from_s"), _int64("updated_s"),
)  # fmt: skip

AUDIT = Table(
    "audit", METADATA, Column("number", NUMBER, primary_key=True), _int64("at"), _text("author"), _text("action"), _text("subject"),
    _text("detail"), Index("audit_by_time", "at"),
)  # fmt: skip
