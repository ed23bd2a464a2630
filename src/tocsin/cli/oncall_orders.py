"""The parts of `tocsin oncall` that change something: overrides, swaps, acknowledgements, addresses of calendars."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.asking import get, post, printed
from tocsin.cli.oncall_words import ZoneOption, moment, rows_of, span
from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput

AuthorOption = Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who decides it.")]
ByOption = Annotated[str, typer.Option("--by", envvar="TOCSIN_AUTHOR", help="Who you are.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
WHEN = "2026-11-20T02:03:11Z, or with an offset, 2026-11-20T03:03:11+01:00"


class SwapAction(Enum):
    """What to do with a swap."""

    ASK = "ask"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


class Subject(Enum):
    """What a calendar shows."""

    SCHEDULE = "schedule"
    PERSON = "person"


def override(
    schedule: Annotated[str, typer.Argument(help="Where.")],
    person: Annotated[str, typer.Argument(help="Who takes over.")],
    end: Annotated[str, typer.Option("--end", help=f"Until before when: {WHEN}.")],
    author: AuthorOption,
    reason: ReasonOption,
    start: Annotated[str, typer.Option("--start", help=f"From when on: {WHEN}; now by default.")] = "now",
    replaces: Annotated[
        str, typer.Option("--replaces", help="Only what this person has in that time; else all of it, gaps too.", show_default=False)
    ] = "",
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Put somebody on call for a while.

    Of overrides that overlap, the one that was entered last holds.
    """
    order = {"schedule": schedule, "person": person, "start": start, "end": end, "replaces": replaces, "author": author, "reason": reason}
    text = post("/api/oncall/overrides", order, url, data)
    if printed(text, as_json):
        return
    found = json.loads(text)
    start_words, end_words = span(found, zone)
    console().print(f"{clean(found['person'])} is on call on {clean(found['schedule'])} from {start_words} until {end_words} {clean(zone)}")
    console().print(Text(f"`tocsin oncall withdraw {clean(found['id'])}` takes it back", "dim"))


def overrides(
    past: Annotated[bool, typer.Option("--past", help="Those that are over or withdrawn, too.")] = False,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Who takes over from whom, when, and why."""
    text = get("/api/oncall/overrides", url, data, {"past": "true" if past else None})
    if printed(text, as_json):
        return
    rows = [
        [one["id"], one["schedule"], one["person"], one["replaces"] or "-", *span(one, zone), one["author"], _why(one)]
        for one in json.loads(text)
    ]
    rows_of(console(), ["override", "schedule", "person", "replaces", "from", "until", "author", "reason"], rows, "nothing is overridden")


def withdraw(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Which override, as the list shows it.")],
    author: AuthorOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Take an override back; it stays in the audit."""
    text = post(f"/api/oncall/overrides/{quote(identity, safe='')}/withdraw", {"author": author, "reason": reason}, url, data)
    if not printed(text, as_json):
        console().print(f"override {clean(identity)} is withdrawn")


def swap(
    action: Annotated[SwapAction, typer.Argument(help="What to do.")],
    subject: Annotated[str, typer.Argument(metavar="SCHEDULE|ID", help="To ask: the schedule. Else the swap's id.")],
    by: ByOption,
    to: Annotated[str, typer.Option("--to", help="To ask: whom; everybody by default.", show_default=False)] = "",
    start: Annotated[
        str | None,
        typer.Option("--start", help="To ask: an instant in the shift; your present or next one by default.", show_default=False),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", help="To ask: until before when; the end of the shift by default.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="To ask: why. Else what you say to it.", show_default=False)] = "",
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Offer a shift to somebody, and accept, decline or withdraw such an offer.

    An accepted one is an override at once.
    """
    if action is SwapAction.ASK:
        if not reason:
            raise InvalidInput("say why by --reason: whoever takes the shift will want to know")
        order = {"schedule": subject, "person": by, "to": to, "start": start, "end": end, "reason": reason}
        text = post("/api/oncall/swaps", order, url, data)
    else:
        text = post(f"/api/oncall/swaps/{quote(subject, safe='')}/{action.value}", {"by": by, "comment": reason}, url, data)
    if printed(text, as_json):
        return
    found = json.loads(text)
    times = " until ".join(span(found, zone))
    what = f"{clean(found['schedule'])} from {times} {clean(zone)}"
    if action is SwapAction.ASK:
        console().print(f"{clean(found['asked_by'])} offers {what} to {clean(found['offered_to'] or 'everybody')}")
        console().print(Text(f"`tocsin oncall swap accept {clean(found['id'])} --by NAME` takes it", "dim"))
    else:
        console().print(f"{clean(found['asked_by'])}'s offer of {what} is {found['state']} by {clean(found['decided_by'])}")


def swaps(
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Shifts that people offered each other, the newest first."""
    text = get("/api/oncall/swaps", url, data)
    if printed(text, as_json):
        return
    rows = [
        [
            one["id"],
            one["schedule"],
            *span(one, zone),
            one["asked_by"],
            one["offered_to"] or "everybody",
            f"{one['state']} {one['decided_by'] and 'by ' + one['decided_by']}".strip(),
            one["reason"],
        ]
        for one in json.loads(text)
    ]
    rows_of(console(), ["swap", "schedule", "from", "until", "offered by", "to", "state", "reason"], rows, "nobody offered a shift")


def ack(
    reference: Annotated[str, typer.Argument(metavar="PAGE|GROUP", help="Id of a page, or key of a group of alerts.")],
    by: ByOption,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Take a page: nobody is called for it any more."""
    text = post("/api/oncall/acknowledge", {"page": reference, "by": by}, url, data)
    if printed(text, as_json):
        return
    for one in json.loads(text):
        whom = clean(one["acknowledged_by"])
        since = f" at {moment(one['acknowledged_at'], zone)} {clean(zone)}"
        words = f"is yours, {whom}" if one["acknowledged_by"] == by.strip() else f"was taken before, by {whom}{since}"
        console().print(f"page {clean(one['id'])} {words}")


def calendar(
    subject: Annotated[Subject, typer.Argument(help="Of what.")],
    name: Annotated[str, typer.Argument(help="Of which schedule or person.")],
    author: AuthorOption,
    revoke: Annotated[bool, typer.Option("--revoke", help="No new address, and the old one stops to answer.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    A secret address that calendar programs subscribe to.

    It is shown this once; the one before it stops to answer.
    """
    order = {"subject": subject.value, "name": name, "author": author}
    text = post(f"/api/oncall/calendars{'/revoke' if revoke else ''}", order, url, data)
    if printed(text, as_json):
        return
    if revoke:
        console().print(f"the calendar of the {subject.value} {clean(name)} has no address any more")
        return
    out = console()
    out.print(f"{clean(url if data is None else '')}{clean(json.loads(text)['path'])}", soft_wrap=True)
    out.print(Text("whoever has this address can read the calendar; it is shown this once", "dim"))


def _why(one: dict[str, Any]) -> str:
    withdrawn = one["withdrawn"]
    return f"{one['reason']} (withdrawn by {withdrawn['author']}: {withdrawn['reason']})" if withdrawn else str(one["reason"])
