"""`tocsin up`."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tocsin.app.lifecycle import Server, Started
from tocsin.app.log import set_up_log
from tocsin.app.option_sources import Flag, load
from tocsin.app.options import REAL, Options, environment
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption
from tocsin.cli.terminal import clean
from tocsin.errors import InvalidInput, TocsinError

CLOCK_PATTERN = r"(?P<start>[^@]+?)(?:@(?P<speed>\d+(?:\.\d+)?)x?)?"


def command(
    http: Annotated[
        str | None,
        typer.Option("--http", help="Address of OTLP/HTTP and the API, host:port. [default: 127.0.0.1:4318]", show_default=False),
    ] = None,
    grpc: Annotated[
        str | None, typer.Option("--grpc", help="Address of OTLP/gRPC, host:port. [default: 127.0.0.1:4317]", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Directory for everything that is kept. [default: tocsin-data]", show_default=False)
    ] = None,
    config: ConfigOption = None,
    clock: Annotated[
        str | None,
        typer.Option(
            "--clock",
            help="What 'now' means: real, or an instant and a speed: 2017-03-01T00:00:00Z@60x. [default: real]",
            show_default=False,
        ),
    ] = None,
    listen_unprotected: Annotated[
        bool, typer.Option("--listen-unprotected", help="Let other machines in, although nothing asks who is there.")
    ] = False,
) -> None:
    """
    Run the server: receive telemetry, keep it, answer questions. Ctrl-C stops it.

    Exit codes: 2 wrong options, 5 it could not start.
    """
    options = load(
        file=config,
        environment=environment(),
        flags=flags(http=http, grpc=grpc, data=data, clock=clock, listen_unprotected=listen_unprotected),
    )
    set_up_log(options.log)
    stdout, stderr = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        drained = Server(options, on_started=lambda started: announce(started, options, stdout)).run()
    except TocsinError as error:
        stderr.print(Text.assemble(("not started: ", "bold red"), clean(str(error), lines=True)))
        raise typer.Exit(Exit.NOT_STARTED) from error
    rest = (
        "everything acknowledged is stored"
        if drained
        else "what is acknowledged but not stored yet is in the journal; the next start stores it"
    )
    stdout.print(f"stopped; {rest}")


def flags(*, http: str | None, grpc: str | None, data: Path | None, clock: str | None, listen_unprotected: bool) -> dict[str, Flag]:
    """
    The flags that were given, by the option that each sets.

    Raises:
        InvalidInput: --clock is neither real nor an instant with a speed.
    """
    given: dict[str, Flag] = {}
    if listen_unprotected:
        given["server.listen_unprotected"] = ("--listen-unprotected", True)
    for key, flag, value in (("server.http", "--http", http), ("server.grpc", "--grpc", grpc), ("server.data", "--data", data)):
        if value is not None:
            given[key] = (flag, value)
    if clock is not None:
        match = re.fullmatch(CLOCK_PATTERN, clock.strip())
        if not match:
            raise InvalidInput(f"--clock {clock!r} is not understood; write real, 2017-03-01T00:00:00Z or 2017-03-01T00:00:00Z@60x")
        given["clock.start"] = ("--clock", match["start"])
        if match["speed"]:
            given["clock.speed"] = ("--clock", float(match["speed"]))
    return given


def announce(started: Started, options: Options, out: Console) -> None:
    """Say where to look. In a thread of its own, because a terminal that is stopped (Ctrl-S) must not stop the server."""
    url = started.http.url
    lines = [
        "Tocsin is up.",
        f"  send   OTLP/HTTP  {url}   (export OTEL_EXPORTER_OTLP_ENDPOINT={url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)",
        f"         OTLP/gRPC  {started.grpc}",
        f"         Prometheus {url}/prometheus/api/v1/write   (remote write; or name targets under `scrape` in the configuration)",
        f"  ask    {url}/api/docs, or: tocsin logs, tocsin traces, tocsin services, tocsin query",
        f"         {url}/prometheus is a Prometheus source for Grafana and promtool",
        f"  watch  {url}/readyz, {url}/metrics",
        f"  data   {options.server.data.resolve()}",
    ]
    if options.clock.start != REAL:
        lines.append(f"  clock  starts at {options.clock.start}, {options.clock.speed:g} times as fast as real time")
    if options.server.listen_unprotected:
        lines.append(
            "  BEWARE other machines may connect, and nothing asks who is there: whoever reaches a port can read and write everything"
        )
    threading.Thread(target=lambda: out.print("\n".join(lines)), name="announce", daemon=True).start()
