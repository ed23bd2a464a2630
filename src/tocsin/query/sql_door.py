"""
Read-only SQL for users: one SELECT over the telemetry tables, and nothing else of the engine or the machine.

    statement -> formatted by the engine's parser (as a parameter: nothing runs; one statement, comments gone)
              -> its names are plain          (a name with a line break could forge the tree)
              -> its syntax tree              (EXPLAIN AST: the parser again, nothing is evaluated)
              -> every node, function and table on a list  (sql_tree)
              -> run read-only under limits of time, memory and rows

What runs is the formatted text, the one that was checked. Binary columns (trace and span ids) come back as hexadecimal digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.answers import ResultTable
from tocsin.query.period import checked_limit
from tocsin.query.sql_tree import Allowed, allowed_names, check_tree, read_tree, wrapped_statement
from tocsin.store.engine import Engine, Rows, SettingValue
from tocsin.store.read_sql import (
    PARSER_LIMITS,
    format_statement,
    functions,
    run_limits,
    statement_itself,
    statement_tree,
    statement_types,
    tables,
    with_hexadecimal,
)
from tocsin.store.tables import TELEMETRY_TABLES

STATEMENT_CHARACTERS_MAX = 20_000
ROWS_MAX = 100_000
TIMEOUT_S_MAX = 120.0
MEMORY_BYTES_MAX = 400_000_000
QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`((?:[^`\\]|\\.|``)*)`|\"((?:[^\"\\]|\\.|\"\")*)\"", re.DOTALL)
PLAIN_NAME = re.compile(r"[\w .:/@$%#+*()\[\]?!<>=,-]*")
WITH_NAME = re.compile(r"(?:\bWITH(?: RECURSIVE)?|,) (?:`([^`]*)`|(\w+)) AS \(", re.IGNORECASE)


class SqlDoor:
    """Lets users' SELECTs in. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._allowed: Allowed | None = None

    def run(self, statement: str, *, limit: int, timeout_s: float) -> ResultTable:
        """
        Run one SELECT.

        Args:
            statement: ClickHouse SQL over the telemetry tables.
            limit: Most rows returned, 1 to 100,000.
            timeout_s: Longest time in the engine, seconds, up to 120.

        Raises:
            InvalidInput: It does not parse, or asks for what is refused; the message says which part.
            LimitExceeded, Timeout: It went over a limit while running.
        """
        limit = checked_limit(limit, most=ROWS_MAX)
        if not 0 < timeout_s <= TIMEOUT_S_MAX:
            raise InvalidInput(f"timeout_s is {timeout_s}; it must be above 0 and at most {TIMEOUT_S_MAX:g}")
        formatted = self.checked(statement)
        limits = run_limits(rows_max=limit + 1, timeout_s=timeout_s, memory_bytes_max=MEMORY_BYTES_MAX)
        rows = self._run(formatted, limits)
        return ResultTable(rows.columns, rows.types, rows.rows[:limit], len(rows.rows) > limit, rows.elapsed_ms, rows.rows_read)

    def checked(self, statement: str) -> str:
        """The statement as it may run, or InvalidInput."""
        if len(statement) > STATEMENT_CHARACTERS_MAX:
            raise LimitExceeded(f"the statement has {len(statement)} characters, at most {STATEMENT_CHARACTERS_MAX} are read; shorten it")
        if "\0" in statement:
            raise InvalidInput("the statement contains a zero byte; remove it")
        formatted = self._formatted(statement)
        for match in QUOTED.finditer(formatted):
            name = match[1] if match[1] is not None else match[2]
            if name is not None and not (PLAIN_NAME.fullmatch(name) and "(alias" not in name and "(children" not in name):
                raise InvalidInput(f"the quoted name {name!r} is refused: name columns and tables in plain words")
        lines = [str(row[0]) for row in self._engine.query(statement_tree(formatted), settings=PARSER_LIMITS).rows]
        check_tree(wrapped_statement(read_tree(lines)), self._names(), _with_names(formatted))
        return formatted

    def _formatted(self, statement: str) -> str:
        """One line by the engine's formatter, which must agree with itself about it."""
        once, twice = (text := self._reformatted(statement)), self._reformatted(text)
        if once != twice:
            raise InvalidInput("the statement reads in two ways: write it more plainly")
        return once

    def _reformatted(self, statement: str) -> str:
        return str(self._engine.query(format_statement(statement), settings=PARSER_LIMITS).rows[0][0])

    def _run(self, formatted: str, limits: Mapping[str, SettingValue]) -> Rows:
        described = self._engine.query(statement_types(formatted), settings=limits).rows
        names = [str(row[0]) for row in described]
        binary = [str(row[0]) for row in described if re.search(r"^(?:LowCardinality\()?FixedString", str(row[1]))]
        if binary and len(set(names)) == len(names) and all(name.isidentifier() for name in binary):
            return self._engine.query(with_hexadecimal(formatted, binary), settings=limits)
        return self._engine.query(statement_itself(formatted), settings=limits)

    def _names(self) -> Allowed:
        if self._allowed is None:
            existing = [str(row[0]) for row in self._engine.query(tables()).rows]
            self._allowed = allowed_names(self._engine.query(functions()).rows, existing, TELEMETRY_TABLES)
        return self._allowed


def _with_names(formatted: str) -> frozenset[str]:
    """Names that WITH clauses define, as the formatter writes them; texts in quotes are taken out first."""
    bare = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", formatted)
    return frozenset(match[1] or match[2] for match in WITH_NAME.finditer(bare))
