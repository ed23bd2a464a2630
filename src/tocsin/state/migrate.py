"""
Bring the tables up to date when the database is opened, all or nothing: on both databases a migration is one transaction.

Alembic keeps the number of the last migration in its own table `alembic_version`.
"""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tocsin.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "head"

# Alembic's `op` and `context` are globals of the process.
_one_at_a_time = threading.Lock()


def migrate(connection: Connection) -> list[str]:
    """
    Apply the migrations that are missing.

    Args:
        connection: In a transaction that nobody else can write beside; the caller commits it.

    Returns:
        The numbers of those applied now, in order; empty when nothing was to do.

    Raises:
        StoreError: The tables were written by a newer Tocsin.
    """
    with _one_at_a_time:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
        done = MigrationContext.configure(connection).get_current_revision()
        if done is not None and done not in known:
            raise _newer(done, known[-1])
        missing = known[known.index(done) + 1 :] if done else known
        if missing:
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)
        return missing


def _newer(done: str, known: str) -> StoreError:
    error = StoreError(
        f"the relational state was written by a newer Tocsin (migration {done}, this one knows {known}); upgrade Tocsin to open it"
    )
    error.retryable = False
    return error
