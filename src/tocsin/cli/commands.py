"""
The list of commands, and how one of them is run.

A command's module is imported when it is asked for, so that `tocsin logs` does not wait for the engine to load.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperArgument, TyperGroup

from tocsin.cli.exit_codes import Exit
from tocsin.cli.server import Refused, Unreachable
from tocsin.cli.terminal import clean
from tocsin.errors import ConfigError, InvalidInput, NotFound, TocsinError


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, the module whose function `command` it is, and what it does in a few words for the list of commands."""

    name: str
    module: str
    summary: str


COMMANDS: tuple[Command, ...] = (
    Command("up", "tocsin.cli.up", "Run the server."),
    Command("check", "tocsin.cli.check", "Say all that is wrong with the configuration."),
    Command("import", "tocsin.cli.import_files", "Read log files and OTLP JSON lines in."),
    Command("logs", "tocsin.cli.logs", "Search log records."),
    Command("correlate", "tocsin.cli.correlate", "Tell the whole story of an id."),
    Command("traces", "tocsin.cli.traces", "Search traces."),
    Command("trace", "tocsin.cli.trace", "Draw one trace as a waterfall."),
    Command("services", "tocsin.cli.services", "Requests, errors, latencies by service."),
    Command("errors", "tocsin.cli.failures", "The commonest failures."),
    Command("signals", "tocsin.cli.signals", "The golden signals of all services, on a wall."),
    Command("explain", "tocsin.cli.explain", "Say what sets bad requests apart."),
    Command("security", "tocsin.cli.security", "Authentication failures, unusual access."),
    Command("costs", "tocsin.cli.costs", "Requests, tokens, bytes and money."),
    Command("deploy", "tocsin.cli.deploy", "Mark and list deployments."),
    Command("slo", "tocsin.cli.slo", "Error budgets: left, burning, spent by what."),
    Command("gate", "tocsin.cli.gate", "Go or no-go for a deployment."),
    Command("calc", "tocsin.cli.calc", "Calculate downtime, budgets, burn rates, costs."),
    Command("rules", "tocsin.cli.rules", "Rules: how they stand, what is wrong with them."),
    Command("alerts", "tocsin.cli.alerts", "What fires, and who was told."),
    Command("silence", "tocsin.cli.silence", "Let nobody be told for a while."),
    Command("oncall", "tocsin.cli.oncall", "Who is on call; swaps, pages, load."),
    Command("incident", "tocsin.cli.incident", "Lead incidents, learn from them."),
    Command("guards", "tocsin.cli.guards", "Run what incidents taught, for CI."),
    Command("backtest", "tocsin.cli.backtest", "Replay rules over the past: who would have been woken?"),
    Command("query", "tocsin.cli.query", "Ask for metrics in PromQL."),
    Command("sql", "tocsin.cli.sql", "Run read-only SQL over the telemetry."),
    Command("journal", "tocsin.cli.journal", "Show and replay what is in quarantine."),
    Command("demo", "tocsin.cli.demo", "Run a small system that sends telemetry."),
    Command("lab", "tocsin.cli.lab", "Run a lab: one idea in a short script."),
    Command("version", "tocsin.cli.version", "Print versions."),
)
EPILOG = "`tocsin COMMAND --help` explains a command; docs/reference/cli.md explains all of them, and their exit codes."


class CommandGroup(TyperGroup):
    """The commands of the list, each loaded when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (typer asks so)
        """Names, in the order of the list."""
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of that name, None when there is none."""
        found = next((command for command in COMMANDS if command.name == cmd_name), None)
        return load_command(found) if found else None


class PartGroup(TyperGroup):
    """
    A command with parts; without one, `tocsin slo` and `tocsin slo --json`, it is its first.

    Where the first takes an argument of its own (`tocsin logs error:true`), whatever names no part is that argument.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read them, with a part named."""
        return super().parse_args(ctx, self.with_part(args, ctx.help_option_names))

    def with_part(self, args: list[str], help_options: Sequence[str] = ()) -> list[str]:
        """The arguments with the first part's name put where none stands."""
        named = bool(args) and (not args[0].startswith("-") or args[0] in help_options)
        if named and args[0] not in self.commands and args[0] not in help_options:
            first = next(iter(self.commands.values()))
            named = not any(isinstance(parameter, TyperArgument) for parameter in first.params)
        return args if named else [next(iter(self.commands)), *args]


def load_command(command: Command) -> Any:
    """
    The command as typer makes it of its module's function `command`.

    A module with a mapping `PARTS`, names to functions, becomes a command with those parts; the first is what the command alone does.
    """
    module = importlib.import_module(command.module)
    parts: Mapping[str, Callable[..., None]] | None = getattr(module, "PARTS", None)
    if parts is None:
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(command.name, short_help=command.summary)(module.command)
        return typer.main.get_command(single)
    group = typer.Typer(cls=PartGroup, name=command.name, add_completion=False, rich_markup_mode=None, help=_parts_help(command, parts))
    group.callback()(_describe)
    for name, function in parts.items():
        group.command(name)(function)
    return typer.main.get_command(group)


def _parts_help(command: Command, parts: Mapping[str, Callable[..., None]]) -> str:
    return f"{command.summary} `tocsin {command.name}` alone is `tocsin {command.name} {next(iter(parts))}`."


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
