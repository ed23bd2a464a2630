"""`tocsin correlate`."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.logs import log_line
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.terminal import clean, console, service_text, show_duration_ns, show_instant


def command(
    id: Annotated[str, typer.Argument(help="A request id, a trace id, any id that telemetry carries.")],  # noqa: A002
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Log records and spans, at most.")] = 1000,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """The whole story of an id: logs and spans of every service, in time order, of any age."""
    with connect(url, data) as server:
        text = server.get(f"/api/correlate/{quote(id, safe='')}", {"limit": limit, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    story = json.loads(text)
    for entry in story["entries"]:
        out.print(log_line(entry["log"]) if entry["log"] else span_line(entry["span"]))
    if not story["entries"]:
        out.print(f"nothing carries {clean(id)!r}")
    if story["truncated"]:
        out.print(Text(f"the story is longer than {limit} entries; --limit shows more", "dim"))
    for trace_id in story["trace_ids"]:
        out.print(Text(f"tocsin trace {trace_id}", "dim"))


def span_line(span: dict[str, Any]) -> Text:
    """A span as one line of a story."""
    failed = span["status"] == "error"
    line = Text.assemble(
        (show_instant(span["start"]), "dim"), " ", ("SPAN ", "red" if failed else "bold"), " ", service_text(span["service"]), " "
    )
    line.append(clean(span["name"])).append(f" {show_duration_ns(span['duration_ns'])}", "bold")
    if failed:
        line.append(f" failed {clean(span['status_message'])}".rstrip(), "red")
    return line
