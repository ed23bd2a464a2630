"""A service's own SQLite file. Connections are short: one per piece of work, closed with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

LOCK_WAIT_S = 5.0  # SQLite has one writer at a time; under the demo's load nobody waits a tenth of that

Row = tuple[str | int | float | None, ...]


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Cursor]:
    """
    A cursor whose work is committed at the end, or rolled back when an exception leaves the block.

    Statements go through a cursor because the OpenTelemetry instrumentation makes spans of those alone.
    """
    with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as connection, connection, closing(connection.cursor()) as cursor:
        yield cursor


def prepare(path: Path, schema: str) -> None:
    """Create the tables of `schema` if they are missing; readers don't wait for the writer afterwards (write-ahead log)."""
    with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema)
