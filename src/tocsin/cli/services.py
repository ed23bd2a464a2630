"""`tocsin services`."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

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
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, service_text, show_ms, show_ratio

FIGURES = ("requests", "per s", "errors", "p50", "p95", "p99")


def command(
    service: Annotated[str | None, typer.Argument(help="Show this service's operations.", show_default=False)] = None,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Services (or one service's operations) with requests, errors and latencies, of the last hour by default."""
    path = "/api/services" if service is None else f"/api/services/{quote(service, safe='')}/operations"
    with connect(url, data) as server:
        text = server.get(path, time_parameters(start, end, last))
    out = console()
    if as_json:
        out.print(text)
        return
    rows = json.loads(text)
    if not rows:
        what = "no service was seen" if service is None else f"no operation of {clean(service)} was seen"
        out.print(f"{what} {range_words(start, end, last)}")
        return
    names = [Column("service", shrinks=True)] if service is None else [Column("operation", shrinks=True), Column("kind")]
    lines = []
    for row in rows:
        name = [service_text(row["service"])] if service is None else [Text(clean(row["operation"] or "")), Text(row["kind"] or "", "dim")]
        lines.append([*name, *_figures(row)])
    print_table(out, [*names, *(Column(figure, right=True) for figure in FIGURES)], lines)


def _figures(row: dict[str, Any]) -> list[Text]:
    errors = Text(show_ratio(row["error_ratio"]), "red" if row["errors"] else "")
    texts = [Text(f"{row['requests']}"), Text(f"{row['rate_per_s']:.2f}"), errors]
    return texts + [Text(show_ms(row[name])) for name in ("p50_ms", "p95_ms", "p99_ms")]
