"""
ClickHouse inside this process, by chDB.

One process per data path (the engine locks the directory), and one data path per process at a time: a second path is refused until
every connection to the first is closed. A connection serialises its own statements, several run in parallel, and all release the
interpreter's lock while the engine works. So there is a pool: a statement takes a connection, waits if all are taken, puts it back.

A connection whose statement failed is never used again: what the engine had written of the answer until then would come out in front of
the next one's.

Nobody else can write to the directory, so the process knows when a table may have changed (`tocsin.store.changes`).
"""

from __future__ import annotations

import fcntl
import itertools
import queue
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import chdb
import numpy as np
import orjson

from tocsin.errors import Conflict, StoreError
from tocsin.store.changes import Changes
from tocsin.store.engine import EngineStatistics, Rows, SettingValue
from tocsin.store.faults import EngineUnavailable, fault
from tocsin.store.options import EngineOptions
from tocsin.store.schema_cache import forget_torn_schemas, settle_schema_cache
from tocsin.store.sql import Sql, encode_parameter, quote_string

# Read back as Python reads JSON: 64-bit integers are exact there, NaN and infinities are not JSON.
RESULT_SETTINGS: Mapping[str, SettingValue] = {
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
    "output_format_json_named_tuples_as_objects": 0,
}
open_connection: Any = chdb.connect  # the package has no types
BODY_PREFIX = "insert-"
QUERY_SIZE_BYTES_MAX = 4_000_000  # the decoding statements are long
CHANGES = Changes()  # of the process: it has one data path at a time, whichever engine objects look at it


class ChdbEngine:
    """
    The embedded engine on a directory.

    Args:
        directory: Where the tables live; created when missing.
        options: Memory, threads, connections.

    Raises:
        Conflict: Another process has the directory open, or this process has another one open.
    """

    def __init__(self, directory: Path, options: EngineOptions) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._address = f"{directory}?{urlencode(_startup_settings(options))}"
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        self._connections: list[Any] = []
        self._connections_max = options.connections_max
        self._lock = threading.Lock()
        self._closed = False
        self._bodies = itertools.count()
        self._directory = directory
        for left in directory.glob(f"{BODY_PREFIX}*"):  # by a process that was killed while it inserted
            left.unlink()
        self._counts = {"queries": 0, "queries_failed": 0, "loads": 0, "loads_failed": 0}
        connection = self._connect(directory)
        settle_schema_cache(connection, directory)
        self._idle.put(connection)

    def execute(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """Run a statement that returns nothing."""
        with CHANGES.writing(statement.text):
            self._run("queries", statement.text + _settings_clause(settings), statement, "Null")

    def query(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> Rows:
        """Run a SELECT and return its rows."""
        text = statement.text + _settings_clause({**RESULT_SETTINGS, **(settings or {})})
        return parse_rows(self._run("queries", text, statement, "JSONCompact"))

    def fetch(self, statement: Sql, *, output_format: str, settings: Mapping[str, SettingValue] | None = None) -> memoryview:
        """What a SELECT wrote, where the engine wrote it: copying tens of megabytes took half as long as the query."""
        result = self._ask("queries", statement.text + _settings_clause(settings), statement, output_format)
        return _held(result) if result is not None and result.size() else memoryview(b"")

    def insert(self, table: str, columns: Mapping[str, str], body: bytes, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """Insert rows in RowBinary; the engine in this process reads them from a file."""
        path = self._directory / f"{BODY_PREFIX}{next(self._bodies)}.rowbinary"
        try:
            path.write_bytes(body)
            source = f"file({quote_string(str(path.resolve()))}, 'RowBinary', {quote_string(columns_structure(columns))})"
            text = f"INSERT INTO {table} ({', '.join(columns)}){_settings_clause(settings)} SELECT {', '.join(columns)} FROM {source}"
            with CHANGES.writing(table):
                self._run("loads", text, Sql(""), "Null")
        except OSError as error:
            raise EngineUnavailable(f"rows for {table} can't be written to {path.parent}: {error}") from error
        finally:
            path.unlink(missing_ok=True)

    def load(self, table: str, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> None:
        """Insert what `select` reads from a journal segment."""
        text = f"INSERT INTO {table}{_settings_clause(settings)} {_reading(select, segment, structure)}"
        with CHANGES.writing(table):
            self._run("loads", text, select, "Null")

    def peek(self, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> Rows | None:
        """What `select` reads from a journal segment, without inserting anything."""
        return self.query(Sql(_reading(select, segment, structure), select.params), settings=settings)

    def changes(self, tables: Collection[str]) -> int | None:
        """See `Engine.changes`."""
        return CHANGES.number(tables)

    def statistics(self) -> EngineStatistics:
        """Counters since opening, and the memory that the engine tracks now."""
        tracked = self.query(Sql("SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'"))
        with self._lock:
            return EngineStatistics(**self._counts, memory_bytes=max(0, tracked.rows[0][0]) if tracked.rows else 0)

    def close(self) -> None:
        """Close every connection once its statement is done; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            count = len(self._connections)
        for _ in range(count):
            self._idle.get().close()

    def _connect(self, directory: Path | None = None) -> Any:
        try:
            connection = open_connection(self._address)
        except RuntimeError as error:
            if "already initialized with path" in str(error):
                raise Conflict(f"this process has another data directory open; close it before opening {directory}") from error
            if directory is not None and _is_locked(directory):
                raise Conflict(f"another process has {directory} open; stop it, or ask it over HTTP") from error
            raise StoreError(f"the embedded engine does not start on {directory}: {error}") from error
        self._connections.append(connection)
        return connection

    def _replace(self, failed: Any) -> Any:
        """A fresh connection (0.1 ms) for one whose statement failed; opened first, for the engine ends with its last connection."""
        with self._lock:
            fresh = self._connect()
            self._connections.remove(failed)
        failed.close()
        return fresh

    def _take(self) -> Any:
        with self._lock:
            if self._closed:
                raise StoreError("the engine is closed")
            if self._idle.empty() and len(self._connections) < self._connections_max:
                return self._connect()
        return self._idle.get()

    def _run(self, kind: str, text: str, statement: Sql, output_format: str) -> bytes:
        result = self._ask(kind, text, statement, output_format)
        return bytes(result.bytes()) if result is not None else b""

    def _ask(self, kind: str, text: str, statement: Sql, output_format: str) -> Any:
        connection = self._take()
        failed = True
        try:
            parameters = {name: encode_parameter(value) for name, value in statement.params.items()}
            result = connection.query(text, output_format, params=parameters or None)
            failed = False
            return result
        except Exception as error:  # noqa: BLE001 - chDB raises ChdbError, RuntimeError and others; all say 'Code: n' in their text
            connection = self._replace(connection)
            if forget_torn_schemas(connection, str(error)):
                raise EngineUnavailable(
                    "a schema that the engine had written to its disk was torn and has been removed; try again"
                ) from None
            raise fault(str(error)) from None
        finally:
            self._idle.put(connection)
            with self._lock:
                self._counts[kind] += 1
                self._counts[f"{kind}_failed"] += failed


class _Held:
    """A result's memory in the form that NumPy takes without copying; lives as long as any array over it."""

    def __init__(self, result: Any) -> None:
        self._memory = result.get_memview()  # gives the memory back when it goes, whoever still looks at it
        described = np.frombuffer(self._memory.view(), dtype=np.uint8).__array_interface__
        self.__array_interface__ = {**described, "data": (described["data"][0], True)}  # read-only


def _held(result: Any) -> memoryview:
    return np.asarray(_Held(result)).data


def columns_structure(columns: Mapping[str, str]) -> str:
    """Columns as the engine's `structure` argument."""
    return ", ".join(f"{name} {engine_type}" for name, engine_type in columns.items())


def parse_rows(body: bytes) -> Rows:
    """Read the engine's JSONCompact output."""
    answer = orjson.loads(body) if body else {"meta": [], "data": []}
    return Rows(
        columns=[column["name"] for column in answer["meta"]],
        types=[column["type"] for column in answer["meta"]],
        rows=answer["data"],
        elapsed_ms=answer.get("statistics", {}).get("elapsed", 0.0) * 1000,
        rows_read=answer.get("statistics", {}).get("rows_read", 0),
    )


def _is_locked(directory: Path) -> bool:
    """Whether another process has the engine on the directory: it locks a file there, and only tells its standard error of it."""
    try:
        with (directory / "status").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _startup_settings(options: EngineOptions) -> dict[str, SettingValue]:
    return {
        "max_server_memory_usage": options.memory_bytes_max,
        "max_threads": options.threads_max,
        "mark_cache_size": 67_108_864,
        "background_pool_size": 2,
        "async_insert": 0,
        "max_query_size": QUERY_SIZE_BYTES_MAX,
    }


def _reading(select: Sql, segment: Path, structure: str) -> str:
    return select.text.replace("__SEGMENT__", f"file({quote_string(str(segment.resolve()))}, 'Protobuf', {quote_string(structure)})")


def _settings_clause(settings: Mapping[str, SettingValue] | None) -> str:
    if not settings:
        return ""
    pairs = (f"{name} = {quote_string(value) if isinstance(value, str) else value}" for name, value in settings.items())
    return "\nSETTINGS " + ", ".join(pairs)
