"""Alerts, groups, silences, notifications and their attempts, each step in one transaction."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make every table."""
