"""What the tests of rule files share: objectives, files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

from tests.slo.stories import objective

from tocsin.alert.definition import AlertRule
from tocsin.alert.files.rule_set import CheckedRules, read_rule_set
from tocsin.alert.options import AlertOptions
from tocsin.slo.definition import Objective

CHECKOUT = replace(objective(), owner="team-shop", runbook="checkout.md")
SEARCH = replace(objective(0.9), key="search-latency", slo="search-latency", service="search", owner="team-shop", runbook="search.md")
OBJECTIVES: Mapping[str, Objective] = {one.key: one for one in (CHECKOUT, SEARCH)}
QUIET = AlertOptions(burn_profile="none")
HEAD = """\
apiVersion: tocsin/v1
kind: AlertRule
metadata: {name: CheckoutFails}
spec:
  severity: page
  owner: team-shop
  runbook: checkout.md
  summary: checkout fails
"""


def written(folder: Path, text: str, name: str = "rules.yaml") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return path


def checked(folder: Path, text: str, options: AlertOptions = QUIET, objectives: Mapping[str, Objective] = OBJECTIVES) -> CheckedRules:
    """A file with this text, read and checked."""
    return read_rule_set([written(folder, text)], objectives, options)


def mistakes(folder: Path, text: str) -> list[str]:
    """What is wrong with it, without the folder's name."""
    return [mistake.removeprefix(f"{folder}/") for mistake in checked(folder, text).rules.mistakes]


def only_rule(folder: Path, text: str) -> AlertRule:
    """The one rule of a file without mistakes."""
    found = checked(folder, text)
    assert found.rules.mistakes == ()
    (group,) = found.rules.groups
    (rule,) = group.rules
    assert isinstance(rule, AlertRule)
    return rule


def spec(line: str) -> str:
    """A rule of ours with this condition."""
    return f"{HEAD}  {line}\n"
