"""Alerts, groups, silences, notifications and their attempts, each step in one transaction."""

from __future__ import annotations

from tocsin.state.database import Database


class Alerting:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
