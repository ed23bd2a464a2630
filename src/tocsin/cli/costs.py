"""`tocsin costs`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, range_words, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow

KILOBYTE = 1000


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
    if not answer["rows"]:
        out.print(f"nothing was used {range_words(start, end, last)}")
        return
    out.print(Text(clean(answer["sentence"])))
    money = answer["currency"]
    columns = [Column(by.value, shrinks=True), *(Column(name, right=True) for name in ("requests", "calls", "tokens in", "tokens out"))]
    bytes_shown = not is_narrow(out) and by is not By.MODEL
    columns += [Column(name, right=True) for name in ("received", "sent")] if bytes_shown else []
    columns += [Column(clean(money), right=True), Column("a day", right=True)]
    rows = [*answer["rows"], {"name": "all", "usage": answer["total"], "per_day": answer["total_per_day"]}]
    print_table(out, columns, [_row(row, bytes_shown) for row in rows])
    for model in answer["unpriced"]:
        tokens = model["input_tokens"] + model["output_tokens"]
        out.print(
            Text(f"no price for {clean(model['model']) or 'a model without a name'}: {tokens:,} tokens are in no sum of money", "yellow")
        )


def _row(row: dict[str, Any], bytes_shown: bool) -> list[Text | str]:
    usage = row["usage"]
    counts = [f"{usage[name]:,}" for name in ("requests", "model_calls", "input_tokens", "output_tokens")]
    sizes = [show_bytes(usage[name]) for name in ("received_bytes", "sent_bytes")] if bytes_shown else []
    name = Text(clean(row["name"])) if row["name"] else Text("(nobody named)", "dim")
    return [name, *counts, *sizes, _money(usage), _money(row["per_day"])]


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
