"""`tocsin import`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias

import httpx
import typer
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from tocsin.app.house import House, options_for
from tocsin.app.option_sources import load
from tocsin.app.options import Options, environment
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption, DataOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Refused, Server
from tocsin.cli.terminal import clean
from tocsin.clock import RealClock
from tocsin.errors import Conflict, Overloaded
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal
from tocsin.wire.door import Door
from tocsin.wire.files import BadLine, Format, Imported, read

PATHS = {Signal.TRACES: "/v1/traces", Signal.LOGS: "/v1/logs", Signal.METRICS: "/v1/metrics"}
PROTOBUF = "application/x-protobuf"
BAD_LINES_SHOWN = 10  # per file; the others are counted
RETRY_S_MAX = 30.0
ATTEMPTS_MAX = 60  # a minute at least: a full queue is empty long before

Take: TypeAlias = Callable[[Batch], None]
"""Takes a batch for good, or raises."""


@dataclass(slots=True)
class Account:
    """What became of one file's lines."""

    records: int = 0
    lines: int = 0
    blank_lines: int = 0
    rejected: int = 0
    times_missing: int = 0
    bad_lines: int = 0
    bad_shown: list[BadLine] = field(default_factory=list)
    messages: dict[str, int] = field(default_factory=dict)

    def add(self, step: Imported) -> None:
        """Count a step."""
        self.records += step.records
        self.lines += step.lines
        self.blank_lines += step.blank_lines
        self.rejected += step.rejected
        self.times_missing += step.times_missing
        self.bad_lines += len(step.bad_lines)
        self.bad_shown += step.bad_lines[: BAD_LINES_SHOWN - len(self.bad_shown)]
        if step.message:
            self.messages[step.message] = self.messages.get(step.message, 0) + step.rejected


def command(
    files: Annotated[list[str], typer.Argument(help="Files, plain or compressed with gzip or zstd; - reads standard input.")],
    line_format: Annotated[
        Format | None, typer.Option("--format", help="What the lines are; told from the first ones by default.", show_default=False)
    ] = None,
    service: Annotated[str, typer.Option("--service", help="Service of log lines that name none.")] = "imported",
    config: ConfigOption = None,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Read files of JSON lines, logfmt, access logs or OTLP JSON lines into a server, or into a data directory.

    Every line is counted: taken, blank, or bad with its number and reason. Exit code 1 when some lines were bad.
    """
    options = load(file=config, environment=environment())
    out = Console(stderr=True, highlight=False, markup=False, emoji=False)
    whole = True
    with ExitStack() as stack:
        take = stack.enter_context(_into_directory(data, options) if data is not None else _into_server(url))
        for path in files:
            account = _import(path, take, line_format, service, options, out)
            _report(path, account, out)
            whole = whole and not account.bad_lines and not account.rejected
    raise typer.Exit(Exit.OK if whole else Exit.FINDING)


def _import(path: str, take: Take, line_format: Format | None, service: str, options: Options, out: Console) -> Account:
    account = Account()
    # Whether a record may be so old or so new is judged here: the server would only say how many were not.
    steps = read(path, line_format, service=service, clock=RealClock(), door=Door(options.wire.door), options=options.wire.files)
    with _progress(out) as progress:
        task = progress.add_task(clean(Path(path).name), total=None)
        for step in steps:
            if step.batch is not None:
                take(step.batch)
            account.add(step)
            _advance(progress, task, step)
    return account


def _progress(out: Console) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


def _advance(progress: Progress, task: TaskID, step: Imported) -> None:
    progress.update(task, completed=step.read_bytes, total=step.size_bytes)


def _report(path: str, account: Account, out: Console) -> None:
    parts = [f"{account.records} records of {account.lines} lines"]
    parts += [f"{count} {words}" for count, words in ((account.blank_lines, "blank"), (account.bad_lines, "bad")) if count]
    out.print(Text(f"{clean(path)}: {', '.join(parts)}", "yellow" if account.bad_lines or account.rejected else ""), soft_wrap=True)
    for bad in account.bad_shown:
        out.print(f"  line {bad.number}: {clean(bad.reason)}: {clean(bad.text)}", soft_wrap=True)
    if account.bad_lines > len(account.bad_shown):
        out.print(f"  ... and {account.bad_lines - len(account.bad_shown)} more bad lines")
    for message, count in account.messages.items():
        out.print(f"  {count} not let in: {clean(message)}", soft_wrap=True)
    if account.times_missing:
        out.print(f"  lines without a time that could be understood, which got the present: {account.times_missing}")


@contextmanager
def _into_server(url: str) -> Iterator[Take]:
    server = Server(url)

    def take(batch: Batch) -> None:
        waiting = threading.Event()
        why, delay_s = "", 0.0
        for _ in range(ATTEMPTS_MAX):
            waiting.wait(delay_s)
            response = server.send(PATHS[batch.signal], batch.body, PROTOBUF)
            if response.is_success:
                return
            why = _reason(response)
            delay = response.headers.get("retry-after", "")
            if not delay.isdecimal():  # what the server does not ask to send again, it will refuse again
                raise Refused(f"{url} does not take a batch: {why}; the records before it are in")
            delay_s = min(float(delay), RETRY_S_MAX)
        raise Refused(f"{url} did not take a batch, {ATTEMPTS_MAX} times in a row: {why}; the records before it are in")

    yield take


def _reason(response: httpx.Response) -> str:
    try:
        return str(Status.FromString(response.content).message)
    except DecodeError:
        return f"it answers {response.status_code}; is it Tocsin?"


@contextmanager
def _into_directory(data: Path, options: Options) -> Iterator[Take]:
    try:
        house = House(options_for(data, options))
    except Conflict as error:
        raise Conflict(f"{error}; leave out --data to import through the running server") from error

    def take(batch: Batch) -> None:
        waiting = threading.Event()
        while True:
            try:
                house.accept(batch).result()
            except Overloaded as error:  # the engine is behind the disk: let it catch up
                waiting.wait(error.retry_after_s)
            else:
                return

    try:
        yield take
        house.settle()
    finally:
        house.close()
