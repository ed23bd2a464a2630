"""Alerts that rules keep: pending, firing, just resolved, so that a restart goes on where it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INT64 = sa.BigInteger()


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "rule_groups", sa.Column("group_key", sa.Text(), nullable=False), sa.Column("evaluated_at", _INT64, nullable=False),
        sa.PrimaryKeyConstraint("group_key", name="rule_groups_pkey"),
    )  # fmt: skip
    op.create_table(
        "rule_alerts", *_texts("content", "fingerprint", "group_key", "rule", "family", "labels", "annotations"),
        sa.Column("value", sa.Double()), *_texts("phase"), sa.Column("active_at", _INT64, nullable=False),
        sa.Column("fired_at", _INT64), sa.Column("resolved_at", _INT64), sa.Column("keep_firing_since", _INT64),
        sa.PrimaryKeyConstraint("content", "fingerprint", name="rule_alerts_pkey"),
    )  # fmt: skip
    op.create_index("rule_alerts_by_group", "rule_alerts", ["group_key"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
