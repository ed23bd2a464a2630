"""`tocsin journal`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Server, connect
from tocsin.cli.terminal import clean, console, show_instant


class Action(Enum):
    """What to do with the quarantine."""

    LIST = "list"
    REPLAY = "replay"


def command(
    action: Annotated[Action, typer.Argument(help="Show what is in quarantine, or offer it to the engine again.")] = Action.LIST,
    token: Annotated[
        str | None, typer.Argument(help="Which segment to replay; all that the engine refused by default.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Segments in quarantine, with their reasons; `tocsin journal replay` loads them again once the reason is gone.

    A replay is safe at any time: segments keep their tokens, so nothing is stored twice, and what is refused again comes back here.
    Exit code 1 when something is in quarantine (list).
    """
    with connect(url, data) as server:
        if action is Action.REPLAY:
            replay(server, token, as_json=as_json)
            return
        text = server.get("/api/journal/quarantine")
    out = console()
    entries = json.loads(text)
    if as_json:
        out.print(text)
    else:
        for entry in entries:
            kind = "refused by the engine" if entry["kind"] == "refused" else "damaged original, its valid part was loaded"
            out.print(Text.assemble((entry["token"], "bold"), f"  {entry['records']} records, {entry['size_bytes']} bytes, {kind}"))
            out.print(f"  since {show_instant(entry['time'])}: {clean(entry['reason'])}\n  {clean(entry['path'])}")
        if not entries:
            out.print("nothing is in quarantine")
        elif any(entry["kind"] == "refused" for entry in entries):
            out.print(Text("`tocsin journal replay` offers the refused ones to the engine again", "dim"))
    raise typer.Exit(Exit.FINDING if entries else Exit.OK)


def replay(server: Server, token: str | None, *, as_json: bool) -> None:
    """Offer refused segments again, and say which."""
    text = server.post("/api/journal/quarantine/replay", {"token": token})
    out = console()
    if as_json:
        out.print(text)
        return
    answer = json.loads(text)
    if not answer["tokens"]:
        out.print("no refused segment is in quarantine")
        return
    out.print(f"{len(answer['tokens'])} segments with {answer['records']} records are being loaded again:")
    for name in answer["tokens"]:
        out.print(f"  {name}")
    out.print(Text("`tocsin journal` shows whether the engine refused any of them again", "dim"))
