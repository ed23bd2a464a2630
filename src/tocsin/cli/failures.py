"""`tocsin errors`."""

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
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_instant

ROOMY_FROM = 160  # columns


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
    print_failures(out, failures)


def print_failures(out: Console, failures: list[dict[str, Any]]) -> None:
    """One line per kind of failure; a narrow terminal has room for who and what, and the trace to look at."""
    narrow, roomy = is_narrow(out), out.width >= ROOMY_FROM
    columns = [Column("count", right=True), Column("service", shrinks=True), Column("failure", shrinks=True), Column("trace")]
    if not narrow:
        columns[2:3] = [Column("operation", shrinks=True), Column("failure", shrinks=True), Column("last seen")]
    rows = []
    for failure in failures:
        kind = failure["kind"] if roomy else failure["kind"].rpartition(".")[2]  # an exception's class without its module
        what = Text(": ".join(clean(part) for part in (kind, failure["message"]) if part), "red")
        if narrow and failure["operation"]:
            what.append(f" in {clean(failure['operation'])}", "dim")
        where = [what] if narrow else [clean(failure["operation"]), what, show_instant(failure["last_seen"], short=not roomy)]
        rows.append([str(failure["count"]), service_text(failure["service"]), *where, failure["exemplar_trace_id"] or "-"])
    print_table(out, columns, rows)
