"""
`tocsin signals`: the wall in a terminal.

With --watch it stays and keeps itself fresh. A server that goes away is said, the last figures stay with their age; when it comes back they
go on. Figures that are old look old: the age counts up between two readings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, time_parameters
from tocsin.cli.server import DEFAULT_URL, Refused, Server, Unreachable, connect
from tocsin.cli.signals_table import wall_lines
from tocsin.cli.table import print_lines
from tocsin.cli.terminal import clean, console, table_width
from tocsin.clock import Clock, RealClock
from tocsin.errors import InvalidInput

INTERVAL_S = 10.0
POINTS = 30  # of a signal over time
TICK_S = 1.0  # the age of what is shown counts up so often


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What was read last.

    Args:
        wall: The wall.
        endpoints: Those of the one service that was asked for.
        series: Its signals over time; None for all services, and for one that nothing was observed of.
        at_s: When, by the clock's seconds.
    """

    wall: dict[str, Any]
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    series: dict[str, Any] | None = None
    at_s: float = 0.0

    def lines(self, service: str | None, width: int, age_s: float | None = None) -> list[Text]:
        """It as lines of text."""
        return wall_lines(self.wall, service=service, endpoints=self.endpoints, series=self.series, width=width, age_s=age_s)


def command(
    service: Annotated[str | None, typer.Argument(help="Only this service, each of its signals explained.", show_default=False)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and refresh until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=1, max=3600, help="Seconds between two refreshes of --watch.")] = INTERVAL_S,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    How everything is doing: latency, traffic, errors and saturation of services beside the machines' resources, of the last 15 minutes.

    Each is held against its limits and against the same hours of past days; what is flagged says why.
    """
    if watch and as_json:
        raise InvalidInput("--watch draws for people and --json is for programs; leave out one of them")
    parameters = time_parameters(start, end, last)
    with connect(url, data) as server:
        if as_json:
            console().print(server.get("/api/signals", {**parameters, "service": service}))
            return

        def read() -> Reading:
            return read_wall(server, service, parameters)

        if watch:
            Watch(read, service, interval_s=interval).run(console())
            return
        found = read()
    out = console()
    print_lines(out, found.lines(service, table_width(out)))


def read_wall(server: Server, service: str | None, parameters: dict[str, str | None]) -> Reading:
    """Ask for the wall, and for one service's endpoints and series."""
    wall = json.loads(server.get("/api/signals", {**parameters, "service": service}))
    if service is None:
        return Reading(wall)
    window = {"start": wall["start"], "end": wall["end"]}
    endpoints = json.loads(server.get(f"/api/signals/{quote(service, safe='')}/endpoints", window))
    series = json.loads(server.get("/api/signals/series", {**window, "service": service, "points": POINTS}))
    return Reading(wall, endpoints, series[0] if series else None)


class Watch:
    """
    Keeps a wall fresh until Ctrl-C.

    Args:
        read: Reads it anew.
        service: When only one is shown.
        interval_s: Seconds between two readings.
        clock: Says how old the last one is.
        wait: Waits so many seconds.
    """

    def __init__(
        self,
        read: Callable[[], Reading],
        service: str | None,
        *,
        interval_s: float,
        clock: Clock | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._read = read
        self._service = service
        self._interval_s = interval_s
        self._clock = clock or RealClock()
        self._wait = wait
        self._last: Reading | None = None
        self._trouble = ""

    def run(self, out: Console) -> None:
        """Draw in place on a terminal, page after page into a pipe; returns at Ctrl-C."""
        try:
            if out.is_terminal:
                self._draw(out)
            else:
                self._print(out)
        except KeyboardInterrupt:
            return

    def _draw(self, out: Console) -> None:
        with Live(console=out, screen=True, auto_refresh=False) as live:
            while True:
                self._refresh()
                next_s = self._clock.monotonic_s() + self._interval_s
                while True:
                    live.update(Group(*_fitting(self.lines(out.width), out)), refresh=True)
                    left = next_s - self._clock.monotonic_s()
                    if left <= 0:
                        break
                    self._wait(min(TICK_S, left))

    def _print(self, out: Console) -> None:
        while True:
            self._refresh()
            print_lines(out, self.lines(table_width(out)))
            self._wait(self._interval_s)

    def _refresh(self) -> None:
        """Read anew; what was read before stays when that fails."""
        try:
            found = self._read()
        except (Unreachable, Refused) as error:
            self._trouble = str(error)
            return
        self._last, self._trouble = replace(found, at_s=self._clock.monotonic_s()), ""

    def lines(self, width: int) -> list[Text]:
        """What is to be seen now."""
        trouble = [Text(f"not fresh: {clean(self._trouble)}", "bold red")] if self._trouble else []
        if self._last is None:
            return trouble
        age_s = max(0.0, self._clock.monotonic_s() - self._last.at_s)
        return [*trouble, *self._last.lines(self._service, width, age_s)]


def _fitting(lines: list[Text], out: Console) -> list[Text]:
    """
    The first line, which says it all, wrapped; of the others each one line, so that what is below stays in its place.

    What a terminal has no rows for is left out, and said.
    """
    fitted = list(lines[0].wrap(out, out.width)) if lines else []
    for line in lines[1:]:
        shown = line.copy()
        shown.truncate(out.width, overflow="ellipsis")
        shown.no_wrap = True
        fitted.append(shown)
    room = max(2, out.height - 1)
    left_out = len(fitted) - (room - 1)
    if len(fitted) <= room:
        return fitted
    return [*fitted[: room - 1], Text(f"{left_out} more lines; a taller window shows them", "dim", no_wrap=True, overflow="ellipsis")]
