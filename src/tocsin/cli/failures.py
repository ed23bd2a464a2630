"""`tocsin errors`."""

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
from tocsin.cli.terminal import clean, console, service_text, show_instant, table


def command(
    service: Annotated[str | None, typer.Option("--service", help="Only of this service.", show_default=False)] = None,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Kinds of failure, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """The commonest failures, from failed spans and error logs, of the last hour by default."""
    with connect(url, data) as server:
        text = server.get("/api/errors", {"service": service, "limit": limit, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    failures = json.loads(text)
    if not failures:
        out.print(f"no failures {range_words(start, end, last)}")
        return
    drawn = table("count", "service", "operation", "failure", "last seen", "trace", numbers=("count",))
    for failure in failures:
        what = Text(": ".join(clean(part) for part in (failure["kind"], failure["message"]) if part), "red")
        where, seen, trace = clean(failure["operation"]), show_instant(failure["last_seen"]), failure["exemplar_trace_id"] or "-"
        drawn.add_row(str(failure["count"]), service_text(failure["service"]), where, what, seen, trace)
    out.print(drawn)
