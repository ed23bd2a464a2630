"""`tocsin demo`."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.text import Text

from tocsin.app.options import environment
from tocsin.cli import demo_fault
from tocsin.cli.exit_codes import Exit
from tocsin.cli.server import DEFAULT_URL
from tocsin.cli.terminal import console
from tocsin.demo.desk import desk_files
from tocsin.demo.faults.board import board_path, write_board
from tocsin.demo.pager import Pager, listening
from tocsin.errors import TocsinError

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.1
PRICES = {"*": {"input_per_million": 0.5, "output_per_million": 1.5}}  # of a model that costs nothing: `tocsin costs` shall show money
QUESTIONS = (
    "signals --watch",
    "slo",
    "gate gateway --risk-minutes 15 --probability 0.3",
    "deploy list",
    "costs --by route",
    "services",
    "traces --slowest",
    "logs error:true",
    "errors",
    "query 'sum by (service) (rate(traces_spanmetrics_calls_total[1m]))' --range 15m",
    "query 'node_load1' --range 15m",
)
DEMO_INSTALL = "the demo needs its own extra ({name} is missing); pip install 'tocsin[server,demo]'"


def command(
    endpoint: Annotated[str, typer.Option("--endpoint", help="Where to send telemetry, OTLP over HTTP.")] = DEFAULT_URL,
    up: Annotated[bool, typer.Option("--up", help="Start the server too, and stop it at the end.")] = False,
    data: Annotated[Path, typer.Option("--data", help="The data directory of --up.")] = Path("tocsin-data"),
    rate: Annotated[float, typer.Option("--rate", help="Mean requests per second.")] = 5.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed brings the same customers and failures.")] = 1,
    duration: Annotated[float | None, typer.Option("--duration", help="Seconds; until Ctrl-C by default.", show_default=False)] = None,
) -> None:
    """Run a small real system of four services that sends its telemetry, with objectives for them. Ctrl-C stops it."""
    try:
        system = importlib.import_module("tocsin.demo.system")
    except ModuleNotFoundError as error:
        raise TocsinError(DEMO_INSTALL.format(name=error.name)) from error
    out = console()
    with ExitStack() as running:
        board = running.enter_context(breakable(board_path()))
        settings = system.DemoSettings(endpoint=endpoint, rate_per_s=rate, seed=seed, duration_s=duration, board=board)
        if up:
            pager = running.enter_context(listening(Pager(lambda line: out.print(Text(line, "bold red")))))
            running.enter_context(server(endpoint, data, desk_files(data / "demo", pager)))
        out.print(Text(f"look at {endpoint}/api/docs, or in another terminal:", "bold"))
        address = "" if endpoint == DEFAULT_URL else f" --url {endpoint}"
        for question in QUESTIONS:
            out.print(Text(f"  tocsin {question}{address}"))
        out.print(Text("  tocsin demo fault            (breaks it, so that the pager rings)"))
        load = system.run(settings, say=out.print)
    out.print(f"{load.answered} requests were answered, {load.failed} failed, {load.skipped} were not sent because too many waited")


@contextmanager
def breakable(board: Path) -> Iterator[Path]:
    """The board that `tocsin demo fault` writes, clean at the start and gone in the end."""
    write_board(board, {})
    try:
        yield board
    finally:
        board.unlink(missing_ok=True)


@contextmanager
def server(endpoint: str, data: Path, told: Mapping[str, str]) -> Iterator[None]:
    """
    A server of its own for the demo, stopped in the end.

    Args:
        endpoint: Where it shall listen.
        data: Its data directory.
        told: Options, as environment variables; those that the environment has win.

    Raises:
        typer.Exit: It did not start; it said why itself.
    """
    address = endpoint.removeprefix("http://").rstrip("/")
    arguments = [sys.executable, "-m", "tocsin", "up", "--http", address, "--data", str(data)]
    if endpoint != DEFAULT_URL:  # beside a server that has the usual ports already
        arguments += ["--grpc", "127.0.0.1:0"]
    # A session of its own: Ctrl-C reaches the demo alone, which stops the server after the last telemetry has left.
    process = subprocess.Popen(arguments, start_new_session=True, env={**_options(), **told, **environment()})
    try:
        _wait_until_ready(endpoint, process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _options() -> dict[str, str]:
    """What the demo's server is told, unless the environment says otherwise: objectives of the four services, prices of their model."""
    objectives = Path(str(resources.files("tocsin.demo"))) / "slos" / "*.yaml"
    return {"TOCSIN_SLO__FILES": json.dumps([str(objectives)]), "TOCSIN_USAGE__COSTS__PRICES": json.dumps(PRICES)}


def _wait_until_ready(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    waiting = threading.Event()
    for _ in range(round(START_TIMEOUT_S / POLL_S)):
        if process.poll() is not None:
            raise typer.Exit(Exit.NOT_STARTED)
        with suppress(httpx.TransportError):
            if httpx.get(f"{endpoint}/readyz", trust_env=False).is_success:
                return
        waiting.wait(POLL_S)
    raise TocsinError(f"the server does not answer at {endpoint} within {START_TIMEOUT_S:g} s")


PARTS = {"run": command, "fault": demo_fault.command}
