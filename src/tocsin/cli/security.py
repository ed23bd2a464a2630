"""`tocsin security`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, range_words, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_lines, print_table
from tocsin.cli.terminal import clean, console, is_narrow

STYLES = {"BREACH": "bold red", "WARN": "yellow", "OK": "green", "NO_DATA": "dim"}
COUNTS = ("requests", "failures", "failed_events", "routes")


def command(
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Clients, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Authentication failures and unusual access per client, of the last hour by default, against the same hours of past days.

    Exit code 1 when a client is flagged BREACH.
    """
    with connect(url, data) as server:
        text = server.get("/api/security", {"limit": limit, **time_parameters(start, end, last)})
    out = console()
    answer = json.loads(text)
    if as_json:
        out.print(text)
    elif answer["flag"] == "NO_DATA":
        out.print(f"no requests were seen {range_words(start, end, last)}")
    else:
        out.print(Text.assemble((answer["flag"], STYLES[answer["flag"]]), f" {clean(answer['sentence'])}"))
        out.print(Text(_rates(answer), "dim"))
        if answer["signals"]:
            columns = [Column("flag"), Column("client", shrinks=True), *(Column(name.replace("_", " "), right=True) for name in COUNTS)]
            narrow = is_narrow(out)
            columns += [] if narrow else [Column("why", shrinks=True)]
            print_table(out, columns, [_row(signals)[: len(columns)] for signals in answer["signals"]])
            print_lines(out, _reasons(answer["signals"]) if narrow else ())
    raise typer.Exit(Exit.FINDING if answer["flag"] == "BREACH" else Exit.OK)


def _rates(answer: dict[str, Any]) -> str:
    days = f"held against the same hours of {answer['days']} of {answer['days_asked']} past days"
    return f"{days}; at most {answer['warn_rate']:.2%} of such reports warn, {answer['breach_rate']:.2%} breach by chance"


def _reasons(found: list[dict[str, Any]]) -> list[Text]:
    """Why clients are flagged, where the table has no room for it."""
    flagged = [one for one in found if one["flag"] in {"WARN", "BREACH"}]
    return [Text.assemble("  ", (clean(one["client"]), STYLES[one["flag"]]), f": {clean(one['reason'])}") for one in flagged]


def _row(signals: dict[str, Any]) -> list[Text | str]:
    counts = {measure["name"]: measure["count"] for measure in signals["measures"]}
    shown: list[Text | str] = [f"{counts[name]:,}" if name in counts else "-" for name in COUNTS]
    client = Text.assemble((f"{clean(signals['key'])} ", "dim"), clean(signals["client"]))
    return [Text(signals["flag"], STYLES[signals["flag"]]), client, *shown, signals["reason"]]
