"""Migrations: from nothing to the tables, once, all or nothing, and never backwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from tests.state.builders import Open, deployment

from tocsin.errors import StoreError
from tocsin.state.state import State
from tocsin.state.tables import METADATA

NUMBERS = ["0001", "0002", "0003", "0004", "0005"]


def test_an_empty_database_gets_every_table(open_state: Open) -> None:
    """Opened first, it is migrated; opened again, nothing is to do."""
    assert open_state().database.migrated == NUMBERS
    again = open_state()
    assert again.database.migrated == []
    with again.database.reading() as connection:
        assert set(inspect(connection).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_migrations_make_the_tables_that_the_code_works_with(state: State) -> None:
    """Alembic's own comparison of the database with tables.py finds no difference: columns, types, defaults, indexes."""
    with state.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        found = inspect(connection)
        for table in METADATA.tables.values():
            assert found.get_pk_constraint(table.name)["constrained_columns"] == [column.name for column in table.primary_key]


def test_tables_of_a_newer_version_are_left_alone(open_state: Open) -> None:
    """A migration that is not known refuses the start, in words that say what to do; trying again does not help."""
    state = open_state()
    with state.database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(StoreError, match=r"written by a newer Tocsin \(migration 0999, this one knows 0005\); upgrade") as caught:
        open_state()
    assert not caught.value.retryable


def test_a_migration_that_fails_leaves_nothing(open_state: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables made before the failure are gone too, so the next start begins anew."""
    upgrade = command.upgrade

    def failing(*arguments: object, **named: object) -> None:
        upgrade(*arguments, **named)  # type: ignore[arg-type]  # as they came
        raise OSError("the power went")

    monkeypatch.setattr(command, "upgrade", failing)
    with pytest.raises(OSError, match="the power went"):
        open_state()
    monkeypatch.undo()
    assert open_state().database.migrated == NUMBERS


def test_several_may_open_an_empty_database_at_once(open_state: Open) -> None:
    """One of them migrates, the others wait for it; all can work."""
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: open_state(), range(4)))
    assert sorted(len(state.database.migrated) for state in states) == [0, 0, 0, len(NUMBERS)]
    assert [state.deployments.record(deployment(id=str(index))).is_new for index, state in enumerate(states)] == [True] * 4
