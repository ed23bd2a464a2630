"""Options that many commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_duration_ns

UrlOption = Annotated[str, typer.Option("--url", envvar="TOCSIN_URL", help="Address of the server.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Use this data directory instead of a server; none may be running on it.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]
StartOption = Annotated[
    str | None, typer.Option("--start", help="From when on, in UTC: 2026-11-20T02:03:11Z, 2026-11-20, now-15m.", show_default=False)
]
EndOption = Annotated[str | None, typer.Option("--end", help="Until when, that instant left out; now by default.", show_default=False)]
LastOption = Annotated[str | None, typer.Option("--last", help="The same as --start now-LAST: 15m, 1h30m, 7d.", show_default=False)]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="TOCSIN_CONFIG", help="A YAML file with options.", show_default=False)
]
FURTHER_BACK = "; --last 7d looks further back"


def time_parameters(start: str | None, end: str | None, last: str | None) -> dict[str, str | None]:
    """
    The range as the API wants it.

    Raises:
        InvalidInput: --last stands beside --start, or is no length of time.
    """
    if last is None:
        return {"start": start, "end": end}
    if start is not None:
        raise InvalidInput("--last and --start both say where the range begins; leave out one of them")
    parse_duration_ns(last)
    if end is not None and not re.fullmatch(r"\s*now\s*", end):
        raise InvalidInput("--last counts back from now; with --end give --start instead")
    return {"start": f"now-{last}", "end": end}


def range_words(start: str | None, end: str | None, last: str | None) -> str:
    """The range as a sentence that found nothing names it, and how to look further back when that was less than a week."""
    if last is not None:
        return f"in the last {last}{FURTHER_BACK if parse_duration_ns(last) < parse_duration_ns('7d') else ''}"
    if start is None and end is None:
        return f"in the last hour{FURTHER_BACK}"
    return f"from {start or 'an hour before'} to {end or 'now'}"
