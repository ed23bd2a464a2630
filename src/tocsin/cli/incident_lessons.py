"""The parts of `tocsin incident` about what is learnt: postmortems, action items, guards, tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.asking import get, post, printed
from tocsin.cli.incident_shown import AuthorOption, IdArgument, ago, incident_path, moment, print_rows
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, StartOption, UrlOption
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput
from tocsin.model.incident import GuardKind

NUMBERS = frozenset({"incidents", "new", "repeats_prevented", "total_guards", "late"})


def postmortem(
    identity: IdArgument,
    write: Annotated[Path | None, typer.Option("--write", help="Keep this Markdown file as its next version.", show_default=False)] = None,
    draft: Annotated[bool, typer.Option("--draft", help="The template with what is known now, whatever was written.")] = False,
    author: Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who wrote it; with --write.", show_default=False)] = "",
    based_on: Annotated[
        int | None, typer.Option("--based-on", min=0, help="Refuse when another version was written since this one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """The postmortem as Markdown: a draft with everything that is known, until somebody writes one."""
    path = f"{incident_path(identity)}/postmortem"
    if write is None:
        text = get(f"{path}/draft" if draft else path, url, data)
        if not printed(text, as_json):
            console().print(Text(clean(json.loads(text)["text"], lines=True)), end="", soft_wrap=True)
        return
    if not author:
        raise InvalidInput("a postmortem says who wrote it: --author, or TOCSIN_AUTHOR")
    try:
        words = write.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{write} can't be read as UTF-8 text: {error}") from error
    text = post(path, {"text": words, "author": author, "based_on": based_on}, url, data)
    if not printed(text, as_json):
        found = json.loads(text)
        console().print(f"version {found['version']} of the postmortem of {found['id']} is kept")


def action(
    identity: IdArgument,
    words: Annotated[str, typer.Argument(help="What shall be done.")],
    author: AuthorOption,
    owner: Annotated[str, typer.Option("--owner", help="Who does it.")],
    due: Annotated[str, typer.Option("--due", help="Its last day: 2026-12-01.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Write down an action item."""
    text = post(f"{incident_path(identity)}/actions", {"text": words, "owner": owner, "due": due, "author": author}, url, data)
    if not printed(text, as_json):
        item = json.loads(text)["item"]
        console().print(f"action item {item['number']}: {clean(item['owner'])} until {item['due']}")


def actions(
    done_too: Annotated[bool, typer.Option("--all", help="Those that are done, too.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Action items of all incidents, those that are due first in front."""
    text = get("/api/incident-actions", url, data, {"done": done_too})
    if printed(text, as_json):
        return
    rows = [
        [str(one["item"]["number"]), one["id"], _due(one), one["item"]["owner"], one["item"]["text"], _finished(one["item"])]
        for one in json.loads(text)
    ]
    print_rows(["number", "incident", "due", "owner", "what", "done"], rows, "nothing is left to do")


def done(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Which action item.")],
    author: AuthorOption,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Write down that an action item is done."""
    text = post(f"/api/incident-actions/{number}/done", {"author": author}, url, data)
    if not printed(text, as_json):
        console().print(f"action item {number} is done: {clean(json.loads(text)['item']['text'])}")


def guard(
    identity: IdArgument,
    name: Annotated[str, typer.Argument(help="For people; unique.")],
    author: AuthorOption,
    kind: Annotated[GuardKind, typer.Option("--kind", help="What it holds.")],
    path: Annotated[str, typer.Option("--path", help="File with its content.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Name a guard that came from an incident and is kept in a file."""
    wanted = {"kind": kind.value, "name": name, "path": path, "author": author}
    text = post(f"{incident_path(identity)}/guards", wanted, url, data)
    if not printed(text, as_json):
        console().print(f"{clean(name)} guards against {clean(json.loads(text)['signature']) or 'no signature: it can tell no repeat'}")


def guards(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """Every guard, the oldest first."""
    text = get("/api/incident-guards", url, data)
    if printed(text, as_json):
        return
    rows = [
        [str(one["number"]), f"INC-{one['incident']}", one["kind"], one["name"], one["signature"] or "-", one["path"]]
        for one in json.loads(text)
    ]
    print_rows(["number", "incident", "kind", "name", "knows", "file"], rows, "there are no guards yet")


def weekly(
    start: StartOption = None, end: EndOption = None, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None
) -> None:
    """
    Week by week: incidents, new ones, repeats that a guard knew, guards.

    Twelve weeks by default. Every incident leaves a guard behind, so new ones become fewer.
    """
    text = get("/api/incident-weeks", url, data, {"start": start, "end": end})
    if printed(text, as_json):
        return
    names = ["incidents", "new", "repeats_prevented", "total_guards"]
    rows = [[str(one["week"]), one["start"], *(str(one[name]) for name in names)] for one in json.loads(text)]
    print_rows(["week", "from", *names], rows, "no weeks", right=NUMBERS)


def figures(
    start: StartOption = None,
    end: EndOption = None,
    service: Annotated[str | None, typer.Option("--service", help="Only its incidents.", show_default=False)] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Times to detect, acknowledge and restore, each as median / 90th percentile (count).

    Of 90 days by default, for all incidents, and by service and severity.
    """
    text = get("/api/incident-figures", url, data, {"start": start, "end": end, "service": service})
    if printed(text, as_json):
        return
    rows = [
        [
            one["service"] or ("all" if not one["severity"] else "-"),
            one["severity"] or "all",
            str(one["incidents"]),
            *(_spread(one[name]) for name in ("detection", "acknowledge", "restore")),
            str(one["late_acknowledged"]),
        ]
        for one in json.loads(text)
    ]
    print_rows(["service", "of", "incidents", "detected", "acknowledged", "restored", "late"], rows, "no incidents", right=NUMBERS)


def _due(one: dict[str, Any]) -> Text:
    return Text(one["item"]["due"], "bold red" if one["overdue"] else "")


def _finished(item: dict[str, Any]) -> str:
    return f"{moment(item['done_at'])} by {item['done_by']}" if item["done_at"] else "-"


def _spread(spread: dict[str, Any]) -> str:
    return f"{ago(spread['median_s'])} / {ago(spread['p90_s'])} ({spread['count']})" if spread["count"] else "-"
