"""
The engine that holds telemetry, as the rest of the store sees it.

Two implementations: `chdb.ChdbEngine` (ClickHouse inside this process) and `clickhouse.ClickHouseEngine` (a server by URL).
Both run the same SQL text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tocsin.store.sql import Sql

SettingValue: TypeAlias = "str | int | float"


@dataclass(frozen=True, slots=True)
class Rows:
    """
    What a query returned.

    Args:
        columns: Names, in order.
        types: The engine's type names, in the same order.
        rows: One list per row; 64-bit integers are `int`, dates and times are text, maps are `dict`.
        elapsed_ms: Time in the engine, milliseconds.
        rows_read: Rows that the engine had to read.
    """

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    elapsed_ms: float
    rows_read: int

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counters since the engine was opened, and the memory that it tracks for itself (bytes)."""

    queries: int
    queries_failed: int
    loads: int
    loads_failed: int
    memory_bytes: int


class Engine(Protocol):
    """Runs statements. Safe to call from several threads; calls run in parallel."""

    def execute(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """
        Run a statement that returns nothing (DDL, INSERT).

        Raises:
            StoreError: The engine refused or failed.
        """
        ...

    def query(self, statement: Sql, *, settings: Mapping[str, SettingValue] | None = None) -> Rows:
        """
        Run a SELECT and return its rows.

        Raises:
            Timeout: `max_execution_time` passed.
            LimitExceeded: A limit of memory, rows or bytes was reached.
            InvalidInput: The statement does not parse, or names what does not exist.
            StoreError: The engine failed otherwise.
        """
        ...

    def fetch(self, statement: Sql, *, output_format: str, settings: Mapping[str, SettingValue] | None = None) -> memoryview:
        """
        Run a SELECT and return what it wrote, in one of the engine's binary formats (`Native`, `RowBinary`), for kernels to read.

        Returns:
            Bytes, read-only; empty where there were no rows.

        Raises:
            As `query`.
        """
        ...

    def insert(self, table: str, columns: Mapping[str, str], body: bytes, *, settings: Mapping[str, SettingValue] | None = None) -> None:
        """
        Insert rows that were made here.

        Args:
            table: Where they go.
            columns: The engine's types by column name, in the order of the body.
            body: The rows in the format RowBinary.
            settings: Deduplication token and limits.

        Raises:
            StoreError: The engine refused or failed; nothing was inserted, or a part that a repeat with the same token completes.
        """
        ...

    def load(self, table: str, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> None:
        """
        Insert what `select` reads from a journal segment.

        Args:
            table: Where the rows go; with column names in parentheses where they don't come in the table's order.
            select: Contains the word `__SEGMENT__` where the source table function belongs.
            segment: A file of varint-length-delimited protobuf messages.
            structure: Columns that the decoder fills, as the engine's `structure` argument.
            settings: Format schema, deduplication token and limits.

        Raises:
            StoreError: The engine refused or failed; nothing was inserted, or a part that a repeat with the same token completes.
        """
        ...

    def peek(self, select: Sql, segment: Path, *, structure: str, settings: Mapping[str, SettingValue]) -> Rows | None:
        """
        What `select` reads from a journal segment, without inserting anything; None when this engine can read one only to insert it.

        Raises:
            StoreError: The engine refused or failed.
        """
        ...

    def changes(self, tables: Collection[str]) -> int | None:
        """
        A number that stays the same as long as nothing is written to any of these tables, see `tocsin.store.changes`.

        Args:
            tables: Names of tables that are watched there.

        Returns:
            None while one of them is being written to, and always where others than this process may write.
        """
        ...

    def statistics(self) -> EngineStatistics:
        """Counters since opening."""
        ...

    def close(self) -> None:
        """Release connections and locks; idempotent."""
        ...
