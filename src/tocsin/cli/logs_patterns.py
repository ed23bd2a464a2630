"""`tocsin logs patterns`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, range_words, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, service_text, severity_style, show_instant


def command(
    query: Annotated[str, typer.Argument(help="Of which records, Lucene syntax: severity:error; all by default.")] = "",
    service: Annotated[str | None, typer.Option("--service", help="Only of this service.", show_default=False)] = None,
    new: Annotated[bool, typer.Option("--new", help="Only kinds that were never seen before.")] = False,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Patterns, at most.")] = 30,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """The kinds of log records, what varies taken out (<*>), the commonest first; of the last hour by default."""
    asked = {"query": query, "service": service, "order": "new" if new else "count", "limit": limit}
    with connect(url, data) as server:
        text = server.get("/api/logs/patterns", {**asked, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    answer = json.loads(text)
    if answer["patterns"]:
        print_patterns(out, answer)
    else:
        out.print(f"no {'new kinds of' if new else ''} log records {range_words(start, end, last)}".replace("  ", " "))


def print_patterns(out: Console, answer: dict[str, Any]) -> None:
    """One line per pattern: how often, whose, since when, what."""
    columns = [
        Column("records", right=True),
        Column("share", right=True, spare=1),
        Column("service", shrinks=True),
        Column("first seen", spare=2),
        Column("pattern", shrinks=True),
    ]
    rows: list[list[Text | str]] = []
    for one in answer["patterns"]:
        template = Text(clean(one["template"]), severity_style(one["severity"]))
        since = show_instant(one["first_seen"]) if one["first_seen"] else "just now"
        mark = Text.assemble(("new ", "bold yellow"), template) if one["new"] else template
        rows.append([f"{one['count']:.0f}", f"{one['share']:.1%}", service_text(one["service"]), since, mark])
    print_table(out, columns, rows)
    if answer["sampled"] > 1:
        out.print(Text(f"one in {answer['sampled']} records below WARN was read; their counts are estimates", "dim"))
