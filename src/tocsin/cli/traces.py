"""`tocsin traces`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.parameters import (
    DataOption,
    EndOption,
    JsonOption,
    LastOption,
    StartOption,
    UrlOption,
    range_words,
    time_parameters,
)
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_duration_ns, show_instant


def command(
    query: Annotated[
        str, typer.Argument(help='Lucene syntax over spans: http.route:"/orders" AND span.http.response.status_code:>=500')
    ] = "",
    service: Annotated[str | None, typer.Option("--service", help="Only with a span of this service.", show_default=False)] = None,
    operation: Annotated[str | None, typer.Option("--operation", help="Only with a span of this name.", show_default=False)] = None,
    errors: Annotated[
        bool | None,
        typer.Option("--errors/--no-errors", help="Only with a span that failed, or with one that did not.", show_default=False),
    ] = None,
    min_duration: Annotated[str | None, typer.Option("--min", help="Only with a span at least so long: 250ms.", show_default=False)] = None,
    max_duration: Annotated[str | None, typer.Option("--max", help="Only with a span at most so long: 2s.", show_default=False)] = None,
    slowest: Annotated[bool, typer.Option("--slowest", help="The slowest first, rather than the newest.")] = False,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Traces, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Traces with a span that fits the query and all options, of the last hour by default.

    docs/query-language.md explains queries. Put single quotes around one, and -- before one that starts with a minus.
    """
    parameters = {
        "query": query,
        "service": service,
        "operation": operation,
        "errors": errors,
        "min_duration": min_duration,
        "max_duration": max_duration,
        "order": "slowest" if slowest else "newest",
        "limit": limit,
        **time_parameters(start, end, last),
    }
    with connect(url, data) as server:
        text = server.get("/api/traces", parameters)
    out = console()
    if as_json:
        out.print(text)
        return
    page = json.loads(text)
    if not page["traces"]:
        out.print(f"no traces match {range_words(start, end, last)}")
        return
    print_traces(out, page["traces"])
    if page["next_cursor"]:
        out.print(Text(f"there are more than these {len(page['traces'])}; --limit shows more", "dim"))


def print_traces(out: Console, traces: list[dict[str, Any]]) -> None:
    """One line per trace; where there is no room for the columns of counts, ✗ stands before a root whose trace has failed spans."""
    narrow = is_narrow(out)
    counts = () if narrow else (Column("spans", right=True), Column("errors", right=True))
    columns = (Column("trace"), Column("start"), Column("duration", right=True), *counts, Column("root", shrinks=True))
    rows = []
    for trace in traces:
        failed = Text(str(trace["errors"]), "red") if trace["errors"] else Text("-", "dim")
        mark = ("✗ ", "red") if narrow and trace["errors"] else ""
        others = [clean(name) for name in trace["services"] if name != trace["root_service"] and not narrow]
        root = Text.assemble(mark, service_text(trace["root_service"]), f" {clean(trace['root_name'])}")
        root.append(f"  + {', '.join(others)}" if others else "", "dim")
        start, duration = show_instant(trace["start"], short=narrow), show_duration_ns(trace["duration_ns"])
        rows.append([trace["trace_id"], start, duration, *(() if narrow else (str(trace["spans"]), failed)), root])
    print_table(out, columns, rows)
