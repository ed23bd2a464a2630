"""A relational state on each database, empty for every test; PostgreSQL runs once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.state.builders import Open
from tests.state.postgresql import PostgreSQL
from tests.state.prepared import put_tables

from tocsin.state.options import StateOptions
from tocsin.state.state import State


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The server; skips what asks for it where there is none."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def options(request: pytest.FixtureRequest) -> StateOptions:
    """Options that name a database of each kind, without tables."""
    if request.param == "sqlite":
        return StateOptions(busy_timeout_s=30)
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return StateOptions(url=SecretStr(server.new_place()), busy_timeout_s=30)


@pytest.fixture
def open_state(options: StateOptions, tmp_path: Path) -> Iterator[Open]:
    """Opens the test's database, as often as asked; closed with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(State.open(tmp_path, options))


@pytest.fixture
def state(open_state: Open, options: StateOptions, tmp_path: Path) -> State:
    """The test's database, open."""
    if options.url is None:
        put_tables(tmp_path)
    return open_state()
