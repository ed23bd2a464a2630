"""`tocsin rules test`."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import JsonOption
from tocsin.cli.terminal import clean, console


def command(
    files: Annotated[list[Path], typer.Argument(help="Files of tests, as `promtool test rules` reads them.")],
    junit: Annotated[Path | None, typer.Option("--junit", help="Write a JUnit report there.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Run unit tests of rules, written as for promtool; `exp_pending` beside `exp_alerts` says which alerts must wait.

    Exit code 7 when a test fails.
    """
    found = importlib.import_module("tocsin.replay.rule_tests.files")
    outcomes = found.run_test_files(files, *_bench())
    if junit is not None:
        importlib.import_module("tocsin.replay.junit").write_junit(junit, found.junit_suites(outcomes))
    out = console()
    if as_json:
        out.print(json.dumps([asdict(outcome) | {"passed": outcome.passed} for outcome in outcomes]))
    else:
        for outcome in outcomes:
            _print(out, outcome)
    raise typer.Exit(Exit.OK if all(outcome.passed for outcome in outcomes) else Exit.GUARD)


def _bench() -> tuple[Any, Any]:
    """What rules may refer to, nothing; and what tests run on."""
    known = importlib.import_module("tocsin.alert.files.conditions").Known
    bench = importlib.import_module("tocsin.replay.rule_tests.run").Bench
    options = importlib.import_module("tocsin.query.promql.options").PromqlOptions()
    clock = importlib.import_module("tocsin.clock").RealClock()
    return known({}, options, 0.0), bench(clock, options)


def _print(out: Any, outcome: Any) -> None:
    mark = ("passed  ", "bold green") if outcome.passed else ("FAILED  ", "bold red")
    out.print(Text.assemble(mark, clean(outcome.path)))
    for mistake in outcome.mistakes:
        out.print(Text(f"  {clean(mistake)}", "red"))
    for remark in outcome.remarks:
        out.print(Text(f"  {clean(remark)}", "dim"))
    for case in outcome.cases:
        if case.difference:
            out.print(Text.assemble((f"  {clean(case.test)}: {clean(case.name)}\n", "bold"), clean(case.difference, lines=True)))
