"""`tocsin sql`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.terminal import console, show_value, table


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
    numbers = [name for name, kind in zip(answer["columns"], answer["types"], strict=True) if "Int" in kind or "Float" in kind]
    drawn = table(*answer["columns"], numbers=numbers)
    for row in answer["rows"]:
        drawn.add_row(*(Text(show_value(value)) for value in row))
    out.print(drawn)
    cut = f" (more were cut; --limit {limit * 10} shows more)" if answer["truncated"] else ""
    out.print(Text(f"{len(answer['rows'])} rows{cut}, {answer['rows_read']} read, {answer['elapsed_ms']:.1f} ms", "dim"))
