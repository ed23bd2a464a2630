"""The database: what is acknowledged stays, who waits is told, and a server that was away is found again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import insert, select, text
from tests.state.builders import NOW, Open, deployment, exclusion, gate_record
from tests.state.postgresql import PostgreSQL

from tocsin.errors import ConfigError, Conflict, InvalidInput, Overloaded, StoreError, Timeout
from tocsin.state.database import StateStatistics
from tocsin.state.options import StateOptions
from tocsin.state.state import State
from tocsin.state.tables import AUDIT

RECORD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.state.builders import deployment
from tocsin.state.options import StateOptions
from tocsin.state.state import State
state = State.open(Path(sys.argv[1]), StateOptions())
for index in range(20):
    state.deployments.record(deployment(id=f"d{index}"))
    print(f"d{index}", flush=True)
with state.database.transaction() as connection:
    connection.exec_driver_sql("DELETE FROM deployments")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_every_connection_of_sqlite_syncs_and_waits(tmp_path: Path) -> None:
    """Write-ahead log, a sync per commit, foreign keys: of every connection of the pool, not only of the first."""
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with State.open(tmp_path, StateOptions(busy_timeout_s=3)) as state, state.database.reading(), state.database.reading() as second:
        assert [second.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names] == ["wal", 2, 1, 3000]
    assert (tmp_path / "state.sqlite").exists()


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """After kill -9 in the middle of a change, every record that was acknowledged is there and the change is not."""
    outcome = subprocess.run([sys.executable, "-c", RECORD_AND_DIE, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False)
    assert outcome.returncode == -signal.SIGKILL
    acknowledged = outcome.stdout.split()
    assert len(acknowledged) == 20
    with State.open(tmp_path, StateOptions()) as state:
        assert {each.id for each in state.deployments.list()} == set(acknowledged)


def test_a_decision_and_its_audit_are_one(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the audit can't be written, the decision is not kept either."""

    def failing(*_: object) -> None:
        raise OSError("the power went")

    monkeypatch.setattr("tocsin.state.exclusions.write_audit", failing)
    with pytest.raises(OSError, match="the power went"):
        state.exclusions.add(exclusion())
    assert not state.exclusions.list()


def test_readers_don_t_wait_for_a_writer(state: State) -> None:
    """While a change is under way, others read what was before it."""
    with state.database.transaction() as connection:
        connection.execute(insert(AUDIT).values(at=NOW, author="", action="mark_added", subject="", detail=""))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(state.audit.list).result() == []
    assert len(state.audit.list()) == 1


def test_many_threads_use_one_state(state: State) -> None:
    """More threads than connections write and read, and nothing is lost or refused."""

    def work(index: int) -> int:
        state.gate.record(gate_record(id=f"g{index}", at=NOW + index))
        return len(state.gate.list(limit=1000))

    with ThreadPoolExecutor(24) as pool:
        seen = list(pool.map(work, range(120)))
    assert max(seen) == 120
    assert len(state.gate.list(limit=1000)) == 120


def test_a_writer_that_waits_too_long_is_told(tmp_path: Path) -> None:
    """Behind a thread of this process or a connection of another one, the error says locked, may be tried again, and names the option."""
    options = StateOptions(busy_timeout_s=0.05)
    with State.open(tmp_path, options) as state:
        with state.database.transaction(), ThreadPoolExecutor(1) as pool:
            with pytest.raises(StoreError, match=r"state\.busy_timeout_s") as caught:
                pool.submit(state.deployments.record, deployment()).result()
            assert caught.value.retryable
        with (
            _locked(tmp_path / "state.sqlite"),
            pytest.raises(StoreError, match=r"is locked by another process.*state\.busy_timeout_s") as caught,
        ):
            state.deployments.record(deployment())
        assert caught.value.retryable
        assert state.deployments.record(deployment()).is_new


def test_without_a_free_connection_callers_are_told_to_come_back(tmp_path: Path) -> None:
    """A pool that is used up refuses after a while, and names the option."""
    options = StateOptions(busy_timeout_s=0.05, connections_max=1)
    with State.open(tmp_path, options) as state, state.database.reading(), ThreadPoolExecutor(1) as pool:
        with pytest.raises(Overloaded, match=r"state\.connections_max") as caught:
            pool.submit(state.deployments.list).result()
        assert caught.value.retry_after_s > 0


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    """It is named, left as it is, and trying again does not help."""
    file = tmp_path / "state.sqlite"
    file.write_bytes(b"not a database" * 400)
    with pytest.raises(StoreError, match=r"state\.sqlite failed: file is not a database") as caught:
        State.open(tmp_path, StateOptions())
    assert not caught.value.retryable
    assert file.read_bytes() == b"not a database" * 400


def test_a_directory_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    """A file where the data directory should be."""
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match=r"can't be made.*server\.data"):
        State.open(tmp_path / "data", StateOptions())


@pytest.mark.parametrize("value", ["a\x00b", "half \ud800", 2**63])
def test_both_databases_refuse_the_same(state: State, value: object) -> None:
    """What one of them could not keep is refused by both, as the caller's mistake and without a trace."""
    given = {"at": value} if isinstance(value, int) else {"version": value}
    with pytest.raises(InvalidInput):
        state.deployments.record(deployment(**given))
    with suppress(InvalidInput):  # a question about it finds nothing, or is refused
        assert not state.deployments.list(service=str(value), start_ns=value if isinstance(value, int) else None)
    assert not state.deployments.list()
    assert not state.audit.list()


def test_a_row_that_contradicts_another_is_a_conflict(state: State) -> None:
    """What a constraint of the database refuses becomes a Conflict that repeats no value."""
    row = {"number": 7, "at": NOW, "author": "ada", "action": "mark_added", "subject": "private", "detail": ""}
    with pytest.raises(Conflict, match="contradicts") as caught, state.database.transaction() as connection:
        connection.execute(insert(AUDIT), [row, row])
    assert "private" not in str(caught.value)


def test_a_table_that_is_gone_is_a_fault_of_the_machine(state: State) -> None:
    """A statement that the database does not understand is not to be tried again."""
    with state.database.transaction() as connection:
        connection.execute(text("DROP TABLE audit"))
    with pytest.raises(StoreError, match="audit") as caught:
        state.audit.list()
    assert not caught.value.retryable


def test_statistics_count_what_happened(state: State) -> None:
    """Reads, changes and failures; no connection is left in use."""
    state.deployments.record(deployment())
    state.deployments.list()
    with pytest.raises(Conflict):
        state.deployments.record(deployment(service="cart"))
    found = state.statistics()
    assert found == StateStatistics(1, 2, 1, 0, found.connections_idle)
    with state.database.reading():
        assert state.statistics().connections_in_use == 1


def test_a_missing_driver_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the message names the extra to install, and no password."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'tocsin\[postgresql\]'") as caught:
        State.open(tmp_path, StateOptions(url=SecretStr("postgresql://ada:hush@db.example/tocsin")))
    assert caught.value.key == "state.url"
    assert "hush" not in str(caught.value)


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """The message names host and database, not the password; it may be tried again."""
    options = StateOptions(url=SecretStr("postgresql://ada:hush@127.0.0.1:1/tocsin"))
    with pytest.raises(StoreError, match=r"PostgreSQL at 127\.0\.0\.1:1/tocsin can't be reached: .*refused.*state\.url") as caught:
        State.open(tmp_path, options)
    assert caught.value.retryable
    assert "hush" not in f"{caught.value} {caught.value!r} {options!r} {caught.value.__cause__}"


@pytest.mark.slow
def test_a_server_that_comes_back_is_used_again(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """While it is away callers hear that it can't be reached; afterwards the same state works on, with what it was told before."""
    with State.open(tmp_path, StateOptions(url=SecretStr(postgresql.new_place()))) as state:
        state.deployments.record(deployment())
        postgresql.stop()
        try:
            with pytest.raises(StoreError, match="can't be reached") as caught:
                state.deployments.list()
            assert caught.value.retryable
            assert "secret" not in str(caught.value)
        finally:
            postgresql.start()
        assert state.deployments.list() == [deployment()]


@pytest.mark.slow
def test_a_connection_that_breaks_in_the_middle_changes_nothing(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A change whose connection is cut is not there, and the next one goes through."""
    with State.open(tmp_path, StateOptions(url=SecretStr(postgresql.new_place()))) as state:

        def write_while_it_breaks() -> None:
            with state.database.transaction() as connection:
                connection.execute(insert(AUDIT).values(at=NOW, author="", action="mark_added", subject="", detail=""))
                number = connection.scalar(text("SELECT pg_backend_pid()"))
                postgresql.execute(sql.SQL("SELECT pg_terminate_backend({})").format(sql.Literal(number)))
                connection.execute(select(AUDIT))

        with pytest.raises(StoreError) as caught:
            write_while_it_breaks()
        assert caught.value.retryable
        assert not state.audit.list()
        assert state.deployments.record(deployment()).is_new


@pytest.mark.slow
def test_postgresql_does_not_wait_for_ever(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A statement that takes too long, and a lock that is not let go, end with an error that may be tried again."""
    options = StateOptions(url=SecretStr(postgresql.new_place()), statement_timeout_s=0.2, busy_timeout_s=0.1)
    with State.open(tmp_path, options) as state:
        with pytest.raises(Timeout, match=r"state\.statement_timeout_s"), state.database.reading() as connection:
            connection.execute(text("SELECT pg_sleep(60)"))
        state.deployments.record(deployment())
        with state.database.transaction() as connection:
            connection.execute(text("LOCK TABLE deployments"))
            with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="can't work now") as caught:
                pool.submit(state.deployments.record, deployment()).result()
            assert caught.value.retryable


@pytest.mark.slow
def test_a_server_without_such_a_database_is_said(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """The server's words come through: which database, and that it does not exist."""
    url = postgresql.url.replace("/postgres?", "/nothing?")
    with pytest.raises(StoreError, match='database "nothing" does not exist') as caught:
        State.open(tmp_path, StateOptions(url=SecretStr(url)))
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_role_that_may_not_make_tables_is_told_what_it_needs(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """The server's words, and what to do; trying again does not help."""
    postgresql.execute(sql.SQL("CREATE ROLE guest LOGIN"))
    url = postgresql.url.replace("//tocsin:", "//guest:")
    with pytest.raises(StoreError, match=r"permission denied.*give the role a database that it owns") as caught:
        State.open(tmp_path, StateOptions(url=SecretStr(url)))
    assert not caught.value.retryable


def test_closing_twice_is_closing(open_state: Open) -> None:
    """Closing is idempotent, also while nothing was ever asked."""
    state = open_state()
    state.close()
    state.close()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Another connection that writes to the file."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        release.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hold)
        held.wait(30)
        try:
            yield
        finally:
            release.set()
            done.result()
