"""`tocsin traces`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
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
from tocsin.cli.terminal import clean, console, service_text, show_duration_ns, show_instant, table


def command(
    query: Annotated[
        str, typer.Argument(help='Lucene syntax over spans: http.route:"/orders" AND span.http.response.status_code:>=500')
    ] = "",
    service: Annotated[str | None, typer.Option("--service", help="Only with a span of this service.", show_default=False)] = None,
    operation: Annotated[str | None, typer.Option("--operation", help="Only with a span of this name.", show_default=False)] = None,
    errors: Annotated[
        bool | None, typer.Option("--errors/--no-errors", help="Only with, or without, failed spans.", show_default=False)
    ] = None,
    min_duration: Annotated[str | None, typer.Option("--min", help="At least so long: 250ms.", show_default=False)] = None,
    max_duration: Annotated[str | None, typer.Option("--max", help="At most so long: 2s.", show_default=False)] = None,
    slowest: Annotated[bool, typer.Option("--slowest", help="The slowest first, rather than the newest.")] = False,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Traces, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Traces with a span that fits, of the last hour by default."""
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
    drawn = table("trace", "start", "duration", "spans", "errors", "root", numbers=("duration", "spans", "errors"))
    for trace in page["traces"]:
        others = [name for name in trace["services"] if name != trace["root_service"]]
        root = service_text(trace["root_service"]).append(f" {clean(trace['root_name'])}", "default")
        root.append(f"  + {', '.join(map(clean, others))}" if others else "", "dim")
        failed = Text(str(trace["errors"]), "red") if trace["errors"] else Text("-", "dim")
        drawn.add_row(
            trace["trace_id"], show_instant(trace["start"]), show_duration_ns(trace["duration_ns"]), str(trace["spans"]), failed, root
        )
    if not page["traces"]:
        out.print(f"no traces match {range_words(start, end, last)}; --last 7d looks further back")
        return
    out.print(drawn)
    if page["next_cursor"]:
        out.print(Text(f"there are more than these {len(page['traces'])}; --limit shows more", "dim"))
