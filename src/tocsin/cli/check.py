"""`tocsin check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tocsin.app.option_mistakes import ConfigMistakes
from tocsin.app.option_sources import load
from tocsin.app.options import environment
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption
from tocsin.cli.rule_report import check_rule_files
from tocsin.cli.slo_report import check_slo_patterns
from tocsin.cli.terminal import clean
from tocsin.clock import RealClock
from tocsin.slo.files.live import LiveDefinitions


def command(
    rules: Annotated[list[Path] | None, typer.Argument(help="Prometheus rule files to check too.", show_default=False)] = None,
    config: ConfigOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when all is well.")] = False,
) -> None:
    """
    Check the configuration, file and environment, rule files and SLO files; say everything that is wrong with them.

    The rule files are those named here and those of the option `rules.files`; the SLO files are those of `slo.files` (`tocsin slo check`
    takes others). Exit code 1 when something is wrong.
    """
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        options = load(file=config, environment=environment())
    except ConfigMistakes as error:
        for mistake in error.mistakes:
            out.print(
                Text.assemble((f"{mistake.place}: ", "bold"), (f"{mistake.key}: " if mistake.key else "", "cyan"), clean(mistake.message))
            )
        count = len(error.mistakes)
        out.print(f"{count} {'mistake' if count == 1 else 'mistakes'}; every option is explained in docs/reference/configuration.md")
        raise typer.Exit(Exit.FINDING) from None
    found = [*(rules or []), *options.rules.paths()]
    reports = Console(highlight=False, emoji=False, soft_wrap=True, quiet=quiet)
    objectives = LiveDefinitions(options.slo.files, options.promql, RealClock()).current.objectives
    well = not found or check_rule_files(found, options.promql, reports, objectives)
    if options.slo.files:
        well = check_slo_patterns(options.slo.files, options.promql, reports) and well
    if not well:
        raise typer.Exit(Exit.FINDING)
    if not quiet:
        out.print(f"{config or 'the environment'}: all is well")
