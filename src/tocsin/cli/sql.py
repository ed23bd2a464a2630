"""`tocsin sql`."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_lines, table_lines
from tocsin.cli.terminal import console, show_value

NUMBER = re.compile("Int|Float")
ID = re.compile("[0-9a-fA-F]{16,32}")


def command(
    statement: Annotated[str, typer.Argument(help="One SELECT over the telemetry tables.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Rows, at most.")] = 100,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Run read-only SQL that can reach nothing but the telemetry tables."""
    with connect(url, data) as server:
        text = server.post("/api/sql", {"statement": statement, "limit": limit})
    out = console()
    if as_json:
        out.print(text)
        return
    answer = json.loads(text)
    print_rows(out, _columns(answer, may_cut=out.is_terminal), [[show_value(value) for value in row] for row in answer["rows"]])
    cut = f" (more were cut; --limit {limit * 10} shows more)" if answer["truncated"] else ""
    rows = "1 row" if len(answer["rows"]) == 1 else f"{len(answer['rows'])} rows"
    out.print(Text(f"{rows}{cut}, {answer['rows_read']} read, {answer['elapsed_ms']:.1f} ms", "dim"))


def print_rows(out: Console, columns: list[Column], rows: list[list[str]]) -> None:
    """A table, or, for more columns than a terminal has room for, a line for each value."""
    lines = table_lines(columns, rows, width=out.width)
    if not out.is_terminal or max(line.cell_len for line in lines) <= out.width:
        print_lines(out, lines)
        return
    name_width = max(len(column.name) for column in columns)
    for number, row in enumerate(rows, start=1):
        out.print(Text(f"row {number}", "bold"))
        print_lines(
            out, [Text.assemble((f"  {column.name:<{name_width}}  ", "dim"), value) for column, value in zip(columns, row, strict=True)]
        )


def _columns(answer: dict[str, Any], *, may_cut: bool) -> list[Column]:
    """In a pipe every value is whole; in a terminal texts give way, ids and numbers don't."""
    columns = []
    for index, (name, kind) in enumerate(zip(answer["columns"], answer["types"], strict=True)):
        number = bool(NUMBER.search(kind))
        columns.append(Column(name, right=number, shrinks=may_cut and not number and not _is_id(answer["rows"], index)))
    return columns


def _is_id(rows: list[list[Any]], index: int) -> bool:
    """Whether a column holds ids, which nobody can copy when they are cut."""
    return all(ID.fullmatch(str(row[index])) for row in rows if row[index])
