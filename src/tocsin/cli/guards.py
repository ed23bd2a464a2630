"""`tocsin guards`: what incidents taught, as files beside a team's code, run by its pipeline."""

from __future__ import annotations

import importlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Refused, Server, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput
from tocsin.model.incident import GuardKind
from tocsin.model.instant import NANOSECONDS, parse_duration_ns

FOLDER = Path("guards")
FILE = "guard.yaml"
ARCHIVE_BYTES_MAX = 1 << 30
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

FoldersArgument = Annotated[
    list[Path] | None, typer.Argument(help="Folders with guards, at any depth; `guards` by default.", show_default=False)
]
TEMPLATES: dict[GuardKind, str] = {
    GuardKind.MUST_FIRE: (
        "rule: {name}\nrules: [../../rules.yaml]      # seen from here\nstart: 2026-01-01T00:00:00Z     # when it began\nwithin: 5m\n"
        "# telemetry: [telemetry/*]       what there was; `tocsin guards freeze` makes it\n"
    ),
    GuardKind.MUST_NOT_FIRE: (
        "rule: {name}\nrules: [../../rules.yaml]      # seen from here\nstart: 2026-01-01T00:00:00Z     # a quiet stretch\n"
        "end: 2026-01-01T06:00:00Z\n"
    ),
    GuardKind.QUERY: (
        "query: {{promql: 'up == 1'}}     # or {{logs: 'severity:error', below: 10}} with start and end\n"
        "live: true                     # asked of the server that `tocsin guards run --live` names; else of telemetry/\n"
    ),
    GuardKind.UNIT_TEST: "tests: [tests.yaml]             # as promtool's rule tests\n",
}


def list_guards(folders: FoldersArgument = None, as_json: JsonOption = False) -> None:
    """The guards of some folders: what each holds, and where it came from."""
    guards = importlib.import_module("tocsin.replay.guards.reading")
    found = [guards.read_guard(folder) for folder in guards.find_guards(folders or [FOLDER])]
    out = console()
    if as_json:
        out.print(json.dumps([_described(guard) for guard in found]))
        return
    if not found:
        out.print("no guards lie there; `tocsin guards freeze INCIDENT` makes one")
        return
    columns = [
        Column("guard", shrinks=True),
        Column("holds"),
        Column("rule", shrinks=True),
        Column("incident"),
        Column("about", shrinks=True),
    ]
    texts = [(guard.name, guard.kind.value, guard.rule, guard.incident, guard.description) for guard in found]
    print_table(out, columns, [[Text(clean(text)) for text in row] for row in texts])


def run(
    folders: FoldersArgument = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write a JUnit report there.", show_default=False)] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the server what guards of the kind `query` want to know of it.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Run every guard on nothing but its own files, on a clock of its own.

    Exit code 7 when one does not hold or could not be run; each says why.
    """
    # Only here: what reads and runs guards needs the engine, which takes a while to load.
    reading, report = (importlib.import_module(f"tocsin.replay.guards.{name}") for name in ("reading", "report"))
    house = importlib.import_module("tocsin.cli.guard_house")
    paths = reading.find_guards(folders or [FOLDER])
    out = console()
    outcomes = []
    with connect(url, data) if live else nullcontext() as server:
        runner = house.guard_runner(None if server is None else partial(_holds, server))
        for path in paths:
            outcome = report.run_folder(runner, path)
            outcomes.append(outcome)
            if not as_json:
                word, style = ("ok  ", "green") if outcome.passed else ("FAIL", "bold red")
                out.print(Text.assemble((word, style), "  ", (clean(outcome.name), "bold"), f"  {clean(outcome.sentence, lines=True)}"))
    if junit is not None:
        report.write_report(junit, outcomes)
    failed = sum(not outcome.passed for outcome in outcomes)
    if as_json:
        out.print(json.dumps([report.described(outcome) for outcome in outcomes]))
    elif not outcomes:
        out.print("no guards lie there; `tocsin guards freeze INCIDENT` makes one")
    else:
        out.print(Text(f"{len(outcomes)} guards, {failed} do not hold" if failed else f"{len(outcomes)} guards hold"))
    raise typer.Exit(Exit.GUARD if failed else Exit.OK)


def freeze(
    incident: Annotated[str, typer.Argument(help="INC-7, or 7; - for none, with --start.")],
    within: Annotated[str, typer.Option("--within", help="How soon after its start the rule must fire.")] = "5m",
    rule: Annotated[str, typer.Option("--rule", help="Name of the alert; the incident's by default.", show_default=False)] = "",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="name=value that the alert must have; may be given several times.", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="When it began; as the incident says by default.", show_default=False)
    ] = None,
    quiet_from: Annotated[
        str | None,
        typer.Option("--quiet-from", help="Freeze the negative twin, too: a stretch in which it must not fire.", show_default=False),
    ] = None,
    quiet_to: Annotated[str | None, typer.Option("--quiet-to", help="Where that stretch ends.", show_default=False)] = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder that gets the guard's folder.")] = FOLDER,
    name: Annotated[str, typer.Option("--name", help="Of the guard; made of rule and incident by default.", show_default=False)] = "",
    service: Annotated[
        list[str] | None, typer.Option("--service", help="Whose spans and logs are kept; everybody's by default.", show_default=False)
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rules", help="Rule files as seen from the guard's folder (../../rules.yaml); copies by default.", show_default=False
        ),
    ] = None,
    objectives: Annotated[
        list[str] | None, typer.Option("--objectives", help="The same for files with objectives.", show_default=False)
    ] = None,
    context: Annotated[str | None, typer.Option("--context", help="How far back the slice goes.", show_default=False)] = None,
    author: Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who makes it.")] = "tocsin",
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Freeze the telemetry of an incident into a guard: this rule must fire within so long of its start.

    Name the rules of your repository with --rules: a guard with copies of them only shows that the past can be replayed.
    """
    if (quiet_from is None) != (quiet_to is None):
        raise InvalidInput("a quiet stretch needs both --quiet-from and --quiet-to")
    with connect(url, data) as server:
        known = _incident(server, incident) if incident != "-" else {}
        alert = rule or _rule_of(known)
        begun = start or known.get("started_at")
        if begun is None:
            raise InvalidInput("without an incident say when it began: --start 2026-11-20T02:03:00Z")
        guard = name or _name(alert, known.get("id", ""))
        question = {
            "name": guard,
            "rule": alert,
            "incident": known.get("id", ""),
            "signature": known.get("signature", ""),
            "description": known.get("title", ""),
            "labels": _labels(label or []),
            "services": service or [],
            "rules": rules or [],
            "objectives": objectives or [],
            "context_s": parse_duration_ns(context) / NANOSECONDS if context else None,
        }
        within_s = parse_duration_ns(within) / NANOSECONDS
        _freeze(server, {**question, "start": begun, "within_s": within_s}, GuardKind.MUST_FIRE, out_folder, author)
        if quiet_from is not None:
            quiet = {**question, "name": f"{guard}-quiet", "start": quiet_from, "end": quiet_to}
            _freeze(server, quiet, GuardKind.MUST_NOT_FIRE, out_folder, author)


def new(
    name: Annotated[str, typer.Argument(help="Of the guard; its folder is called so.")],
    kind: Annotated[GuardKind, typer.Option("--kind", help="What it holds.")] = GuardKind.UNIT_TEST,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder that gets the guard's folder.")] = FOLDER,
) -> None:
    """Begin a guard by hand: a folder with a guard.yaml to fill in."""
    _check_name(name)
    path = out_folder / name / FILE
    if path.exists():
        raise InvalidInput(f"{path} is there already; choose another name")
    text = f"kind: {kind.value}\ndescription: what must not come back unnoticed\n" + TEMPLATES[kind].format(name=name)
    _write(path, text.encode())
    console().print(f"{clean(str(path))} waits to be filled in; `tocsin guards run {clean(str(out_folder))}` runs it")


def unpack(archive: bytes, into: Path) -> tuple[list[Path], str]:
    """
    Write the files of a guard's archive; returns their paths, and what its maker remarks.

    Raises:
        InvalidInput: A file is there already, or a path leads out of the folder.
    """
    written: list[Path] = []
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        remarks = files.pax_headers.get("comment", "")
        members = [member for member in files if member.isfile()]
        if sum(member.size for member in members) > ARCHIVE_BYTES_MAX:
            raise InvalidInput(f"the guard is larger than {ARCHIVE_BYTES_MAX >> 20} MB")
        for member in members:
            parts = PurePosixPath(member.name).parts
            if not parts or ".." in parts or PurePosixPath(member.name).is_absolute():
                raise InvalidInput(f"the guard has a file {member.name!r} outside of its folder")
            path = into.joinpath(*parts)
            if path.exists():
                raise InvalidInput(f"{path} is there already; choose another --name, or take it away")
            content = files.extractfile(member)
            assert content is not None, "it is a file"
            _write(path, content.read())
            written.append(path)
    return written, remarks


def _freeze(server: Server, question: dict[str, Any], kind: GuardKind, into: Path, author: str) -> None:
    folder = into / question["name"]
    if folder.exists():
        raise InvalidInput(f"{folder} is there already; choose another --name, or take it away")
    response = server.send("/api/guards/freeze", json.dumps(question).encode(), "application/json")
    if not response.is_success:
        raise Refused(_message(response.text), lasting=not response.is_server_error)
    files, remarks = unpack(response.content, into)
    size = sum(path.stat().st_size for path in files)
    out = console()
    out.print(Text.assemble((clean(str(folder)), "bold"), f"  {kind.value}, {len(files)} files, {size / 1024:.0f} KiB"))
    for remark in filter(None, remarks.split("\n")):
        out.print(Text(f"  {clean(remark)}", "yellow"))
    if question["incident"]:
        guard = {"kind": kind.value, "name": question["name"], "path": str(folder), "author": author}
        server.post(f"/api/incidents/{quote(question['incident'], safe='')}/guards", guard)
        out.print(f"  kept with {clean(question['incident'])}")


def _holds(server: Server, promql: str) -> bool:
    """Whether an expression gives something on the server now, or a number that is not nought."""
    answer = json.loads(server.get("/prometheus/api/v1/query", {"query": promql}))["data"]
    if answer["resultType"] == "scalar":
        return float(answer["result"][1]) != 0
    return bool(answer["result"])


def _described(guard: Any) -> dict[str, Any]:
    return {
        "name": guard.name,
        "folder": str(guard.folder),
        "kind": guard.kind.value,
        "rule": guard.rule,
        "incident": guard.incident,
        "signature": guard.signature,
        "description": guard.description,
    }


def _incident(server: Server, identity: str) -> dict[str, Any]:
    view = json.loads(server.get(f"/api/incidents/{quote(identity, safe='')}"))
    summary, incident = view["summary"], view["incident"]
    return {
        "id": view["id"],
        "title": summary["title"],
        "started_at": summary["started_at"],
        "signature": incident["signature"],
        "alerts": incident["alerts"],
    }


def _rule_of(known: Mapping[str, Any]) -> str:
    found = re.search(r"(?:^| )alertname=(\S+)", known.get("signature", ""))
    if found is None:
        raise InvalidInput("the incident names no alert; say which rule must fire: --rule NAME")
    return found[1]


def _name(rule: str, incident: str) -> str:
    joined = "-".join(part for part in (re.sub(r"[^A-Za-z0-9._]+", "-", rule), incident.lower()) if part)
    return joined.strip("-.") or "guard"


def _labels(pairs: Sequence[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise InvalidInput(f"--label takes name=value, found {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs)


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise InvalidInput(f"a guard's name has letters, digits, dots and dashes, found {name!r}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}") from error


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return text[:200]


PARTS = {"list": list_guards, "run": run, "freeze": freeze, "new": new}
