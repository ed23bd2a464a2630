"""What `tocsin check` and `tocsin slo check` say of SLO files: every mistake with its line, every remark, and what they define."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tocsin.app.option_sources import load
from tocsin.app.options import environment
from tocsin.cli.slo_tables import show_target
from tocsin.cli.terminal import clean
from tocsin.clock import RealClock
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Definitions
from tocsin.slo.files.definitions import DefinitionMistakes, Mistake, read_definitions
from tocsin.slo.files.live import LiveDefinitions
from tocsin.slo.policy import POLICIES
from tocsin.slo.summary import indicator_words, window_words


def check_slo_files(paths: Sequence[Path], promql: PromqlOptions, out: Console) -> bool:
    """
    Check files as one set and print what is found; returns whether nothing is wrong. Remarks are not mistakes.

    Args:
        paths: Files with objectives, policies, exclusions, in any of the formats.
        promql: What is switched on, for indicators in PromQL.
        out: Where to print.
    """
    _announce([str(path) for path in paths], out)
    try:
        _report(read_definitions(paths, promql), out)
    except DefinitionMistakes as error:
        _report_mistakes(error.mistakes, out)
        return False
    return True


def check_with_options(paths: Sequence[Path], config: Path | None, out: Console) -> bool:
    """The same, with what the configuration (a file, and the environment) switches on for PromQL."""
    return check_slo_files(paths, load(file=config, environment=environment()).promql, out)


def check_slo_patterns(patterns: Sequence[str], promql: PromqlOptions, out: Console) -> bool:
    """The same for the files that the option `slo.files` names; a pattern that matches nothing is a mistake."""
    _announce(patterns, out)
    live = LiveDefinitions(patterns, promql, RealClock())
    if live.mistakes:
        _report_mistakes(live.mistakes, out)
        return False
    _report(live.current, out)
    return True


def _announce(names: Sequence[str], out: Console) -> None:
    out.print(Text(f"Checking {', '.join(clean(name) for name in names)}"))


def _report_mistakes(mistakes: Sequence[Mistake], out: Console) -> None:
    out.print(Text("  FAILED:", "bold red"))
    for mistake in mistakes:
        out.print(Text(clean(str(mistake))))
    out.print(Text(f"{_count(len(mistakes), 'mistake')}; docs/slos.md explains the files"))


def _report(definitions: Definitions, out: Console) -> None:
    for remark in definitions.remarks:
        out.print(Text.assemble(("remark: ", "yellow"), clean(remark)))
    own = [policy for name, policy in definitions.policies.items() if POLICIES.get(name) != policy]
    found = [_count(len(definitions.objectives), "objective")]
    found += [_count(len(own), "budget policy", "budget policies")] if own else []
    found += [_count(len(definitions.exclusions), "exclusion")] if definitions.exclusions else []
    out.print(Text(f"  SUCCESS: {', '.join(found)} found"))
    for objective in definitions.objectives.values():
        promise = f"{show_target(objective.target)} over {window_words(objective.window)}: {indicator_words(objective.indicator)}"
        out.print(Text.assemble("    ", (clean(objective.key), "bold"), f" of {clean(objective.service)}, {clean(promise)}"))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
