"""`tocsin silence`: let nobody be told about some alerts for a while, see what is silenced, end it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, show_instant
from tocsin.errors import InvalidInput

STATE_STYLES = {"active": "green", "pending": "yellow", "expired": "dim"}
SECONDS = slice(-len(".123"))

AuthorOption = Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who you are.")]


def list_silences(
    match: Annotated[
        str, typer.Argument(metavar="[MATCHERS]", help="""Only those about these labels: 'service="shop"'.""", show_default=False)
    ] = "",
    expired: Annotated[bool, typer.Option("--expired", help="Those that have ended, too.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What is silenced: until when, by whom, why, and how many alerts that keeps quiet now."""
    with connect(url, data) as server:
        text = server.get("/api/silences", {"match": match or None, "expired": "true" if expired else None})
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    if not found:
        out.print("nothing is silenced")
        return
    columns = [Column("silence"), Column("state"), Column("from"), Column("until"), Column("matchers", shrinks=True)]
    columns += [Column("alerts", right=True), Column("author", shrinks=True), Column("comment", shrinks=True)]
    print_table(out, columns, [_row(one) for one in found])


def add(
    matchers: Annotated[list[str], typer.Argument(help="""What labels must be, all of it: 'service="checkout"' 'zone=~"eu.*"'.""")],
    author: AuthorOption,
    comment: Annotated[str, typer.Option("--comment", help="Why.")],
    lasting: Annotated[str | None, typer.Option("--for", help="How long: 30m, 2h, 1d.", show_default=False)] = None,
    end: Annotated[
        str | None, typer.Option("--end", help="Until when, in place of --for: 2026-11-20T02:03:11Z.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="From when on: 2026-11-20T02:03:11Z; now by default.", show_default=False)
    ] = None,
    change: Annotated[str, typer.Option("--change", help="Id of the silence that this takes the place of.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Let nobody be told about alerts with these labels, for a while.

    At least one of the matchers must need a label. One that is running keeps its matchers: to change these makes a new one.
    """
    if (lasting is None) == (end is None):
        raise InvalidInput("say how long by --for, or until when by --end")
    order = {"matchers": matchers, "start": start, "end": end, "lasting": lasting, "author": author, "comment": comment, "id": change}
    with connect(url, data) as server:
        text = server.post("/api/silences", order)
    out = console()
    if as_json:
        out.print(text)
        return
    one = json.loads(text)
    span = f"from {show_instant(one['starts_at'])[SECONDS]} until {show_instant(one['ends_at'])[SECONDS]} UTC"
    quiet = f", {len(one['alerts'])} alerts that fire now" if one["alerts"] else ", nothing that fires now"
    out.print(f"{clean(' '.join(one['matchers']))} is silenced {span}{quiet}")
    out.print(Text(f"`tocsin silence expire {clean(one['id'])}` ends it", "dim"))


def expire(
    identities: Annotated[list[str], typer.Argument(metavar="ID...", help="Which, as the list shows them.")],
    author: AuthorOption,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """End silences now."""
    with connect(url, data) as server:
        ended = [json.loads(server.post(f"/api/silences/{quote(one, safe='')}/expire", {"author": author})) for one in identities]
    out = console()
    if as_json:
        out.print(json.dumps(ended))
        return
    for one in ended:
        out.print(f"silence {clean(one['id'])} of {clean(' '.join(one['matchers']))} has ended")


def _row(one: dict[str, Any]) -> list[Text | str]:
    return [
        one["id"],
        Text(one["state"], STATE_STYLES.get(one["state"], "")),
        show_instant(one["starts_at"])[SECONDS],
        show_instant(one["ends_at"])[SECONDS],
        " ".join(one["matchers"]),
        str(len(one["alerts"]) or ""),
        one["author"],
        one["comment"],
    ]


PARTS = {"list": list_silences, "add": add, "expire": expire}
