"""`tocsin costs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, range_words, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console

KILOBYTE = 1000
OF_REQUESTS = frozenset({"requests", "received", "sent"})  # what calls to models don't have
SPARE = {"sent": 4, "received": 3, "calls": 2, "a day": 1}  # what makes way for names, the highest first


class By(Enum):
    """What rows are told apart by."""

    TENANT = "tenant"
    ROUTE = "route"
    MODEL = "model"


def command(
    by: Annotated[By, typer.Option("--by", help="What rows are told apart by.")] = By.TENANT,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Requests, tokens, bytes and money per tenant, route or model, of the last hour by default, and the same at this pace for a day."""
    with connect(url, data) as server:
        text = server.get("/api/costs", {"by": by.value, "limit": limit, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    answer = json.loads(text)
    if not answer["rows"] and not answer["implausible"]:
        out.print(f"nothing was used {range_words(start, end, last)}")
        return
    out.print(Text(clean(answer["sentence"])))
    if not answer["rows"]:
        return
    rows = [*answer["rows"], {"name": "all", "usage": answer["total"], "per_day": answer["total_per_day"]}]
    shown = [name for name in FIGURES if by is not By.MODEL or name not in OF_REQUESTS]
    heads = {"money": clean(answer["currency"])}
    figures = [Column(heads.get(name, name), right=True, spare=SPARE.get(name, 0)) for name in shown]
    columns = [Column(by.value, shrinks=True), *figures]
    print_table(out, columns, [[_name(row), *(FIGURES[name](row) for name in shown)] for row in rows])
    for model in answer["unpriced"]:
        tokens = model["input_tokens"] + model["output_tokens"]
        out.print(
            Text(f"no price for {clean(model['model']) or 'a model without a name'}: {tokens:,} tokens are in no sum of money", "yellow")
        )


def _name(row: dict[str, Any]) -> Text:
    return Text(clean(row["name"])) if row["name"] else Text("(nobody named)", "dim")


def _money(usage: dict[str, Any]) -> str:
    """A `+` says that tokens without a price come on top."""
    if usage["money"] is None:
        return "-"
    return f"{usage['money']:,.2f}{'+' if usage['unpriced_tokens'] else ''}"


def show_bytes(size: int) -> str:
    """`512 B`, `1.5 kB`, `2.0 GB`."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < KILOBYTE:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= KILOBYTE
    return f"{value:.1f} PB"


FIGURES: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "requests": lambda row: "-" if row["usage"]["requests"] is None else f"{row['usage']['requests']:,}",
    "calls": lambda row: f"{row['usage']['model_calls']:,}",
    "tokens in": lambda row: f"{row['usage']['input_tokens']:,}",
    "tokens out": lambda row: f"{row['usage']['output_tokens']:,}",
    "received": lambda row: show_bytes(row["usage"]["received_bytes"]),
    "sent": lambda row: show_bytes(row["usage"]["sent_bytes"]),
    "money": lambda row: _money(row["usage"]),
    "a day": lambda row: _money(row["per_day"]),
}
