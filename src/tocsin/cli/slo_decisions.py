"""The parts of `tocsin slo` that decide: exclusions, causes and exceptions, who gave them and why, and taking them back."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.asking import get, post, printed
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, StartOption, UrlOption
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_instant
from tocsin.errors import InvalidInput
from tocsin.model.budget import CauseKind
from tocsin.model.instant import parse_duration_ns

SloArgument = Annotated[str | None, typer.Argument(help="The SLO it is about; or --service for all of a service.", show_default=False)]
ServiceOption = Annotated[str | None, typer.Option("--service", help="All SLOs of this service.", show_default=False)]
AuthorOption = Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who decides it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]


class Decision(Enum):
    """What can be taken back."""

    EXCLUSION = "exclusion"
    MARK = "mark"


class ExceptionKind(Enum):
    """What an exception is for; the value is its name."""

    SECURITY = "security"
    INCIDENT_FIX = "incident-fix"
    OTHER = "other"


def exclude(
    author: AuthorOption,
    reason: ReasonOption,
    slo: SloArgument = None,
    service: ServiceOption = None,
    start: StartOption = None,
    end: EndOption = None,
    query: Annotated[
        str, typer.Option("--query", help="Only events that match, in Lucene syntax; without --start and --end always.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Let something not count against budgets.

    A time (--start, --end) for a maintenance, kinds of events (--query) for probes and the like, or both together. Times exclude whole
    minutes. Every budget is shown with and without what is excluded.
    """
    wanted = {**_about(slo, service), "start": start, "end": end, "query": query, "author": author, "reason": reason}
    text = post("/api/slo-exclusions", wanted, url, data)
    if printed(text, as_json):
        return
    added = json.loads(text)
    recount = "; what is stored is being counted anew" if added["query"] else ""
    console().print(f"excluded {_exclusion_words(added)}{recount}")
    console().print(Text(f"`tocsin slo withdraw exclusion {clean(added['id'])}` takes it back", "dim"))


def exclusions(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """What is excluded, by whom and why; out of files and entered here."""
    text = get("/api/slo-exclusions", url, data)
    if printed(text, as_json):
        return
    rows = [
        [_subject(one), _moment(one["start"]), _moment(one["end"]), one["query"] or "everything", one["author"], one["reason"], one["id"]]
        for one in json.loads(text)
    ]
    _print_rows(["about", "from", "until", "what", "author", "reason", "id"], rows, "nothing is excluded")


def mark(
    author: AuthorOption,
    reason: ReasonOption,
    start: Annotated[str, typer.Option("--start", help="From when on, in UTC: 2026-11-20T02:03:11Z, now-15m.")],
    kind: Annotated[CauseKind, typer.Option("--kind", help="What sort of thing it was.")],
    cause: Annotated[str, typer.Option("--cause", help="Which: INC-12, 'database upgrade'.")],
    slo: SloArgument = None,
    service: ServiceOption = None,
    end: EndOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Say what consumed the budget in a time.

    Until now by default. The ledger names it instead of guessing.
    """
    times = {"start": start, "end": end or "now"}
    wanted = {**_about(slo, service), **times, "kind": kind.value, "cause": cause, "author": author, "reason": reason}
    text = post("/api/slo-marks", wanted, url, data)
    if printed(text, as_json):
        return
    added = json.loads(text)
    times_words = f"{_moment(added['start'])} to {_moment(added['end'])} UTC"
    console().print(f"{clean(added['cause'])} ({added['kind']}) is what the ledger of {_subject(added)} names from {times_words}")
    console().print(Text(f"`tocsin slo withdraw mark {clean(added['id'])}` takes it back", "dim"))


def marks(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """What people said about causes."""
    text = get("/api/slo-marks", url, data)
    if printed(text, as_json):
        return
    rows = [
        [_subject(one), _moment(one["start"]), _moment(one["end"]), _cause(one), one["author"], one["reason"], one["id"]]
        for one in json.loads(text)
    ]
    _print_rows(["about", "from", "until", "cause", "author", "reason", "id"], rows, "nobody said anything about causes")


def exception(
    service: Annotated[str, typer.Argument(help="Whose deployment it lets through.")],
    author: AuthorOption,
    reason: ReasonOption,
    kind: Annotated[ExceptionKind, typer.Option("--kind", help="What it is for; a policy may take only some.")],
    lasting: Annotated[str, typer.Option("--for", help="How long it holds: 30m, 4h, 1d.")] = "4h",
    uses: Annotated[int, typer.Option("--uses", min=1, max=100, help="Deployments that it lets through.")] = 1,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Give leave to deploy although the policy says no.

    The gate uses it up, and the audit keeps who gave it and why.
    """
    parse_duration_ns(lasting)
    wanted = {"service": service, "kind": kind.value, "author": author, "reason": reason, "lasting": lasting, "uses": uses}
    text = post("/api/policy-exceptions", wanted, url, data)
    if printed(text, as_json):
        return
    added = json.loads(text)
    count = "one deployment" if added["uses_left"] == 1 else f"{added['uses_left']} deployments"
    console().print(f"the gate lets {count} of {clean(added['service'])} through until {_moment(added['expires'])} UTC ({added['id']})")


def exceptions(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """Every exception, used up and expired ones too."""
    text = get("/api/policy-exceptions", url, data)
    if printed(text, as_json):
        return
    rows = [
        [one["service"], one["kind"], str(one["uses_left"]), _moment(one["expires"]), one["author"], one["reason"], one["id"]]
        for one in json.loads(text)
    ]
    _print_rows(["service", "kind", "uses left", "until", "author", "reason", "id"], rows, "nobody was ever given leave")


def withdraw(
    what: Annotated[Decision, typer.Argument(help="What sort of decision.")],
    identity: Annotated[str, typer.Argument(metavar="ID", help="Which, as the list shows it.")],
    author: AuthorOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Take back an exclusion or a mark; it stays in the audit."""
    path = f"/api/slo-{what.value}s/{quote(identity, safe='')}/withdraw"
    text = post(path, {"author": author, "reason": reason}, url, data)
    if not printed(text, as_json):
        console().print(f"{what.value} {clean(identity)} is withdrawn")


def audit(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Entries, at most.")] = 50,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What was decided, by whom and why, and what the gate answered: the newest first."""
    text = get("/api/audit", url, data, {"limit": limit})
    if printed(text, as_json):
        return
    rows = [[_moment(one["at"]), one["action"], one["subject"], one["author"] or "-", one["detail"]] for one in json.loads(text)]
    _print_rows(["at", "what", "about", "who", "detail"], rows, "nothing was decided yet")


def _about(slo: str | None, service: str | None) -> dict[str, str]:
    if (slo is None) == (service is None):
        raise InvalidInput("name either the SLO, or by --service the service whose SLOs are all meant")
    return {"slo": slo or "", "service": service or ""}


def _print_rows(names: list[str], rows: list[list[str]], nothing: str) -> None:
    """A table whose texts give way to times, numbers and ids; a narrow terminal leaves the author out."""
    out = console()
    if not rows:
        out.print(nothing)
        return
    whole = {"from", "until", "at", "kind", "uses left", "id"}
    kept = [index for index, name in enumerate(names) if name != "author" or not is_narrow(out)]
    columns = [Column(names[index], shrinks=names[index] not in whole) for index in kept]
    table = [[service_text(row[index]) if names[index] == "service" else clean(row[index]) for index in kept] for row in rows]
    print_table(out, columns, table)


def _subject(one: dict[str, Any]) -> str:
    return clean(one["slo"]) if one["slo"] else f"all of {clean(one['service'])}"


def _cause(one: dict[str, Any]) -> str:
    return f"{one['kind']}: {one['cause']}"


def _exclusion_words(one: dict[str, Any]) -> str:
    what = f"events of {_subject(one)} that match {clean(one['query'])}" if one["query"] else _subject(one)
    if one["start"] is None and one["end"] is None:
        return f"{what}, always"
    return f"{what} from {_moment(one['start'])} to {_moment(one['end'])}"


def _moment(text: str | None) -> str:
    return "always" if text is None else show_instant(text)[:16]
