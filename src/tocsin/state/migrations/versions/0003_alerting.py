"""Alerts, groups, silences, notifications and their attempts, each step in one transaction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INT64 = sa.BigInteger()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _alerts()
    _notifications()


def _alerts() -> None:
    op.create_table(
        "alerts", *_texts("fingerprint", "labels", "annotations"), _int64("starts_at"), sa.Column("ends_at", _INT64),
        _int64("updated_at"), *_texts("generator_url"), sa.Column("value", sa.Text()), *_texts("source", "rule"),
        sa.PrimaryKeyConstraint("fingerprint", name="alerts_pkey"),
    )  # fmt: skip
    op.create_table(
        "alert_events", sa.Column("number", _NUMBER, nullable=False), _int64("at"),
        *_texts("kind", "fingerprint", "labels", "annotations"), sa.Column("value", sa.Text()),
        sa.PrimaryKeyConstraint("number", name="alert_events_pkey"),
    )  # fmt: skip
    op.create_index("alert_events_by_time", "alert_events", ["at"])
    op.create_index("alert_events_by_alert", "alert_events", ["fingerprint", "at"])
    op.create_table("alert_groups", *_texts("key", "content"), sa.PrimaryKeyConstraint("key", name="alert_groups_pkey"))
    op.create_table(
        "silences", *_texts("id", "matchers"), _int64("starts_at"), _int64("ends_at"), *_texts("author", "comment"),
        _int64("updated_at"), *_texts("annotations"), sa.PrimaryKeyConstraint("id", name="silences_pkey"),
    )  # fmt: skip
    op.create_index("silences_by_end", "silences", ["ends_at"])


def _notifications() -> None:
    op.create_table(
        "notifications", sa.Column("number", _NUMBER, nullable=False), *_texts("key", "group_key", "receiver", "channel", "reason"),
        _int64("created_at"), *_texts("content", "untold", "state"), _int64("next_attempt_at"),
        sa.Column("attempts", sa.Integer(), nullable=False), sa.Column("failing_since", _INT64), sa.Column("settled_at", _INT64),
        *_texts("replaced_by"), sa.PrimaryKeyConstraint("number", name="notifications_pkey"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("notifications_by_key", "notifications", ["key"], unique=True)
    op.create_index("notifications_by_state", "notifications", ["state", "number"])
    op.create_index("notifications_by_group", "notifications", ["group_key", "number"])
    op.create_index("notifications_by_time", "notifications", ["created_at"])
    op.create_table(
        "attempts", *_texts("notification"), sa.Column("number", sa.Integer(), nullable=False), _int64("at"),
        sa.Column("duration_s", sa.Double(), nullable=False), *_texts("outcome", "detail"),
        sa.PrimaryKeyConstraint("notification", "number", name="attempts_pkey"),
    )  # fmt: skip
    op.create_table("cursors", *_texts("name"), _int64("number"), sa.PrimaryKeyConstraint("name", name="cursors_pkey"))


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _int64(name: str) -> sa.Column[int]:
    return sa.Column(name, _INT64, nullable=False)
