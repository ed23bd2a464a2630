"""Migrations: applied once and in order, safe to repeat after a crash anywhere, never over newer data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tocsin.errors import StoreError
from tocsin.model.signal import Signal
from tocsin.store.chdb import ChdbEngine
from tocsin.store.engine import SettingValue
from tocsin.store.migrate import migrate, statements
from tocsin.store.options import EngineOptions, StoreOptions
from tocsin.store.sql import Sql
from tocsin.store.tables import LOADS, SEGMENT_TABLES, TELEMETRY_TABLES, retention_days

TABLES = Sql("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name")


class CrashingEngine(ChdbEngine):
    """Fails at the statement that `crash_at` counts down to."""

    crash_at = -1

    def execute(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """See `Engine`."""
        self.crash_at -= 1
        if self.crash_at == 0:
            raise StoreError("killed")
        super().execute(statement, settings=settings)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[CrashingEngine]:
    """An empty engine."""
    opened = CrashingEngine(tmp_path / "engine", EngineOptions())
    yield opened
    opened.close()


def test_every_migration_is_applied_once(engine: CrashingEngine) -> None:
    """The first time all of them, in order; the second time none, and nothing changes."""
    applied = migrate(engine)
    assert applied == sorted(applied)
    assert [name[:4] for name in applied] == [f"{number:04}" for number in range(1, len(applied) + 1)]
    tables = engine.query(TABLES).rows
    assert migrate(engine) == []
    assert engine.query(TABLES).rows == tables
    assert engine.query(Sql("SELECT count(), uniqExact(version) FROM schema_migrations")).rows == [[len(applied)] * 2]


def test_a_crash_at_any_statement_is_repaired_by_the_next_start(engine: CrashingEngine) -> None:
    """Wherever the process dies, starting again brings the tables to what an undisturbed start gives."""
    crashes = 0
    while True:
        engine.crash_at = crashes + 2
        try:
            migrate(engine)
        except StoreError:
            crashes += 1
            continue
        break
    assert crashes > 3
    names = {row[0] for row in engine.query(TABLES).rows}
    assert set(TELEMETRY_TABLES) <= names
    engine.crash_at = -1
    for name, text in [(row[0], row[1]) for row in engine.query(TABLES).rows]:
        assert "CREATE" in text, name
    assert migrate(engine) == []


def test_data_of_a_newer_tocsin_is_left_alone(engine: CrashingEngine) -> None:
    """An older program says what to do rather than guess at tables that it does not know."""
    migrate(engine)
    engine.execute(Sql("INSERT INTO schema_migrations (version, name) VALUES (999, '0999_future')"))
    with pytest.raises(StoreError, match=r"newer Tocsin \(migration 999.*upgrade"):
        migrate(engine)


def test_statements_of_a_file() -> None:
    """Comments go; a statement ends at a semicolon that ends a line, not at one inside."""
    text = "-- a; comment;\nCREATE TABLE a (s String DEFAULT ';')\n  -- another\nENGINE = Null;\n\nSELECT ';' || 'x';  \n"
    assert statements(text) == ["CREATE TABLE a (s String DEFAULT ';')\n\nENGINE = Null", "SELECT ';' || 'x'"]


def test_every_table_that_is_named_exists(engine: CrashingEngine) -> None:
    """What loading, retention and the SQL door name is what the migrations make."""
    migrate(engine)
    names = {row[0] for row in engine.query(TABLES).rows}
    assert set(TELEMETRY_TABLES) <= names
    assert {table for tables in SEGMENT_TABLES.values() for table in tables} <= names
    assert set(retention_days(StoreOptions().retention)) <= names
    assert {load.table.split(" ")[0] for loads in LOADS.values() for load in loads} <= names
    assert set(LOADS) == set(SEGMENT_TABLES) == set(Signal)


def test_every_stored_table_survives_a_crash_and_a_replay(engine: CrashingEngine) -> None:
    """Each table is synced when written; those that hold telemetry drop inserts whose token they have seen."""
    migrate(engine)
    stored = engine.query(
        Sql("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
    )
    for name, text in stored.rows:
        if name not in {"schema_migrations", "touched"}:  # the second is found again in `resources`
            assert "fsync_after_insert = 1, fsync_part_directory = 1" in text, name
        if name not in {"schema_migrations", "touched", "log_patterns"}:  # a pattern that is written twice is one by its key
            assert "non_replicated_deduplication_window = 10000" in text, name
