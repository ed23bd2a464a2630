"""`tocsin rules`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from tests.alert.rule_files import HEAD, spec, written
from tests.alert.rule_states import checked, statuses
from tests.api.fake_desk import FakeDesk
from tests.cli.conftest import NOW, Tocsin, serving

from tocsin.api import rules
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.cli import commands
from tocsin.cli.commands import COMMANDS, Command
from tocsin.clock import ReplayClock
from tocsin.query.desk import Desk


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is in the list, also while it is not."""
    if not any(command.name == "rules" for command in COMMANDS):
        monkeypatch.setattr(commands, "COMMANDS", (*COMMANDS, Command("rules", "tocsin.cli.rules", "Rules.")))


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that evaluates three rules."""
    desk = cast("Desk", FakeDesk())
    app = create_application(
        Context(desk, ReplayClock(NOW, speed=0), rules=lambda: statuses(NOW), checked_rules=checked), hosts={"127.0.0.1"}
    )
    app.include_router(rules.router, prefix="/api")
    with serving(app) as address:
        yield address


def test_the_list(tocsin: Tocsin, server: str) -> None:
    """A line for each rule, and what is wrong with the files."""
    outcome = tocsin("rules", "--url", server)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["rule", "state", "health", "severity", "service", "alerts", "condition"]
    assert lines[1].split()[:3] == ["service:rate", "records", "unknown"]
    assert lines[2].split() == ["Down", "inactive", "err", "ticket", "db", "up", "==", "0"]
    assert lines[3].startswith("SloBurn checkout  firing    ok")
    assert "mistake: rules.yaml:9:1: a rule has no field 'fro'" in outcome.out
    assert "lint finds 1 error and 0 warnings in these rules" in outcome.out


def test_some_of_the_list_as_json(tocsin: Tocsin, server: str) -> None:
    """The API's own answer."""
    outcome = tocsin("rules", "list", "--service", "shop", "--state", "firing", "--json", "--url", server)
    assert [rule["name"] for group in json.loads(outcome.out) for rule in group["rules"]] == ["SloBurn"]
    assert tocsin("rules", "--service", "nobody", "--url", server).out.startswith("no rules are in force")


def test_one_rule(tocsin: Tocsin, server: str) -> None:
    """What it asks, whom it tells, and its alerts with what was measured."""
    outcome = tocsin("rules", "show", "SloBurn", "--url", server)
    assert outcome.code == 0
    assert outcome.out.splitlines()[:2] == ["SloBurn checkout  firing  in group shop", '  burn_rate("checkout") > 14.4 over 1h and 5m']
    for part in (
        "owner       team-shop",
        "runbook     checkout.md",
        "place       slos.yaml:3",
        "firing since 2026-03-02 09:58:30",
        "burns 20x",
    ):
        assert part in outcome.out
    assert "every 15 s, for 60 s; evaluated at 2026-03-02 10:00:00" in tocsin("rules", "show", "Down", "--url", server).out


def test_a_rule_that_is_not_there(tocsin: Tocsin, server: str) -> None:
    """The one that was probably meant is named."""
    outcome = tocsin("rules", "show", "SloBurm", "--url", server)
    assert outcome.code != 0
    assert "did you mean 'SloBurn'" in outcome.err


def test_lint_of_good_and_bad_files(tocsin: Tocsin, tmp_path: Path) -> None:
    """Exit code 1 with an error or a mistake, each with its place; 0 without."""
    good = written(tmp_path, spec("signal: {signal: errors, over: 5m}"), "good.yaml")
    bad = written(tmp_path, f"{HEAD}  signal: {{signal: saturation, over: 5m}}\n".replace("  owner: team-shop\n", ""), "bad.yaml")
    broken = written(tmp_path, spec("burn: {objective: gone, factor: 2, long: 1h}"), "broken.yaml")
    outcome = tocsin("rules", "lint", str(good))
    assert (outcome.code, outcome.out) == (0, "1 rule: 0 errors, 0 warnings\n")
    outcome = tocsin("rules", "lint", str(good), str(bad), str(broken))
    assert outcome.code == 1
    assert f"mistake: {broken}:9:21: no objective is called 'gone'" in outcome.out
    assert f"error: {bad}:5: CheckoutFails pages, but rests on a cause" in outcome.out
    assert outcome.out.endswith("2 rules: 1 mistake, 2 errors, 0 warnings\n")


def test_lint_with_objectives_and_a_configuration(tocsin: Tocsin, tmp_path: Path) -> None:
    """Files, objectives and profile come from the configuration; --json is what the API says."""
    slos = written(
        tmp_path,
        "apiVersion: tocsin/v1\nkind: Objective\nmetadata: {name: shop}\nspec: {service: shop, target: 99.9%, availability: {}}\n",
        "slos.yaml",
    )
    config = written(tmp_path, f"slo: {{files: ['{slos}']}}\n", "tocsin.yaml")
    outcome = tocsin("rules", "lint", "--config", str(config), "--json")
    answer = json.loads(outcome.out)
    assert (outcome.code, answer["failed"], answer["mistakes"]) == (1, True, [])
    assert [finding["code"] for finding in answer["findings"]] == ["page_without_runbook", "page_without_owner"]
    quiet = written(tmp_path, f"slo: {{files: ['{slos}']}}\nalert: {{burn_profile: none}}\n", "quiet.yaml")
    assert tocsin("rules", "lint", "--config", str(quiet)).code == 0
    written(tmp_path, "kind: Objective\n", "slos.yaml")
    assert tocsin("rules", "lint", "--slo", str(slos)).code == 1


def test_profiles(tocsin: Tocsin) -> None:
    """Which burn rates are told to whom, for thirty days."""
    outcome = tocsin("rules", "profiles")
    assert "  page        14.4x over 1 h and 5 min  (2% of the budget in 1 h)" in outcome.out.splitlines()
    assert [profile["name"] for profile in json.loads(tocsin("rules", "profiles", "--json").out)] == ["workbook", "ladder", "calm", "none"]


def test_check_reads_our_own_kinds_too(tocsin: Tocsin, tmp_path: Path) -> None:
    """`tocsin check` says what is wrong with a rule file, whatever its form."""
    good = written(tmp_path, spec("signal: {signal: errors, over: 5m}"), "good.yaml")
    bad = written(tmp_path, spec("signal: {signal: erors, over: 5m}"), "bad.yaml")
    assert "SUCCESS: 1 rule found" in tocsin("check", str(good)).out
    outcome = tocsin("check", str(bad))
    assert (outcome.code, "did you mean 'errors'?" in outcome.out) == (1, True)
