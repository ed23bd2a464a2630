"""Alerts that rules keep: pending, firing, just resolved, so that a restart goes on where it was."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make every table."""
