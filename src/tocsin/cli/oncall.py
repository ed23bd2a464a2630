"""`tocsin oncall`: who is on call, who will be, what pages they got. Changing that is `tocsin.cli.oncall_orders`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli import oncall_orders
from tocsin.cli.asking import get, printed
from tocsin.cli.exit_codes import Exit
from tocsin.cli.oncall_words import ZoneOption, moment, page_state, rows_of, span
from tocsin.cli.parameters import DataOption, EndOption, JsonOption, StartOption, UrlOption
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput

ScheduleOption = Annotated[str | None, typer.Option("--schedule", help="Only this schedule.", show_default=False)]
PersonOption = Annotated[str | None, typer.Option("--person", help="Only this person.", show_default=False)]
ScheduleArgument = Annotated[str | None, typer.Argument(help="Only this schedule.", show_default=False)]


def who(
    schedule: ScheduleArgument = None,
    at: Annotated[str | None, typer.Option("--at", help="When: 2026-11-20T02:03:11Z, now-1d; now by default.", show_default=False)] = None,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Who is on call on each schedule, until when, why, and who is next.

    Exit code 1 when nobody is on one of them.
    """
    text = get("/api/oncall/who", url, data, {"schedule": schedule, "at": at})
    found = json.loads(text)
    if as_json:
        console().print(text)
    elif not found:
        console().print("there are no schedules; the option oncall.files names the files that define them, docs/oncall.md explains them")
    else:
        columns = [Column("schedule"), Column("on call"), Column("until"), Column("because of", shrinks=True), Column("then")]
        print_table(console(), columns, [_who_row(one, zone) for one in found])
    if any(not one["shift"]["person"] for one in found):
        raise typer.Exit(Exit.FINDING)


def schedules(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """What the files in force say: schedules with their layers, chains with their steps, people with their channels."""
    text = get("/api/oncall/definitions", url, data)
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    layers = [(one, layer) for one in found["schedules"] for layer in one["layers"]]
    rows = [
        [one["name"], one["zone"], layer["name"], ", ".join(layer["users"]), layer["length"], layer["start"], "; ".join(layer["hours"])]
        for one, layer in layers
    ]
    rows_of(out, ["schedule", "zone", "layer", "users", "turn", "start", "hours"], rows, "there are no schedules")
    steps = [(one, number, step) for one in found["chains"] for number, step in enumerate(one["steps"], 1)]
    rows = [
        [
            one["name"],
            one["receiver"],
            str(number),
            ", ".join(step["notify"]),
            f"{step['acknowledge_within_s'] / 60:g} m",
            str(one["repeat"]),
        ]
        for one, number, step in steps
    ]
    rows_of(out, ["chain", "receiver", "step", "calls", "waits", "repeats"], rows, "there are no chains of escalation")
    rows = [[one["name"], one["title"], one["zone"], ", ".join(one["channels"])] for one in found["people"]]
    rows_of(out, ["person", "name", "zone", "channels"], rows, "there are no people")


def shifts(
    schedule: ScheduleArgument = None,
    person: PersonOption = None,
    start: StartOption = None,
    end: Annotated[str | None, typer.Option("--end", help="Until when; four weeks later by default.", show_default=False)] = None,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Shifts from now on, or from --start: whose, from when to when, and what decided it."""
    text = get("/api/oncall/shifts", url, data, {"schedule": schedule, "person": person, "start": start, "end": end})
    if printed(text, as_json):
        return
    rows = [
        [one["schedule"], _person(one["person"]), *span(one, zone), f"{one['origin']} {one['source']}".strip()] for one in json.loads(text)
    ]
    rows_of(console(), ["schedule", "person", "from", "until", "because of"], rows, "nobody is on call in that time")


def pages(
    only_open: Annotated[bool, typer.Option("--open", help="Only those whose alerts may still fire.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Pages, at most.")] = 20,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Pages with who was called for them, the newest first."""
    text = get("/api/oncall/pages", url, data, {"open": "true" if only_open else None, "limit": limit})
    if printed(text, as_json):
        return
    rows = [
        [one["id"], moment(one["opened_at"], zone), one["chain"], page_state(one, zone), ", ".join(one["called"]), _about(one)]
        for one in json.loads(text)
    ]
    rows_of(console(), ["page", "began", "chain", "state", "called", "about"], rows, "nobody was called yet")


def page(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Which, as the list shows it.")],
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """One page with every call that was made for it."""
    text = get(f"/api/oncall/pages/{quote(identity, safe='')}", url, data)
    out = console()
    if as_json:
        out.print(text)
        return
    found = json.loads(text)
    one = found["page"]
    out.print(Text.assemble((clean(one["id"]), "bold"), f"  {clean(_about(one))}"))
    out.print(f"chain {clean(one['chain'])}, {page_state(one, zone)}, {one['firing']} of {len(one['alerts'])} alerts fire")
    rows = [
        [moment(call["at"], zone), call["person"], call["channel"], call["schedule"], call["reason"], "night" if call["at_night"] else ""]
        for call in found["calls"]
    ]
    rows_of(out, ["at", "person", "channel", "schedule", "why", ""], rows, "nobody was called for it")


def load(
    start: StartOption = None,
    end: EndOption = None,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Pages per person and per shift against the budget, those at night apart.

    Of the last four weeks unless --start and --end say otherwise. Exit code 1 when somebody had more than the budget.
    """
    text = get("/api/oncall/load", url, data, {"start": start, "end": end})
    found = json.loads(text)
    out = console()
    if as_json:
        out.print(text)
    else:
        rows = [
            [one["person"], str(one["pages"]), str(one["nights"]), str(one["unanswered"]), f"{one['on_call_s'] / 3600:.0f} h", _budget(one)]
            for one in found["people"]
        ]
        rows_of(out, ["person", "pages", "at night", "unanswered", "on call", "budget"], rows, "nobody was on call")
        busy = [one for one in found["shifts"] if one["pages"]]
        rows = [[one["schedule"], one["person"], *span(one, zone), str(one["pages"]), str(one["nights"]), _budget(one)] for one in busy]
        rows_of(out, ["schedule", "person", "from", "until", "pages", "at night", "budget"], rows, "no shift had a page")
        out.print(Text(f"budget: {found['pages_per_week']:g} pages a week (oncall.pages_per_week)", "dim"))
    if any(one["is_over"] for one in found["people"]):
        raise typer.Exit(Exit.FINDING)


def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="On-call files to check without a server; without any, what the server follows.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="Days ahead in which times without anybody are looked for.")] = 56,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Say what is wrong with who is called: mistakes in files, times in which nobody is on call, people out of reach.

    Exit code 1 when something is; remarks are no mistakes.
    """
    if files:
        # Only here: who asks a server must not wait for what reads files to load.
        found = importlib.import_module("tocsin.cli.oncall_report").problems_of(files, days)
        text = json.dumps(found)
    else:
        text = get("/api/oncall/problems", url, data)
        found = json.loads(text)
    out = console()
    if as_json:
        out.print(text)
    else:
        _print_problems(out, found)
    if found["mistakes"] or found["gaps"] or found["unreachable"]:
        raise typer.Exit(Exit.FINDING)


def ical(schedule: ScheduleOption = None, person: PersonOption = None, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """
    The shifts of a schedule or of a person as iCalendar, for a file.

    `tocsin oncall calendar` makes an address that calendar programs subscribe to.
    """
    if (schedule is None) == (person is None):
        raise InvalidInput("name either a --schedule or a --person whose calendar is meant")
    typer.echo(get("/api/oncall/ical", url, data, {"schedule": schedule, "person": person}), nl=False)


def _who_row(one: dict[str, Any], zone: str) -> list[Text | str]:
    shift, following = one["shift"], one["next"]
    person = Text(clean(shift["person"]), "bold") if shift["person"] else Text("NOBODY", "bold red")
    then = f"{_person(following['person'])} from {moment(following['start'], zone)}" if following else "-"
    until = moment(shift["end"], zone) if shift["person"] or not following else moment(following["start"], zone)
    return [one["schedule"], person, until, f"{shift['origin']} {shift['source']}".strip(), then]


def _person(name: str) -> str:
    return name or "NOBODY"


def _about(one: dict[str, Any]) -> str:
    labels = " ".join(f"{name}={value}" for name, value in one["group_labels"].items())
    return labels or one["group_key"]


def _budget(one: dict[str, Any]) -> str:
    return f"{one['budget']:.3g}{' exceeded' if one['is_over'] else ''}"


def _print_problems(out: Console, found: dict[str, Any]) -> None:
    kinds: Sequence[tuple[str, str, list[str]]] = (
        ("mistake: ", "bold red", found["mistakes"]),
        ("nobody on call: ", "bold red", [f"{one['schedule']} from {' until '.join(span(one, 'UTC'))} UTC" for one in found["gaps"]]),
        ("out of reach: ", "bold red", found["unreachable"]),
        ("remark: ", "yellow", found["remarks"]),
    )
    for name, style, sentences in kinds:
        for sentence in sentences:
            out.print(Text.assemble((name, style), clean(sentence)))
    if not any(sentences for _, _, sentences in kinds):
        out.print("all is well")


PARTS = {
    "who": who,
    "schedules": schedules,
    "shifts": shifts,
    "override": oncall_orders.override,
    "overrides": oncall_orders.overrides,
    "withdraw": oncall_orders.withdraw,
    "swap": oncall_orders.swap,
    "swaps": oncall_orders.swaps,
    "pages": pages,
    "page": page,
    "ack": oncall_orders.ack,
    "load": load,
    "check": check,
    "ical": ical,
    "calendar": oncall_orders.calendar,
}
