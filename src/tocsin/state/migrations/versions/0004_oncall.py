"""Overrides, swaps, pages, who was called when, and calendars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INT64 = sa.BigInteger()


def upgrade() -> None:
    """Make every table."""
    _what_people_change()
    _whom_pages_called()


def _what_people_change() -> None:
    op.create_table(
        "oncall_overrides", *_texts("id", "schedule"), _int64("start"), _int64("end"), *_texts("person", "replaces", "author", "reason"),
        _int64("created"), *_texts("swap"), sa.Column("withdrawn_at", _INT64), sa.Column("withdrawn_by", sa.Text()),
        sa.Column("withdrawn_reason", sa.Text()), sa.PrimaryKeyConstraint("id", name="oncall_overrides_pkey"),
    )  # fmt: skip
    op.create_index("oncall_overrides_by_end", "oncall_overrides", ["end"])
    op.create_table(
        "oncall_swaps", *_texts("id", "schedule"), _int64("start"), _int64("end"), *_texts("asked_by", "offered_to", "reason"),
        _int64("created"), *_texts("state", "decided_by"), sa.Column("decided_at", _INT64), *_texts("comment"),
        sa.PrimaryKeyConstraint("id", name="oncall_swaps_pkey"),
    )  # fmt: skip
    op.create_index("oncall_swaps_by_time", "oncall_swaps", ["created"])
    op.create_table(
        "oncall_feeds", *_texts("digest", "subject", "name", "author"), _int64("created"), sa.Column("revoked", _INT64),
        sa.PrimaryKeyConstraint("digest", name="oncall_feeds_pkey"),
    )  # fmt: skip
    op.create_index("oncall_feeds_by_name", "oncall_feeds", ["subject", "name"])


def _whom_pages_called() -> None:
    op.create_table(
        "oncall_pages", *_texts("id", "chain", "group_key", "kind", "state", "severity"), _int64("opened_at"),
        *_integers("step", "turn", "repeats_left"), sa.Column("due_at", _INT64), *_texts("content", "acknowledged_by"),
        sa.Column("acknowledged_at", _INT64), sa.Column("closed_at", _INT64), sa.Column("open_key", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="oncall_pages_pkey"),
    )  # fmt: skip
    op.create_index("oncall_pages_by_open_key", "oncall_pages", ["open_key"], unique=True)
    op.create_index("oncall_pages_by_due", "oncall_pages", ["due_at"])
    op.create_index("oncall_pages_by_time", "oncall_pages", ["opened_at"])
    op.create_index("oncall_pages_by_group", "oncall_pages", ["group_key"])
    op.create_table("oncall_starts", *_texts("key", "page"), _int64("at"), sa.PrimaryKeyConstraint("key", name="oncall_starts_pkey"))
    op.create_index("oncall_starts_by_time", "oncall_starts", ["at"])
    op.create_table(
        "oncall_calls", *_texts("key", "page", "chain", "person", "schedule", "channel"), _int64("at"), *_integers("step", "turn"),
        *_texts("reason"), sa.Column("wakes", sa.Boolean(), nullable=False), sa.Column("at_night", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="oncall_calls_pkey"),
    )  # fmt: skip
    op.create_index("oncall_calls_by_page", "oncall_calls", ["page"])
    op.create_index("oncall_calls_by_time", "oncall_calls", ["at"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _int64(name: str) -> sa.Column[int]:
    return sa.Column(name, _INT64, nullable=False)
