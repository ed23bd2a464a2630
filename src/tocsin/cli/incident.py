"""`tocsin incident`: what is wrong, what is done about it, what happened. What is learnt is `tocsin.cli.incident_lessons`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli import incident_evidence, incident_lessons
from tocsin.cli.asking import post, printed
from tocsin.cli.incident_shown import AuthorOption, IdArgument, ago, incident_path, lasted, moment, print_rows
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, StartOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.terminal import clean, console
from tocsin.model.incident import IncidentState, Role, Step, UpdateStatus
from tocsin.model.severity import Severity

STEP_STYLES = {"active": "bold", "done": "green", "skipped": "dim", "waiting": "dim"}
SEVERITY_STYLES = {"P1": "bold red", "P2": "yellow", "P3": "", "P4": "dim"}


class Entered(Enum):
    """Steps that people enter; the others come by themselves."""

    MITIGATE = Step.MITIGATE.value
    DIAGNOSE = Step.DIAGNOSE.value
    VERIFY = Step.VERIFY.value


def command(
    state: Annotated[IncidentState | None, typer.Option("--state", help="Only those in this state.", show_default=False)] = None,
    service: Annotated[str | None, typer.Option("--service", help="Only those of this service.", show_default=False)] = None,
    start: StartOption = None,
    end: EndOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Incidents, at most.")] = 50,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Incidents, the newest first: how bad, at which step, since when, who leads."""
    asked = {"state": state.value if state else None, "service": service, "start": start, "end": end, "limit": limit}
    with connect(url, data) as server:
        text = server.get("/api/incidents", asked)
    if printed(text, as_json):
        return
    rows = [
        [one["id"], _severity(one), _standing(one), moment(one["started_at"]), lasted(one), one["service"] or "-", one["lead"] or "-",
         one["title"]]
        for one in json.loads(text)
    ]  # fmt: skip
    print_rows(["incident", "severity", "step", "began", "lasted", "service", "lead", "title"], rows, "no incident")


def open_one(
    title: Annotated[str, typer.Argument(help="What is wrong, in a few words.")],
    author: AuthorOption,
    severity: Annotated[Severity, typer.Option("--severity", help="How bad it is.")] = Severity.P2,
    service: Annotated[str, typer.Option("--service", help="What it is about; pages of it join.", show_default=False)] = "",
    started: Annotated[str | None, typer.Option("--started", help="Since when: now-15m; now by default.", show_default=False)] = None,
    signature: Annotated[
        str, typer.Option("--signature", help="What would be the same failure again: 'alertname=X service=y'.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Open an incident by hand."""
    wanted = {"title": title, "severity": severity.value, "service": service, "started": started, "signature": signature, "author": author}
    text = post("/api/incidents", wanted, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "is open")


def show(identity: IdArgument, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """One incident: steps with their clocks, roles, alerts, what those affected were told."""
    with connect(url, data) as server:
        text = server.get(incident_path(identity))
    if not printed(text, as_json):
        _print_incident(console(), json.loads(text))


def timeline(identity: IdArgument, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """What happened, in order: entries, alerts, pages, deployments, budgets."""
    with connect(url, data) as server:
        text = server.get(f"{incident_path(identity)}/timeline")
    if printed(text, as_json):
        return
    found = json.loads(text)
    rows = [[moment(entry["at"], seconds=True), entry["kind"], entry["who"] or "-", entry["text"]] for entry in found["entries"]]
    print_rows(["at", "kind", "who", "what"], rows, "nothing happened yet")
    for problem in found["problems"]:
        console().print(Text(f"missing: {clean(problem)}", "yellow"))
    if found["cut"]:
        console().print(Text(f"{found['cut']} further entries are left out", "dim"))


def acknowledge(
    identity: IdArgument, author: AuthorOption, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None
) -> None:
    """Answer an incident and its pages."""
    text = post(f"{incident_path(identity)}/acknowledge", {"author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "is acknowledged; now stop the damage")


def step(
    identity: IdArgument,
    name: Annotated[Entered, typer.Argument(metavar="STEP", help="Which begins: mitigate, diagnose, verify.")],
    author: AuthorOption,
    reason: Annotated[str, typer.Option("--reason", help="Why steps are left out, or gone back to.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Begin with a step; the one before ends. The watching that verify begins ends by itself."""
    text = post(f"{incident_path(identity)}/step", {"step": name.value, "reason": reason, "author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), f"is at {name.value}")


def resolve(
    identity: IdArgument,
    author: AuthorOption,
    reason: Annotated[str, typer.Option("--reason", help="Why it need not be watched.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Say that it is over without the watching."""
    text = post(f"{incident_path(identity)}/resolve", {"reason": reason, "author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "is resolved")


def severity(
    identity: IdArgument,
    level: Annotated[Severity, typer.Argument(metavar="SEVERITY", help="P1 to P4.")],
    author: AuthorOption,
    reason: Annotated[str, typer.Option("--reason", help="What was seen.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Judge anew how bad it is."""
    text = post(f"{incident_path(identity)}/severity", {"severity": level.value, "reason": reason, "author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), f"is a {level.value}")


def role(
    identity: IdArgument,
    which: Annotated[Role, typer.Argument(metavar="ROLE", help="lead, communications, scribe.")],
    author: AuthorOption,
    name: Annotated[str, typer.Argument(help="Who takes it; nobody without a name.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Give a role to somebody."""
    text = post(f"{incident_path(identity)}/role", {"role": which.value, "name": name, "author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), f"has {clean(name) or 'nobody'} as {which.value}")


def note(
    identity: IdArgument,
    words: Annotated[str, typer.Argument(help="What was seen, thought or run.")],
    author: AuthorOption,
    ran: Annotated[bool, typer.Option("--command", help="It is a command that was run.")] = False,
    at: Annotated[str | None, typer.Option("--at", help="When: now-5m; now by default.", show_default=False)] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Write something down."""
    text = post(f"{incident_path(identity)}/notes", {"text": words, "command": ran, "at": at, "author": author}, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "has one more entry")


def update(
    identity: IdArgument,
    words: Annotated[str, typer.Argument(help="What those affected read: public words.")],
    author: AuthorOption,
    status: Annotated[UpdateStatus, typer.Option("--status", help="How it stands.")],
    title: Annotated[str, typer.Option("--title", help="What it is called in public; kept until given again.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Tell those affected, on the status page."""
    wanted = {"text": words, "status": status.value, "title": title, "author": author}
    text = post(f"{incident_path(identity)}/updates", wanted, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "is on the status page, with these words")


def close(
    identity: IdArgument,
    author: AuthorOption,
    no_guard: Annotated[str, typer.Option("--no-guard", help="Why there can be no guard.", show_default=False)] = "",
    no_postmortem: Annotated[str, typer.Option("--no-postmortem", help="Why it needs no postmortem.", show_default=False)] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """End it for good: with a guard and, for P1 and P2, a postmortem, or with a reason for what is missing."""
    wanted = {"author": author, "no_guard": no_guard, "no_postmortem": no_postmortem}
    text = post(f"{incident_path(identity)}/close", wanted, url, data)
    if not printed(text, as_json):
        _say(json.loads(text), "is closed")


def _print_incident(out: Console, view: dict[str, Any]) -> None:
    one, record = view["summary"], view["incident"]
    out.print(Text.assemble((one["id"], "bold"), "  ", (one["severity"], SEVERITY_STYLES[one["severity"]]), f"  {clean(one['title'])}"))
    about = [f"state {one['state']}", f"service {clean(one['service']) or '-'}", f"began {moment(one['started_at'])} UTC", lasted(one)]
    roles = [f"{name} {clean(record[name])}" for name in ("lead", "communications", "scribe") if record[name]]
    out.print(Text(", ".join([*about, *roles]), "dim"))
    if one["repeat"]:
        out.print(Text(f"a repeat: {record['guards_known']} of the guards knew this failure when it came", "yellow"))
    for stage in view["steps"]:
        late = f"  late by {ago(stage['late_s'])}" if stage["late_s"] else ""
        when = moment(stage["entered_at"], seconds=True) if stage["entered_at"] else ""
        due = f"until {moment(stage['due_at'], seconds=True)}" if stage["due_at"] else ""
        line = f"  {stage['step']:<12}{stage['state']:<9}{when:<20}{due}"
        skipped = f"left out: {clean(stage['skipped'])}" if stage["skipped"] else ""
        out.print(Text.assemble((f"{line}{skipped}".rstrip(), STEP_STYLES[stage["state"]]), (late, "bold red")), soft_wrap=True)
    for alert in record["alerts"]:
        ended = f"ended {moment(alert['ends_at'])}" if alert["ends_at"] else "fires"
        name = clean(alert["labels"].get("alertname", alert["fingerprint"]))
        out.print(Text(f"  alert {name}, since {moment(alert['starts_at'])}, {ended}"), soft_wrap=True)
    for told in view["updates"]:
        out.print(Text(f"  told {moment(told['at'])} ({told['status']}): {clean(told['text'])}"), soft_wrap=True)


def _severity(one: dict[str, Any]) -> Text:
    return Text(one["severity"], SEVERITY_STYLES[one["severity"]])


def _standing(one: dict[str, Any]) -> Text:
    if one["state"] == "closed":
        return Text("closed", "dim")
    return Text(f"{one['step']}{' late' if one['late'] else ''}", "bold red" if one["late"] else "")


def _say(view: dict[str, Any], what: str) -> None:
    console().print(f"{view['id']} {what}: {clean(view['summary']['title'])}")


PARTS = {
    "list": command,
    "open": open_one,
    "show": show,
    "timeline": timeline,
    "acknowledge": acknowledge,
    "step": step,
    "resolve": resolve,
    "severity": severity,
    "role": role,
    "note": note,
    "update": update,
    "pin": incident_evidence.pin,
    "evidence": incident_evidence.evidence,
    "runbook": incident_evidence.runbook,
    "tick": incident_evidence.tick,
    "postmortem": incident_lessons.postmortem,
    "action": incident_lessons.action,
    "actions": incident_lessons.actions,
    "done": incident_lessons.done,
    "guard": incident_lessons.guard,
    "guards": incident_lessons.guards,
    "close": close,
    "weekly": incident_lessons.weekly,
    "figures": incident_lessons.figures,
}
