"""The parts of `tocsin incident` about evidence and runbooks."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.asking import get, post, printed
from tocsin.cli.incident_shown import AuthorOption, IdArgument, incident_path, moment, print_rows
from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput
from tocsin.model.incident import EvidenceKind

SUBJECTS = {
    EvidenceKind.TRACE: "trace_id",
    EvidenceKind.LOGS: "query",
    EvidenceKind.QUERY: "query",
    EvidenceKind.SLO: "key",
    EvidenceKind.EXPLAIN: "service",
}


def pin(
    identity: IdArgument,
    kind: Annotated[EvidenceKind, typer.Argument(metavar="KIND", help="trace, logs, query, slo, explain.")],
    subject: Annotated[str, typer.Argument(help="A trace's id, a query of logs or in PromQL, an objective, a service.")],
    author: AuthorOption,
    start: Annotated[str | None, typer.Option("--start", help="From when on: now-30m.", show_default=False)] = None,
    end: Annotated[str | None, typer.Option("--end", help="Until when; now for what needs a range.", show_default=False)] = None,
    title: Annotated[str, typer.Option("--title", help="For people; the question by default.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Keep a question with its answer.

    The answer can be read when retention has dropped what it is about. Logs, queries and explanations need --start.
    """
    question = {SUBJECTS[kind]: subject}
    if kind in {EvidenceKind.LOGS, EvidenceKind.QUERY, EvidenceKind.EXPLAIN}:
        if start is None:
            raise InvalidInput(f"pinning {kind.value} needs a range: --start now-30m, and --end unless it is now")
        question |= {"start": start, "end": end or "now"}
    wanted = {"kind": kind.value, "question": question, "title": title, "author": author}
    text = post(f"{incident_path(identity)}/evidence", wanted, url, data)
    if printed(text, as_json):
        return
    found = json.loads(text)
    console().print(f"pinned as evidence {found['number']}: {clean(found['title'])}")
    if found["cut"]:
        console().print(Text(clean(found["cut"]), "yellow"))


def evidence(
    identity: IdArgument,
    number: Annotated[int | None, typer.Argument(help="Which one's answer to print; all are listed without.", show_default=False)] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What is pinned, or one answer as JSON."""
    text = get(f"{incident_path(identity)}/evidence{f'/{number}' if number is not None else ''}", url, data)
    if printed(text, as_json):
        return
    found = json.loads(text)
    if number is not None:
        console().print(json.dumps(json.loads(found["answer"] or "null"), indent=2, ensure_ascii=True))
        return
    rows = [_evidence_row(one["evidence"], one["size_bytes"]) for one in found]
    print_rows(["number", "kind", "state", "at", "who", "what", "size", "left out"], rows, "nothing is pinned")


def runbook(identity: IdArgument, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """The runbook of its alerts, with their values filled in."""
    text = get(f"{incident_path(identity)}/runbook", url, data)
    if not printed(text, as_json):
        found = json.loads(text)
        console().print(Text(clean(found["text"] or found["url"], lines=True)))


def tick(
    identity: IdArgument,
    number: Annotated[int, typer.Argument(metavar="STEP", min=1, help="Which step of the runbook.")],
    author: AuthorOption,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Tick off a step of the runbook."""
    text = post(f"{incident_path(identity)}/runbook/{number}", {"author": author}, url, data)
    if printed(text, as_json):
        return
    steps = json.loads(text)["steps"]
    left = next((one for one in steps if one["done"] is None), None)
    follows = f"next is {left['number']}: {clean(left['text'])}" if left else "all are done"
    console().print(f"step {number} is done; {follows}")


def _evidence_row(one: dict[str, Any], size: int) -> list[str]:
    who = one["pinned_by"] or "-"
    return [str(one["number"]), one["kind"], one["state"], moment(one["pinned_at"]), who, one["title"], f"{size} bytes", one["cut"] or "-"]
