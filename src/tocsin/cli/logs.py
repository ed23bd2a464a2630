"""`tocsin logs`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli import logs_patterns
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
from tocsin.cli.terminal import attribute_text, clean, console, service_text, severity_style, show_instant, show_value

SEVERITY_WIDTH = 5


def command(
    query: Annotated[str, typer.Argument(help='Lucene syntax: event:tool AND latency_ms:>1000 "full table scan"')] = "",
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Records, at most.")] = 50,
    oldest: Annotated[bool, typer.Option("--oldest", help="From the start of the range on, rather than its newest.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Log records that match a query, of the last hour by default; the newest stands last.

    docs/query-language.md explains queries. Put single quotes around one, and -- before one that starts with a minus.
    """
    order = "oldest" if oldest else "newest"
    with connect(url, data) as server:
        text = server.get("/api/logs", {"query": query, "limit": limit, "order": order, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    page = json.loads(text)
    records = page["records"] if oldest else page["records"][::-1]
    for record in records:
        out.print(log_line(record))
    if not records:
        out.print(f"no log records match {range_words(start, end, last)}")
    elif page["next_cursor"]:
        out.print(Text(f"there are more than these {len(records)}; --limit shows more, a query fewer", "dim"))


def log_line(record: dict[str, Any]) -> Text:
    """A record as one line: time, severity, service, body, attributes."""
    style = severity_style(record["severity_number"])
    severity = clean(record["severity_text"])[:SEVERITY_WIDTH].upper() or "-"
    body = record["body"]
    line = Text.assemble(
        (show_instant(record["time"]), "dim"), " ", (f"{severity:<{SEVERITY_WIDTH}}", style), " ", service_text(record["service"])
    )
    if body not in (None, ""):
        line.append(" ").append(clean(body) if isinstance(body, str) else show_value(body), style)
    if record["event_name"]:
        line.append(f" [{clean(record['event_name'])}]", "italic")
    if record["attributes"]:
        line.append(" ").append(attribute_text(record["attributes"]))
    return line


PARTS = {"search": command, "patterns": logs_patterns.command}
