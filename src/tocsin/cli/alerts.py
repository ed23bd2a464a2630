"""`tocsin alerts`: what fires and why nobody is told; who was told what, with every attempt; a test of who would be told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_instant

SEVERITY_STYLES = {"P1": "bold red", "P2": "red", "P3": "yellow", "P4": "dim"}
DELIVERY_STYLES = {"delivered": "green", "pending": "yellow", "undeliverable": "bold red", "superseded": "dim"}
EVENT_STYLES = {"fired": "red", "resolved": "green"}
SHORT_ID = 8  # characters of an id or a key in a sentence; lists show all of them
SUMMARIES = ("summary", "description", "message", "title")

MatchArgument = Annotated[
    str, typer.Argument(metavar="[MATCHERS]", help="""Only these: 'service="shop",zone=~"eu.*"'.""", show_default=False)
]
ReceiverOption = Annotated[
    str | None, typer.Option("--receiver", help="Only those of receivers that match this expression.", show_default=False)
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, at most.")]


class State(Enum):
    """How far a notification has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    SUPERSEDED = "superseded"


def list_alerts(
    match: MatchArgument = "",
    quiet: Annotated[
        bool | None, typer.Option("--quiet/--told", help="Only those that nobody is told about, or only the others.", show_default=False)
    ] = None,
    receiver: ReceiverOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What fires: how bad, since when, what, and who is told or why nobody is. The worst first."""
    text = _get("/api/alerts", url, data, match=match or None, quiet=_flag(quiet), receiver=receiver)
    out = console()
    if as_json:
        out.print(text)
        return
    alerts = json.loads(text)
    if not alerts:
        out.print("nothing fires")
        return
    names = {alert["fingerprint"]: alert["name"] for alert in alerts}
    short = is_narrow(out)
    columns = [Column("severity"), Column("since"), Column("alert", shrinks=True), Column("service", shrinks=True)]
    columns += [Column("summary", shrinks=True, spare=1), Column("told", shrinks=True)]
    ordered = sorted(alerts, key=lambda alert: (alert["level"] or "P9", alert["starts_at"], alert["name"]))
    print_table(out, columns, [_alert_row(alert, names, short=short) for alert in ordered])


def groups(
    match: MatchArgument = "",
    receiver: ReceiverOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """What fires by groups: each is told as one, to one receiver."""
    text = _get("/api/alert-groups", url, data, match=match or None, receiver=receiver)
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    if not found:
        out.print("nothing fires")
        return
    columns = [Column("receiver", shrinks=True), Column("group", shrinks=True), Column("alerts", right=True), Column("quiet", right=True)]
    columns += [Column("last told"), Column("next look")]
    rows = []
    for group in found:
        silent = sum(alert["quiet"] is not None for alert in group["alerts"])
        told = show_instant(group["told_at"], short=True) if group["told_at"] else "never"
        next_look = show_instant(group["next_look_at"], short=True)
        rows.append([group["receiver"], _labels(group["labels"]), str(len(group["alerts"])), str(silent or ""), told, next_look])
    print_table(out, columns, rows)


def notifications(
    state: Annotated[State | None, typer.Option("--state", help="Only those that have come so far.", show_default=False)] = None,
    group: Annotated[str | None, typer.Option("--group", help="Only about the group with this key.", show_default=False)] = None,
    attempts: Annotated[bool, typer.Option("--attempts", help="Show every attempt, not only those that failed.")] = False,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Who was told what and why then, the newest first, with the attempts that failed."""
    chosen = {"state": state.value if state else None, "group_key": group, "limit": limit}
    text = _get("/api/notifications", url, data, **chosen, **time_parameters(start, end, last))
    out = console()
    if as_json:
        out.print(text)
        return
    _print_notifications(out, json.loads(text), every_attempt=attempts)


def notification(
    key: Annotated[str, typer.Argument(help="Which, as `tocsin alerts notifications` shows it.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """One notification with every attempt to deliver it."""
    text = _get(f"/api/notifications/{quote(key, safe='')}", url, data)
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    _print_notifications(out, [found], every_attempt=True)
    out.print(Text(f"group {clean(found['group_key'])}", "dim"))
    if found["note"]:
        out.print(clean(found["note"], lines=True))


def events(
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """When alerts began and ended, oldest first."""
    text = _get("/api/alert-events", url, data, limit=limit, **time_parameters(start, end, last))
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    if not found:
        out.print("no alert began or ended in that time")
        return
    columns = [Column("at"), Column("what"), Column("alert", shrinks=True), Column("labels", shrinks=True)]
    rows = [
        [show_instant(one["at"]), Text(one["kind"], EVENT_STYLES.get(one["kind"], "")), one["labels"].get("alertname", ""), _others(one)]
        for one in found
    ]
    print_table(out, columns, rows)


def receivers(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """Everybody whom the configuration names, with the channels by which they are told."""
    text = _get("/api/receivers", url, data)
    out = console()
    if as_json:
        out.print(text)
        return
    rows = [[one["name"], ", ".join(one["channels"]) or "-", _labels(one["labels"])] for one in json.loads(text)]
    print_table(out, [Column("receiver"), Column("channels", shrinks=True), Column("labels", shrinks=True)], rows)


def status(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """How alerting stands: how much fires, how much waits to be told, and the configuration in force, secrets hidden."""
    text = _get("/api/alerting", url, data)
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    waiting = found["outbox"]["pending"]
    since = f", the oldest since {show_instant(found['outbox']['oldest_created_at'])} UTC" if found["outbox"]["oldest_created_at"] else ""
    out.print(f"{found['alerts']} alerts in {found['groups']} groups; {waiting} notifications wait{since}")
    for remark in found["remarks"]:
        out.print(Text.assemble(("remark: ", "yellow"), clean(remark)))
    out.print(Text(clean(found["config"], lines=True).rstrip(), "dim"), soft_wrap=True)


def try_receiver(
    receiver: Annotated[str, typer.Argument(help="Whose channels are told.")],
    author: Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who asks for it; the message says so.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Tell every channel of a receiver that this is a test.

    `tocsin alerts notifications` says a moment later what came of it.
    """
    with connect(url, data) as server:
        text = server.post(f"/api/receivers/{quote(receiver, safe='')}/test", {"author": author})
    out = console()
    if as_json:
        out.print(text)
        return
    for one in json.loads(text):
        out.print(
            f"{clean(one['channel'])} of {clean(one['receiver'])} is told: `tocsin alerts notification {one['key']}` says what came of it"
        )


def _alert_row(alert: dict[str, Any], names: Mapping[str, str], *, short: bool) -> list[Text | str]:
    service = alert["labels"].get("service", "")
    summary = next((alert["annotations"][name] for name in SUMMARIES if alert["annotations"].get(name)), "")
    return [
        Text(clean(alert["severity"] or "-"), SEVERITY_STYLES.get(alert["level"] or "", "")),
        show_instant(alert["starts_at"], short=short)[: None if short else -len(".123")],
        alert["name"] or _labels(alert["labels"]),
        service_text(service) if service else "",
        summary,
        _told(alert, names),
    ]


def _told(alert: dict[str, Any], names: Mapping[str, str]) -> Text:
    """Who is told, or why nobody is."""
    match alert["quiet"]:
        case "silenced":
            why = f"silenced by {', '.join(one[:SHORT_ID] for one in alert['silenced_by'])}"
        case "inhibited":
            why = f"inhibited by {', '.join(names.get(one) or one for one in alert['inhibited_by'])}"
        case "muted":
            why = f"muted by {', '.join(alert['muted_by'])}"
        case _:
            return Text(clean(", ".join(alert["receivers"]) or "nobody"))
    return Text(clean(why), "dim")


def _print_notifications(out: Console, found: Sequence[dict[str, Any]], *, every_attempt: bool) -> None:
    if not found:
        out.print("nobody was told anything in that time")
        return
    columns = [
        Column("at"),
        Column("receiver", shrinks=True),
        Column("channel", shrinks=True),
        Column("state"),
        Column("about", shrinks=True),
    ]
    columns += [Column("why then", shrinks=True, spare=1), Column("tries", right=True), Column("key")]
    print_table(out, columns, [_notification_row(one) for one in found])
    for one in found:
        for attempt in one["attempts"]:
            if every_attempt or attempt["outcome"] != "delivered":
                head = f"{one['key'][:SHORT_ID]} try {attempt['number']} at {show_instant(attempt['at'])}: {attempt['outcome']}"
                out.print(Text(f"  {head} after {attempt['duration_s']:.2f} s: {clean(attempt['detail'])}", "dim"))


def _notification_row(one: dict[str, Any]) -> list[Text | str]:
    counts = [f"{one[what]} {what}" for what in ("firing", "resolved") if one[what]]
    about = f"{', '.join(one['alerts'])} ({', '.join(counts)})" if counts else _labels(one["group_labels"])
    return [
        show_instant(one["created_at"], short=True),
        one["receiver"],
        one["channel"],
        Text(one["state"], DELIVERY_STYLES.get(one["state"], "")),
        about,
        one["reason"].replace("_", " "),
        str(len(one["attempts"])),
        one["key"],
    ]


def _labels(labels: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items()) or "-"


def _others(event: dict[str, Any]) -> str:
    return _labels({name: value for name, value in event["labels"].items() if name != "alertname"})


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _get(path: str, url: str, data: Path | None, **parameters: Any) -> str:
    with connect(url, data) as server:
        return server.get(path, parameters)


PARTS = {
    "list": list_alerts,
    "groups": groups,
    "notifications": notifications,
    "notification": notification,
    "events": events,
    "receivers": receivers,
    "status": status,
    "test": try_receiver,
}
