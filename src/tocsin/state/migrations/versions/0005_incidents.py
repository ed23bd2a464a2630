"""Incidents, timelines, evidence, postmortems, action items, guards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INT64 = sa.BigInteger()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _incidents()
    _what_happened()
    _what_was_learnt()


def _incidents() -> None:
    op.create_table(
        "incidents", *_numbered(), *_texts("title", "service", "severity", "signature", "source"), *_int64s("opened_at"),
        *_texts("opened_by", "state", "step"), *_or_none("alerted_at", "first_bad_at", "acknowledged_at"), *_texts("acknowledged_by"),
        *_or_none("mitigated_at", "watch_since", "resolved_at", "closed_at"),
        *_texts("closed_by", "no_guard_reason", "no_postmortem_reason", "public_title", "lead", "communications", "scribe"),
        _small("guards_known"), *_texts("runbook"), sa.PrimaryKeyConstraint("number", name="incidents_pkey"),
    )  # fmt: skip
    op.create_index("incidents_by_state", "incidents", ["state", "service"])
    op.create_index("incidents_by_time", "incidents", ["opened_at"])
    op.create_table(
        "incident_steps", *_int64s("incident"), *_texts("step"), *_or_none("entered_at"), *_texts("entered_by"), *_or_none("ended_at"),
        *_texts("skipped"), sa.PrimaryKeyConstraint("incident", "step", name="incident_steps_pkey"),
    )  # fmt: skip
    op.create_table(
        "incident_groups", *_int64s("incident"), *_texts("group_key"), *_int64s("joined_at"), *_texts("reason"),
        sa.PrimaryKeyConstraint("incident", "group_key", name="incident_groups_pkey"),
    )  # fmt: skip
    op.create_table(
        "incident_alerts", *_int64s("incident"), *_texts("fingerprint", "group_key", "labels", "annotations"), *_int64s("starts_at"),
        *_or_none("ends_at"), sa.Column("value", sa.Text()), *_texts("rule"),
        sa.PrimaryKeyConstraint("incident", "fingerprint", name="incident_alerts_pkey"),
    )  # fmt: skip


def _what_happened() -> None:
    op.create_table(
        "incident_entries", *_numbered(), *_int64s("incident", "at"), *_texts("kind", "text", "who", "link"),
        sa.Column("frozen", sa.Boolean(), nullable=False), sa.PrimaryKeyConstraint("number", name="incident_entries_pkey"),
    )  # fmt: skip
    op.create_index("incident_entries_by_time", "incident_entries", ["incident", "at"])
    op.create_table(
        "incident_updates", *_numbered(), *_int64s("incident", "at"), *_texts("status", "text", "author"),
        sa.PrimaryKeyConstraint("number", name="incident_updates_pkey"),
    )  # fmt: skip
    op.create_index("incident_updates_by_time", "incident_updates", ["incident", "at"])
    op.create_table(
        "incident_evidence", *_numbered(), *_int64s("incident"), *_texts("kind", "question", "title", "state"), *_int64s("pinned_at"),
        *_texts("pinned_by", "answer"), *_int64s("size_bytes"), *_texts("cut"), _small("attempts"), *_texts("detail"),
        sa.PrimaryKeyConstraint("number", name="incident_evidence_pkey"),
    )  # fmt: skip
    op.create_index("incident_evidence_by_incident", "incident_evidence", ["incident", "number"])
    op.create_index("incident_evidence_by_state", "incident_evidence", ["state"])
    op.create_table(
        "incident_ticks", *_int64s("incident"), *_texts("runbook"), _small("step"), *_int64s("at"), *_texts("by"),
        sa.PrimaryKeyConstraint("incident", "runbook", "step", name="incident_ticks_pkey"),
    )  # fmt: skip


def _what_was_learnt() -> None:
    op.create_table(
        "postmortems", *_int64s("incident"), _small("version"), *_int64s("at"), *_texts("author", "text"),
        sa.PrimaryKeyConstraint("incident", "version", name="postmortems_pkey"),
    )  # fmt: skip
    op.create_table(
        "action_items", *_numbered(), *_int64s("incident"), *_texts("text", "owner", "due"), *_int64s("created_at"), *_texts("created_by"),
        *_or_none("done_at"), *_texts("done_by"), sa.PrimaryKeyConstraint("number", name="action_items_pkey"),
    )  # fmt: skip
    op.create_index("action_items_by_incident", "action_items", ["incident"])
    op.create_table(
        "guards", *_numbered(), *_int64s("incident"), *_texts("kind", "name", "path", "signature"), *_int64s("created_at"),
        *_texts("created_by"), sa.PrimaryKeyConstraint("number", name="guards_pkey"),
    )  # fmt: skip
    op.create_index("guards_by_name", "guards", ["name"], unique=True)
    op.create_index("guards_by_signature", "guards", ["signature"])


def _numbered() -> list[sa.Column[int]]:
    return [sa.Column("number", _NUMBER, nullable=False)]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _int64s(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _INT64, nullable=False) for name in names]


def _or_none(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _INT64) for name in names]


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)
