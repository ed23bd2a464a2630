"""Every YAML example of the pages on objectives, rules, routes, on-call, incidents and guards is read as a server would read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.alert.rule_files import OBJECTIVES
from tests.tidy.source import ROOT

from tocsin.alert.files.lint import Level
from tocsin.alert.files.rule_set import read_rule_set
from tocsin.alert.options import AlertOptions
from tocsin.alert.routing.config import read_config
from tocsin.app.option_sources import load
from tocsin.oncall.files.plan import read_plan
from tocsin.query.promql.options import PromqlOptions
from tocsin.replay.guards.reading import read_guard
from tocsin.replay.incident_files import read_incidents
from tocsin.slo.files.definitions import read_definitions

PAGES = ("slos", "signals", "alerting", "oncall", "incidents", "backtests", "guards")
PARTLY = "kind: Supplement"  # rests on objectives that stand nowhere on the page
BESIDE = "{apiVersion: tocsin/v1, kind: Objective, metadata: {name: beside}, spec: {service: checkout, target: 99%, availability: {}}}"


def blocks() -> list[tuple[str, int, str]]:
    """Page, number on it, and text of each block."""
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        found += [
            (page, number, block) for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL), 1)
        ]
    return found


def options(path: Path) -> None:
    """Options of a server."""
    load(file=path)


def rules(path: Path) -> None:
    """Rules without a mistake, to which `tocsin rules lint` has nothing to say that would fail."""
    checked = read_rule_set([path], OBJECTIVES, AlertOptions(burn_profile="none"))
    assert checked.rules.mistakes == ()
    assert checked.rules.groups
    assert [str(finding) for finding in checked.findings if finding.level is Level.ERROR] == []


def routes(path: Path) -> None:
    """Routes; secrets that they name lie where they say."""
    path.write_text(re.sub(r"/etc/\S+?(?=[,}])", str(path), path.read_text(encoding="utf-8")), encoding="utf-8")
    config = read_config(path)
    assert config.receivers
    assert config.remarks == ()


def people(path: Path) -> None:
    """People, schedules and chains, with nothing to remark."""
    plan = read_plan([path])
    assert plan.chains
    assert plan.remarks == ()


def incidents(path: Path) -> None:
    """Incidents that a backtest is held against."""
    assert read_incidents(path)


def guard(path: Path) -> None:
    """A guard in its folder; the files that it names are there."""
    folder = path.parent / "guards" / "one"
    for name in ("rules/a.yaml", "slo/a.yaml", "guards/one/telemetry/a"):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / name).touch()
    assert read_guard(Path(path.rename(folder / "guard.yaml")).parent).rules


def objectives(path: Path) -> None:
    """Objectives and what belongs to them, beside another one of the same service."""
    beside = path.with_name("beside.yaml")
    beside.write_text(BESIDE, encoding="utf-8")
    found = read_definitions([path, beside], PromqlOptions())
    assert found.objectives or found.exclusions


READERS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    (r"^kind: (Objective|Exclusion)$", objectives),
    (r"^kind: (AlertRule|AlertGroup)$|^groups:", rules),
    (r"^kind: (Person|Schedule|EscalationChain)$", people),
    (r"^kind: (must_fire|must_not_fire|query|unit_test)\b", guard),
    (r"^incidents:", incidents),
    (r"^route:", routes),
    (r"^(slo|rules|alert|oncall|incident|replay|signals):", options),
)
BLOCKS = [(page, number, text) for page, number, text in blocks() if PARTLY not in text and not text.startswith("provider:")]


@pytest.mark.parametrize(("page", "number", "text"), BLOCKS, ids=[f"{page}-{number}" for page, number, _ in BLOCKS])
def test_examples_read(page: str, number: int, text: str, tmp_path: Path) -> None:
    """Each block is one of these files, and nothing in it is wrong."""
    reader = next((reader for pattern, reader in READERS if re.search(pattern, text, re.MULTILINE)), None)
    assert reader is not None, f"docs/{page}.md, example {number}: nobody knows which file that is"
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    reader(path)


def test_there_are_examples() -> None:
    """What is read here are examples of every kind of file."""
    used = {reader for _, _, text in BLOCKS for pattern, reader in READERS if re.search(pattern, text, re.MULTILINE)}
    assert used == {reader for _, reader in READERS}
