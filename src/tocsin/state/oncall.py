"""Overrides, swaps, pages and who was called when."""

from __future__ import annotations

from tocsin.state.database import Database


class Oncall:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
