"""
The database under the relational state: SQLite as a file, or PostgreSQL; opened, migrated, and used in transactions.

What `transaction()` has left without an error is on the disk: SQLite syncs its log at every commit (synchronous=FULL), PostgreSQL by its
own settings. Writers of one SQLite file go one after the other, readers beside them; on PostgreSQL rows are locked where it matters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, func, select
from sqlalchemy.exc import ArgumentError

from tocsin.errors import ConfigError, StoreError, TocsinError
from tocsin.state.address import KEY, Address, address_of
from tocsin.state.faults import translated
from tocsin.state.migrate import migrate
from tocsin.state.options import StateOptions
from tocsin.state.presence import Presence

WRITES = "tocsin_writes"  # execution option: this connection is going to write
MIGRATING = "migrations"


@dataclass(frozen=True, slots=True)
class StateStatistics:
    """
    The relational state since the start. Nothing here waits for the database.

    Args:
        reads: Questions answered.
        transactions: Changes committed.
        failures: Questions and changes that failed.
        connections_in_use: Gauge: connections that work now.
        connections_idle: Gauge: connections kept open for the next one.
    """

    reads: int
    transactions: int
    failures: int
    connections_in_use: int
    connections_idle: int


class Database:
    """
    An open database with the tables as this version wants them. Safe to use from several threads.

    Args:
        address: Where it is.
        options: Limits of connections and waiting.

    Raises:
        ConfigError: PostgreSQL is asked for and its driver is not installed.
        StoreError: It can't be reached, is no database, or was written by a newer Tocsin.
    """

    def __init__(self, address: Address, options: StateOptions) -> None:
        self.address = address
        self._options = options
        self._presence = Presence(Path(address.url.database or "") if address.is_sqlite else None)
        self._engine = _engine(address, options, self._presence)
        # SQLite's own waiting for a writer is to look again and again; a lock is fair and costs nothing.
        self._writer = threading.Lock() if address.is_sqlite else None
        self._counts_lock = threading.Lock()
        self._reads = self._transactions = self._failures = 0
        try:
            with self.transaction() as connection:
                self.serialize(connection, MIGRATING)
                self.migrated = migrate(connection)
            self._presence.remember()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, data_dir: Path, options: StateOptions) -> Database:
        """The database that the options name, see the class; `data_dir` is made when it is not there."""
        address = address_of(data_dir, options)
        if address.is_sqlite:
            try:
                data_dir.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{data_dir} can't be made: {error.strerror}; set server.data to a directory that can") from error
        return cls(address, options)

    def __repr__(self) -> str:
        return f"Database({self.address.shown})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """
        A connection that may write; committed at the end, rolled back when an error leaves it. Don't open one inside another.

        Raises:
            StoreError: Locked, unreachable or broken; `retryable` says whether the same may succeed later. Nothing was changed, unless the
                connection broke during the commit itself. A file that was deleted or replaced since it was opened takes nothing any more.
            Overloaded: Every connection is in use.
        """
        with self._counted("_transactions"), self._writing() as connection:
            yield connection
            self._presence.check()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """
        A connection that sees one state of the tables and changes nothing.

        Raises:
            StoreError, Overloaded: As for `transaction`.
        """
        with self._counted("_reads"), translated(self.address), self._engine.connect() as connection:
            yield connection

    def probe(self) -> None:
        """
        See that the database can be read, and written as far as can be seen without writing. May take as long as a transaction.

        Raises:
            StoreError, Overloaded, Timeout: As for `transaction`, and where a server takes no changes.
        """
        with self._writing() as connection:
            if not self.address.is_sqlite and connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on":
                raise StoreError(f"{self.address.shown} takes no changes: it is a standby or read-only; name its primary in {KEY}")
            connection.execute(select(1))

    def serialize(self, connection: Connection, name: str) -> None:
        """Until this transaction ends, no other one passes the same call with the same `name`; SQLite has one writer anyway."""
        if not self.address.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"tocsin {name}", 0))))

    def statistics(self) -> StateStatistics:
        """The counters."""
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        with self._counts_lock:
            return StateStatistics(self._reads, self._transactions, self._failures, pool.checkedout(), pool.checkedin())

    def close(self) -> None:
        """Close every connection; idempotent."""
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._alone(), translated(self.address):
            self._presence.check()
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection

    @contextmanager
    def _counted(self, counter: str) -> Iterator[None]:
        try:
            yield
        except TocsinError:
            # NotFound and Conflict too: a change that was refused is one that did not happen.
            with self._counts_lock:
                self._failures += 1
            raise
        with self._counts_lock:
            setattr(self, counter, getattr(self, counter) + 1)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=self._options.busy_timeout_s):
            raise StoreError(
                f"{self.address.shown} is being written for more than {self._options.busy_timeout_s:g} s; try again, or raise"
                " state.busy_timeout_s"
            )
        try:
            yield
        finally:
            self._writer.release()


def _engine(address: Address, options: StateOptions, presence: Presence) -> Engine:
    server = {"connect_timeout": options.connect_timeout_s, "application_name": "tocsin"}
    try:
        engine = create_engine(
            address.url,
            connect_args={"timeout": options.busy_timeout_s, "check_same_thread": False} if address.is_sqlite else server,
            poolclass=QueuePool,
            pool_size=options.connections_max,
            max_overflow=0,
            pool_timeout=options.busy_timeout_s,
            pool_pre_ping=not address.is_sqlite,  # a server that was restarted costs a round trip, not a failure
            hide_parameters=True,
        )
    except ImportError as error:
        raise ConfigError(
            f"{KEY} names a PostgreSQL, whose driver is not installed ({error}); install Tocsin with its extra: pip install"
            " 'tocsin[postgresql]'",
            key=KEY,
        ) from error
    except ArgumentError:
        raise ConfigError(f"{KEY} has settings after its ? that PostgreSQL's driver does not take", key=KEY) from None
    if address.is_sqlite:
        _prepare_sqlite(engine, presence)
    else:
        _prepare_postgresql(engine, options)
    return engine


def _prepare_sqlite(engine: Engine, presence: Presence) -> None:
    @event.listens_for(engine, "do_connect")
    def connecting(*_: Any) -> None:
        presence.check()  # SQLite would make an empty file in the place of one that was deleted

    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver begins and commits nothing by itself: changes of tables are in the transaction too
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            raw.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes then would fail, not wait, when another one wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def _prepare_postgresql(engine: Engine, options: StateOptions) -> None:
    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        with raw.cursor() as cursor:
            for name, seconds in (("statement_timeout", options.statement_timeout_s), ("lock_timeout", options.busy_timeout_s)):
                cursor.execute(f"SET {name} = {round(seconds * 1000)}")
        raw.commit()
