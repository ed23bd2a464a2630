"""What the commands about incidents share: asking, tables, times."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from tocsin.cli.server import connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, show_duration_ns, show_instant
from tocsin.model.instant import NANOSECONDS, parse_instant

WHOLE = frozenset({"incident", "severity", "step", "began", "lasted", "at", "kind", "due", "number", "week", "from", "until", "state"})
SPARE = ("who", "lead", "severity")  # what a narrow terminal leaves out


def post(path: str, document: dict[str, Any], url: str, data: Any) -> str:
    """The answer to an order."""
    with connect(url, data) as server:
        return server.post(path, document)


def get(path: str, url: str, data: Any, parameters: dict[str, Any] | None = None) -> str:
    """The answer to a question."""
    with connect(url, data) as server:
        return server.get(path, parameters)


def shown(text: str, as_json: bool) -> bool:
    """Whether it was to be printed as it is, and was."""
    if as_json:
        console().print(text)
    return as_json


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
