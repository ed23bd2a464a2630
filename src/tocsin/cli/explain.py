"""`tocsin explain`."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.terminal import clean, console, show_instant

STYLES = {
    "version": "bold yellow",
    "deployment": "bold yellow",
    "dependency": "bold red",
    "pattern": "bold magenta",
    "attribute": "bold cyan",
}
KIND_WIDTH = 10


def command(
    service: Annotated[str, typer.Argument(help="Whose requests.")],
    bad: Annotated[
        str, typer.Option("--bad", help="Which are bad, a query over spans: duration:>1s; failed or unusually slow by default.")
    ] = "",
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Findings, at most.")] = 10,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What sets the bad requests of a service apart from its good ones, the strongest first; of the last 15 minutes by default."""
    with connect(url, data) as server:
        text = server.get(f"/api/explain/{quote(service, safe='')}", {"bad": bad, **time_parameters(start, end, last)})
    if as_json:
        console().print(text)
    else:
        print_explanation(console(), json.loads(text), limit=limit)


def print_explanation(out: Console, answer: dict[str, Any], *, limit: int) -> None:
    """The strongest finding as a sentence, then each with its kind and score, then where to look."""
    out.print(Text(clean(answer["sentence"]), "bold"))
    if answer["onset"]:
        out.print(f"it began at {show_instant(answer['onset'])}")
    out.print(Text(f"bad means {clean(answer['bad_means'])}", "dim"))
    for one in answer["findings"][:limit]:
        out.print(
            Text.assemble(
                (f"{one['kind']:<{KIND_WIDTH}}", STYLES.get(one["kind"], "bold")), f" {one['score']:>4.0%}  {clean(one['sentence'])}"
            ),
            soft_wrap=True,
        )
    for trace in answer["exemplars"][:2]:
        out.print(Text(f"  tocsin trace {trace}", "dim"))
    if answer["note"]:
        out.print(Text(clean(answer["note"]), "dim"))
