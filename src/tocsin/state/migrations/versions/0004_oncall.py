"""Overrides, swaps, pages and who was called when."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make every table."""
