"""
A ClickHouse server, over its HTTP interface: the same statements as the embedded engine, when a team outgrows one machine.

The segment travels as the request's body; `__SEGMENT__` becomes `input(structure)`. Settings and parameters go into the URL, so that the
statement's text is the same for both engines. Credentials come from the address and never appear in a message.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from tocsin.errors import ConfigError
from tocsin.store.chdb import RESULT_SETTINGS, columns_structure, parse_rows
from tocsin.store.engine import EngineStatistics, Rows, SettingValue
from tocsin.store.faults import EngineUnavailable, fault
from tocsin.store.options import EngineOptions
from tocsin.store.sql import Sql, encode_parameter, quote_string

CONNECT_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_S = 300.0  # the server's own max_execution_time stops a statement long before
CHUNK_BYTES = 1 << 20


class ClickHouseEngine:
    """
    A server by URL.

    Args:
        url: `http(s)://user:password@host:port/database`; user `default`, database `default` and the scheme's port when left out.
        options: `connections_max` bounds parallel statements.

    Raises:
        ConfigError: The address is not one.
        StoreError: The server can't be reached, or refuses the password.
    """

    def __init__(self, url: str, options: EngineOptions) -> None:
        parts = _parse_address(url)
        self._place = _place(parts)
        self._database = parts.path.strip("/") or "default"
        self._client = httpx.Client(
            base_url=self._place,
            auth=(unquote(parts.username or "default"), unquote(parts.password or "")),
            limits=httpx.Limits(max_connections=options.connections_max),
            timeout=httpx.Timeout(STATEMENT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )
        self._lock = threading.Lock()
        self._counts = {"queries": 0, "queries_failed": 0, "loads": 0, "loads_failed": 0}
        try:
            self.query(Sql("SELECT 1"))
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"ClickHouseEngine({self._place})"

    def execute(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """Run a statement that returns nothing."""
        self._post("queries", statement, settings or {}, statement.text.encode())

    def query(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> Rows:
        """Run a SELECT and return its rows."""
        merged = {**RESULT_SETTINGS, "default_format": "JSONCompact", "wait_end_of_query": 1, **(settings or {})}
        return parse_rows(self._post("queries", statement, merged, statement.text.encode()))

    def fetch(self, statement: Sql, *, output_format: str, settings: Mapping[str, SettingValue] | None = None) -> memoryview:
        """What a SELECT wrote, as it came."""
        merged = {"default_format": output_format, "wait_end_of_query": 1, **(settings or {})}
        return memoryview(self._post("queries", statement, merged, statement.text.encode()))

    def insert(self, table: str, columns: Mapping[str, str], body: bytes, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """Insert rows in RowBinary; they travel as the request's body."""
        names = ", ".join(columns)
        source = f"input({quote_string(columns_structure(columns))})"
        text = f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}\nFORMAT RowBinary"
        self._post("loads", Sql(""), {**(settings or {}), "query": text, "wait_end_of_query": 1}, body)

    def load(self, table: str, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> None:
        """Insert what `select` reads from a journal segment."""
        source = f"input({quote_string(structure)})"
        text = f"INSERT INTO {table} {select.text.replace('__SEGMENT__', source)}\nFORMAT Protobuf"
        self._post("loads", select, {**settings, "query": text, "wait_end_of_query": 1}, _chunks(segment))

    def peek(self, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> Rows | None:
        """None: a server reads a request's body only to insert it."""
        del select, segment, structure, settings
        return None

    def changes(self, tables: Collection[str]) -> int | None:
        """None: others may write to a server, too."""
        del tables
        return None

    def statistics(self) -> EngineStatistics:
        """Counters since opening, and the memory that the server tracks now."""
        tracked = self.query(Sql("SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'"))
        with self._lock:
            return EngineStatistics(**self._counts, memory_bytes=max(0, tracked.rows[0][0]) if tracked.rows else 0)

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._client.close()

    def _post(self, kind: str, statement: Sql, settings: Mapping[str, SettingValue], body: bytes | Iterator[bytes]) -> bytes:
        parameters = {f"param_{name}": encode_parameter(value) for name, value in statement.params.items()}
        arguments = {"database": self._database, **{name: str(value) for name, value in settings.items()}, **parameters}
        failed = True
        try:
            response = self._client.post("/", params=arguments, content=body)
            failed = not response.is_success or "X-ClickHouse-Exception-Code" in response.headers
            if failed:
                raise fault(response.text)
            return response.content
        except (httpx.HTTPError, OSError) as error:
            raise EngineUnavailable(f"the engine is not reachable at {self._place}: {type(error).__name__} {error}") from error
        finally:
            with self._lock:
                self._counts[kind] += 1
                self._counts[f"{kind}_failed"] += failed


def _parse_address(url: str) -> SplitResult:
    """The parts of an address. The complaint does not repeat it: there may be a password in it, even where a port should be."""
    parts = None
    with suppress(ValueError):
        split = urlsplit(url)
        parts = split if split.scheme in ("http", "https") and split.hostname and split.port != 0 else None
    if parts is None:
        hint = "; write reserved characters of the password as %40 (@), %3A (:), %2F (/), %23 (#)"
        raise ConfigError(f"expected http(s)://user:password@host:port/database{hint}", key="store.engine.url")
    return parts


def _place(parts: SplitResult) -> str:
    host = parts.hostname or ""
    port = parts.port or (8443 if parts.scheme == "https" else 8123)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
