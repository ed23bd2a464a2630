"""Deployments, exclusions, marks, exceptions, states of policies, questions to the gate, progress of counting, and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INT64 = sa.BigInteger()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _what_people_decide()
    _what_is_kept_of_budgets()
    op.create_table(
        "audit", sa.Column("number", _NUMBER, nullable=False), _int64("at"), *_texts("author", "action", "subject", "detail"),
        sa.PrimaryKeyConstraint("number", name="audit_pkey"),
    )  # fmt: skip
    op.create_index("audit_by_time", "audit", ["at"])


def _what_people_decide() -> None:
    op.create_table(
        "deployments", *_texts("id", "service", "version"), _int64("at"),
        *_texts("source", "status", "environment", "author", "url", "description", "previous_version"),
        sa.PrimaryKeyConstraint("id", name="deployments_pkey"),
    )  # fmt: skip
    op.create_index("deployments_by_service", "deployments", ["service", "at"])
    op.create_index("deployments_by_time", "deployments", ["at"])
    op.create_table(
        "exclusions", *_texts("id", "slo", "service"), sa.Column("start", _INT64), sa.Column("end", _INT64),
        *_texts("query", "author", "reason", "source"), _int64("created"), *_withdrawal(),
        sa.PrimaryKeyConstraint("id", name="exclusions_pkey"),
    )  # fmt: skip
    op.create_table(
        "cause_marks", *_texts("id", "slo", "service"), _int64("start"), _int64("end"), *_texts("kind", "cause", "author", "reason"),
        _int64("created"), *_withdrawal(), sa.PrimaryKeyConstraint("id", name="cause_marks_pkey"),
    )  # fmt: skip
    op.create_index("cause_marks_by_time", "cause_marks", ["start"])
    op.create_table(
        "policy_exceptions", *_texts("id", "service", "kind", "author", "reason"), _int64("created"), _int64("expires"),
        _int64("uses_left"), sa.PrimaryKeyConstraint("id", name="policy_exceptions_pkey"),
    )  # fmt: skip
    op.create_index("policy_exceptions_by_service", "policy_exceptions", ["service", "expires"])


def _what_is_kept_of_budgets() -> None:
    op.create_table(
        "policy_transitions", sa.Column("number", _NUMBER, nullable=False), *_texts("objective", "policy", "previous", "state"),
        _int64("at"), sa.Column("remaining_ratio", sa.Double()), sa.PrimaryKeyConstraint("number", name="policy_transitions_pkey"),
    )  # fmt: skip
    op.create_index("policy_transitions_by_objective", "policy_transitions", ["objective", "at"])
    op.create_table(
        "gate_records", *_texts("id", "service"), _int64("at"), *_texts("verdict", "reason"),
        sa.Column("risk_minutes", sa.Double(), nullable=False), sa.Column("probability", sa.Double(), nullable=False),
        *_texts("exception"), sa.PrimaryKeyConstraint("id", name="gate_records_pkey"),
    )  # fmt: skip
    op.create_index("gate_records_by_service", "gate_records", ["service", "at"])
    op.create_index("gate_records_by_time", "gate_records", ["at"])
    op.create_table(
        "count_progress", *_texts("objective", "revision"), _int64("counted_from_s"), sa.Column("backfilled", sa.Boolean(), nullable=False),
        _int64("known_from_s"), _int64("updated_s"), sa.PrimaryKeyConstraint("objective", name="count_progress_pkey"),
    )  # fmt: skip


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _int64(name: str) -> sa.Column[int]:
    return sa.Column(name, _INT64, nullable=False)


def _withdrawal() -> list[sa.Column[int] | sa.Column[str]]:
    return [sa.Column("withdrawn_at", _INT64), sa.Column("withdrawn_by", sa.Text()), sa.Column("withdrawn_reason", sa.Text())]
