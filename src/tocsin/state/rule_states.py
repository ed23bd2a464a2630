"""Alerts that rules keep: pending, firing, just resolved, so that a restart goes on where it was."""

from __future__ import annotations

from tocsin.state.database import Database


class RuleStates:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
