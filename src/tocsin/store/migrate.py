"""
Numbered migrations: `migrations/NNNN_name.sql`, applied in order, each once, recorded in the table `schema_migrations`.

Every statement is written so that repeating it changes nothing (IF NOT EXISTS): a crash between a statement and its record is harmless.
Files are never edited once released; a change is a new file.
"""

from __future__ import annotations

import re
from importlib import resources

from tocsin.errors import StoreError
from tocsin.store.engine import Engine
from tocsin.store.sql import Sql

RECORDS_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String, applied DateTime DEFAULT now())
ENGINE = MergeTree ORDER BY version"""


def migrate(engine: Engine) -> list[str]:
    """
    Bring the tables up to date.

    Returns:
        Names of the migrations applied now, in order; empty when nothing was to do.

    Raises:
        StoreError: The tables were written by a newer Tocsin, or the engine refused.
    """
    engine.execute(Sql(RECORDS_TABLE))
    done = {row[0] for row in engine.query(Sql("SELECT version FROM schema_migrations")).rows}
    known = _migrations()
    if unknown := done - {version for version, _, _ in known}:
        raise StoreError(
            f"the data directory was written by a newer Tocsin (migration {max(unknown)}, this one knows {known[-1][0]}); "
            "upgrade Tocsin to open it"
        )
    applied = []
    for version, name, text in known:
        if version in done:
            continue
        for statement in statements(text):
            engine.execute(Sql(statement))
        engine.execute(Sql("INSERT INTO schema_migrations (version, name) SELECT {v:UInt32}, {n:String}", {"v": version, "n": name}))
        applied.append(name)
    return applied


def statements(text: str) -> list[str]:
    """The statements of a migration file: comments removed, split at semicolons that end a line."""
    bare = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", bare) if part.strip()]


def _migrations() -> list[tuple[int, str, str]]:
    folder = resources.files("tocsin.store") / "migrations"
    files = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name.split("_")[0]), name.removesuffix(".sql"), entry.read_text(encoding="utf-8")) for name, entry in files]
