"""What the parts of `tocsin oncall` print alike: instants in a zone, states of pages, tables."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.table import Column, print_table
from tocsin.errors import InvalidInput
from tocsin.model.instant import EPOCH, parse_instant

ZoneOption = Annotated[str, typer.Option("--zone", envvar="TOCSIN_ZONE", help="Show times as the clocks there do, as in Europe/Berlin.")]
NEVER_CUT = ("page", "swap", "override", "from", "until", "began", "at")


def moment(text: str, zone: str) -> str:
    """An instant of the API as the clocks of a zone show it, `Mon 2026-01-05 09:00`."""
    try:
        rules = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"no time zone is called {zone!r}; write an IANA name such as Europe/Berlin") from None
    return f"{(EPOCH + timedelta(microseconds=parse_instant(text) // 1000)).astimezone(rules):%a %Y-%m-%d %H:%M}"


def span(one: dict[str, Any], zone: str) -> tuple[str, str]:
    """Start and end of something."""
    return moment(one["start"], zone), moment(one["end"], zone)


def page_state(one: dict[str, Any], zone: str) -> str:
    """How far a page has come, in words."""
    state = str(one["state"])
    if state == "calling" and one["due_at"]:
        return f"calling step {one['step']} of {one['steps']}, the next at {moment(one['due_at'], zone)[-5:]}"
    if state == "acknowledged":
        return f"acknowledged by {one['acknowledged_by']}"
    return "NOBODY ANSWERED" if state == "exhausted" else state


def rows_of(out: Console, names: Sequence[str], rows: Sequence[Sequence[Text | str]], nothing: str) -> None:
    """A table, or a sentence where it would be empty."""
    if not rows:
        out.print(nothing)
        return
    print_table(out, [Column(name, shrinks=name not in NEVER_CUT) for name in names], rows)
