"""What the door for users' SQL needs of the engine: its parser, its list of functions and of tables, and the limits that it runs under."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.engine import SettingValue
from tocsin.store.sql import Sql

PARSER_LIMITS: Mapping[str, SettingValue] = {"max_parser_depth": 300, "max_execution_time": 5}


def format_statement(statement: str) -> Sql:
    """
    The statement as the engine's own formatter writes it, in one line: one row, one column.

    The text is a parameter, so nothing of it runs; the formatter refuses what does not parse and a second statement, and drops comments.
    """
    return Sql("SELECT formatQuerySingleLine({statement:String})", {"statement": statement})


def statement_tree(formatted: str) -> Sql:
    """
    The syntax tree of a formatted statement, one row per node, children indented by one space.

    The parentheses keep INTO OUTFILE, FORMAT and everything that is no SELECT from parsing. Nothing is evaluated: this is the parser alone.
    """
    return Sql(f"EXPLAIN AST SELECT * FROM ({formatted})")


def statement_types(formatted: str) -> Sql:
    """Name and type of each column that the statement returns."""
    return Sql(f"DESCRIBE TABLE ({formatted})")


def statement_itself(formatted: str) -> Sql:
    """The statement, to be run under `run_limits`."""
    return Sql(formatted)


def with_hexadecimal(formatted: str, columns: list[str]) -> Sql:
    """The statement with its binary columns (ids) as hexadecimal digits. `columns` must be plain words."""
    assert all(column.isidentifier() for column in columns), "names with quotes are left as they are"
    replaced = ", ".join(f"lower(hex({column})) AS {column}" for column in columns)
    return Sql(f"SELECT * REPLACE ({replaced}) FROM ({formatted})")


def functions() -> Sql:
    """Every function of the engine: name, the name it is another name for, category, whether it aggregates, where it comes from."""
    return Sql("SELECT name, alias_to, categories, is_aggregate, toString(origin), case_insensitive FROM system.functions")


def tables() -> Sql:
    """Every table of the current database."""
    return Sql("SELECT name FROM system.tables WHERE database = currentDatabase()")


def run_limits(*, rows_max: int, timeout_s: float, memory_bytes_max: int) -> Mapping[str, SettingValue]:
    """Settings under which a user's statement runs: it can change nothing, and it ends."""
    return {
        "readonly": 1,
        "limit": rows_max,
        "max_execution_time": timeout_s,
        "timeout_before_checking_execution_speed": 0,
        "max_memory_usage": memory_bytes_max,
        "max_result_bytes": 64_000_000,
        "max_bytes_in_join": memory_bytes_max // 2,
        "max_expanded_ast_elements": 20_000,
        "max_ast_elements": 10_000,
        "max_temporary_columns": 10_000,
        "query_plan_remove_redundant_sorting": 0,
        "allow_introspection_functions": 0,
    }
