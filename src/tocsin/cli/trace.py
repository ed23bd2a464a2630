"""`tocsin trace`."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote

import typer

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Refused, connect
from tocsin.cli.terminal import console
from tocsin.cli.waterfall import waterfall


def command(
    trace_id: Annotated[str, typer.Argument(help="32 hexadecimal digits.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """One trace as a waterfall: who worked when, what was on the critical path, where the time went."""
    with connect(url, data) as server:
        text = server.get(f"/api/traces/{quote(trace_id, safe='')}")
    out = console()
    if as_json:
        out.print(text)
        return
    try:
        trace = json.loads(text)
    except RecursionError as error:
        raise Refused("the trace is nested too deeply to be drawn here; --json prints it") from error
    for line in waterfall(trace, width=out.width):
        out.print(line)
