"""Incidents, timelines, evidence, postmortems, action items, guards."""

from __future__ import annotations

from tocsin.state.database import Database


class Incidents:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
