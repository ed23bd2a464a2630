"""
The list of commands, and how one of them is run.

A command's module is imported when it is asked for, so that `tocsin logs` does not wait for the engine to load.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from tocsin.cli.exit_codes import EXIT_MEANINGS, Exit
from tocsin.cli.server import Refused, Unreachable
from tocsin.cli.terminal import clean
from tocsin.errors import ConfigError, InvalidInput, NotFound, TocsinError


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, and the module whose function `command` is it; the first line of that docstring is its help."""

    name: str
    module: str


COMMANDS: tuple[Command, ...] = (
    Command("up", "tocsin.cli.up"),
    Command("check", "tocsin.cli.check"),
    Command("import", "tocsin.cli.import_files"),
    Command("logs", "tocsin.cli.logs"),
    Command("correlate", "tocsin.cli.correlate"),
    Command("traces", "tocsin.cli.traces"),
    Command("trace", "tocsin.cli.trace"),
    Command("services", "tocsin.cli.services"),
    Command("errors", "tocsin.cli.failures"),
    Command("sql", "tocsin.cli.sql"),
    Command("journal", "tocsin.cli.journal"),
    Command("demo", "tocsin.cli.demo"),
    Command("lab", "tocsin.cli.lab"),
    Command("version", "tocsin.cli.version"),
)
EPILOG = "Exit codes: " + "; ".join(
    f"{code.value} {meaning.split('.')[0].split(':')[0].lower()}" for code, meaning in EXIT_MEANINGS.items()
)


class CommandGroup(TyperGroup):
    """The commands of the list, each loaded when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (typer asks so)
        """Names, in the order of the list."""
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of that name, None when there is none."""
        found = next((command for command in COMMANDS if command.name == cmd_name), None)
        return load_command(found) if found else None


def load_command(command: Command) -> Any:
    """The command as typer makes it of its module's function."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(command.name)(importlib.import_module(command.module).command)
    return typer.main.get_command(single)


def application() -> Any:
    """The whole command line."""
    app = typer.Typer(cls=CommandGroup, no_args_is_help=True, add_completion=False, rich_markup_mode=None, epilog=EPILOG)
    app.callback()(_describe)
    return typer.main.get_command(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. What went wrong is one sentence on standard error."""
    try:
        application().main(list(arguments), prog_name="tocsin", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.OK
    except TocsinError as error:
        Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), clean(str(error), lines=True)))
        return exit_code_of(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `tocsin logs | head`
        sys.stderr.close()
        return Exit.OK
    return Exit.OK


def exit_code_of(error: TocsinError) -> Exit:
    """The number that says what kind of failure it was."""
    if isinstance(error, Unreachable):
        return Exit.UNREACHABLE
    if isinstance(error, Refused):
        return Exit.REFUSED
    return Exit.USAGE if isinstance(error, ConfigError | InvalidInput | NotFound) else Exit.REFUSED


def _describe() -> None:
    """The operations desk of a team that runs Python and AI services."""
