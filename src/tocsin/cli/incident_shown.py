"""What the commands about incidents share: parameters, tables, times."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, show_duration_ns, show_instant
from tocsin.model.instant import NANOSECONDS, parse_instant

IdArgument = Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, or 7.")]
AuthorOption = Annotated[str, typer.Option("--author", envvar="TOCSIN_AUTHOR", help="Who does it.")]
WHOLE = frozenset({"incident", "severity", "step", "began", "lasted", "at", "kind", "due", "number", "week", "from", "until", "state"})
SPARE = ("who", "lead", "severity")  # what a narrow terminal leaves out


def incident_path(identity: str) -> str:
    """Where the API has an incident."""
    return f"/api/incidents/{quote(identity, safe='')}"


def print_rows(
    names: list[str], rows: list[list[str | Text]] | list[list[str]], nothing: str, *, right: frozenset[str] = frozenset()
) -> None:
    """A table whose texts give way to times and numbers, or a sentence that there is nothing."""
    out = console()
    if not rows:
        out.print(nothing)
        return
    kept = [index for index, name in enumerate(names) if name not in SPARE or not is_narrow(out)]
    columns = [Column(names[index], right=names[index] in right, shrinks=names[index] not in WHOLE | right) for index in kept]
    print_table(out, columns, [[_cell(row[index]) for index in kept] for row in rows])


def moment(text: str | None, *, seconds: bool = False) -> str:
    """`2026-11-20 02:03`, or with seconds; a dash for none."""
    return "-" if text is None else show_instant(text)[: 19 if seconds else 16]


def lasted(one: dict[str, Any]) -> str:
    """How long an incident was felt; `so far` while it lasts."""
    if one["ended_at"] is None:
        return "lasts"
    return show_duration_ns(parse_instant(one["ended_at"]) - parse_instant(one["started_at"]))


def ago(seconds: float | None) -> str:
    """`3 m 5 s`; a dash for none."""
    return "-" if seconds is None else show_duration_ns(round(seconds * NANOSECONDS))


def _cell(cell: str | Text) -> str | Text:
    return clean(cell) if isinstance(cell, str) else cell
