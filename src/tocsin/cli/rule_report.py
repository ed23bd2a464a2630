"""What `tocsin check` says of rule files: what promtool would, with the line and column of every mistake; and the same of our own kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tocsin.alert.files.conditions import Known
from tocsin.alert.files.reading import has_own_rules, read_one
from tocsin.alert.template.rule_functions import rule_template_mistake
from tocsin.cli.terminal import clean
from tocsin.errors import NotFound
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.rule_files import RuleFileMistakes, RuleGroup, duplicates, read_rule_file
from tocsin.slo.definition import Objective

INTERVAL_S = 60.0  # of groups that say nothing; no mistake depends on it


def check_rule_files(paths: Sequence[Path], promql: PromqlOptions, out: Console, objectives: Mapping[str, Objective] | None = None) -> bool:
    """
    Check every file and print what is found.

    Args:
        paths: The files.
        promql: What is switched on.
        out: Where it is printed.
        objectives: Those that rules of our own kinds may rest on, by key.

    Returns:
        Whether all is well, duplicate rules included.
    """
    known = Known(objectives or {}, promql, 0.0)
    verdicts = [_check_own(path, known, out) if has_own_rules(path) else _check(path, promql, out) for path in paths]
    return all(verdicts)


def _check_own(path: Path, known: Known, out: Console) -> bool:
    """A file with rules of our own kinds, and maybe Prometheus' groups beside them."""
    out.print(Text(f"Checking {path}"))
    found = read_one(path, known, interval_s=INTERVAL_S)
    for remark in found.remarks:
        out.print(Text.assemble(("remark: ", "yellow"), clean(remark)))
    if found.mistakes:
        out.print(Text("  FAILED:", "bold red"))
        for mistake in found.mistakes:
            out.print(Text(clean(str(mistake))))
        return False
    count = sum(len(group.rules) for group in found.groups)
    out.print(Text(f"  SUCCESS: {count} {'rule' if count == 1 else 'rules'} found; `tocsin rules lint` says more"))
    return True


def _check(path: Path, promql: PromqlOptions, out: Console) -> bool:
    out.print(Text(f"Checking {path}"))
    try:
        groups = read_rule_file(path, promql, rule_template_mistake)
    except RuleFileMistakes as error:
        out.print(Text("  FAILED:", "bold red"))
        for mistake in error.mistakes:
            out.print(Text(f"{path}: {clean(str(mistake))}"))
        if any("the file has no field" in mistake.message for mistake in error.mistakes):
            out.print(Text(f"A configuration rather than rules is checked by: tocsin check --config {path}"))
        return False
    except NotFound as error:
        out.print(Text("  FAILED:", "bold red"))
        out.print(Text(clean(str(error))))
        return False
    return _report(groups, out)


def _report(groups: Sequence[RuleGroup], out: Console) -> bool:
    count = sum(len(group.rules) for group in groups)
    twice = duplicates(list(groups))
    if not twice:
        out.print(Text(f"  SUCCESS: {count} {'rule' if count == 1 else 'rules'} found"))
        return True
    out.print(Text("  FAILED:", "bold red"))
    out.print(Text(f"{len(twice)} duplicate {'rule' if len(twice) == 1 else 'rules'} found."))
    for name, labels in twice:
        out.print(Text(f"  {clean(name)}{clean(repr(labels))}: several rules make the same series, and what they write would be mixed up"))
    return False
