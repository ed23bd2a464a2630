"""amtool works with us as it is: alerts, silences, configuration."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.alert_house import AlertHouse
from tests.cli.conftest import serving
from tests.peers.programs import binary
from tests.spine.server import wait_until

from tocsin.clock import RealClock

pytestmark = pytest.mark.slow
Amtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AlertHouse]:
    """Alerts on the real clock, dispatched by a thread."""
    with AlertHouse(tmp_path, clock=RealClock()) as found:
        found.pipeline.start()
        yield found


@pytest.fixture
def amtool(house: AlertHouse, tmp_path: Path) -> Iterator[Amtool]:
    """Runs the real amtool against a server over the house."""
    with serving(house.application(hosts=frozenset({"127.0.0.1"}))) as url:

        def run(*arguments: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
            command = [str(binary("amtool")), f"--alertmanager.url={url}/alertmanager", *arguments]
            environment = {**os.environ, "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
            outcome = subprocess.run(command, capture_output=True, text=True, env=environment, input=text, timeout=30, check=False)
            assert outcome.returncode == 0 or not check, outcome.stderr
            return outcome

        yield run


def shown(amtool: Amtool, *arguments: str) -> Any:
    """What amtool prints as JSON."""
    return json.loads(amtool(*arguments, "--output=json").stdout)


def names(amtool: Amtool, *arguments: str) -> list[str]:
    """Of the alerts that a query finds."""
    return sorted(alert["labels"]["alertname"] for alert in shown(amtool, "alert", "query", *arguments))


def test_alerts_are_added_and_found(amtool: Amtool) -> None:
    """By matchers, by receiver, and by what keeps them quiet."""
    amtool("alert", "add", "Out", "severity=page", "service=shop", "--annotation=summary=the shop is out", "--generator-url=http://x/y")
    amtool("alert", "add", "Slow", "severity=ticket", "service=shop")
    amtool("alert", "add", "alertname=Full", "node=one two")
    wait_until(lambda: len(names(amtool)) == 2, timeout_s=10, what="inhibition")
    assert names(amtool) == ["Full", "Out"]
    assert names(amtool, "--inhibited") == ["Slow"]
    assert names(amtool, "--receiver=pager") == ["Out"]
    assert names(amtool, "node=~one.*") == ["Full"]
    assert names(amtool, "Out", "severity=page") == ["Out"]
    (found,) = shown(amtool, "alert", "query", "Out")
    assert (found["annotations"], found["generatorURL"]) == ({"summary": "the shop is out"}, "http://x/y")
    assert "the shop is out" in amtool("alert", "query").stdout
    assert "http://x/y" in amtool("--output=extended", "alert").stdout


def test_an_alert_with_an_end_is_over(amtool: Amtool) -> None:
    """Told with an end that is past, it fires no more."""
    amtool("alert", "add", "Brief")
    assert names(amtool) == ["Brief"]
    amtool("alert", "add", "Brief", "--end=2026-01-01T00:00:00Z", "--start=2025-12-31T00:00:00Z")
    assert names(amtool) == []


def test_silences_are_added_changed_found_and_ended(amtool: Amtool) -> None:
    """What one silences is quiet until it ends."""
    amtool("alert", "add", "Out", "service=shop")
    silence = amtool("silence", "add", "service=~sh.*", "--duration=2h", "--comment=moving", "--author=ana").stdout.strip()
    assert (names(amtool), names(amtool, "--silenced")) == ([], ["Out"])
    (found,) = shown(amtool, "silence", "query")
    assert (found["id"], found["comment"], found["createdBy"], found["status"]["state"]) == (silence, "moving", "ana", "active")
    assert found["matchers"] == [{"isEqual": True, "isRegex": True, "name": "service", "value": "sh.*"}]
    assert silence in amtool("silence", "query", "service=~sh.*").stdout
    assert not shown(amtool, "silence", "query", "service=shop")
    updated = amtool("silence", "update", "--duration=4h", "--comment=still moving", silence).stdout
    (found,) = shown(amtool, "silence", "query")
    assert (found["comment"], found["id"] in updated) == ("still moving", True)
    amtool("silence", "expire", found["id"])
    assert names(amtool) == ["Out"]
    assert shown(amtool, "silence", "query") == []
    assert found["id"] in [one["id"] for one in shown(amtool, "silence", "query", "--expired")]


def test_silences_are_imported(amtool: Amtool) -> None:
    """What `silence query` printed elsewhere comes in again."""
    amtool("silence", "add", "alertname=A", "zone!=eu", "--comment=c")
    found = shown(amtool, "silence", "query")
    amtool("silence", "expire", found[0]["id"])
    amtool("silence", "import", text=json.dumps([{**found[0], "id": ""}]))
    (imported,) = shown(amtool, "silence", "query")
    assert imported["matchers"] == found[0]["matchers"]


def test_what_is_wrong_is_said(amtool: Amtool) -> None:
    """An unknown silence, a silence of everything."""
    unknown = amtool("silence", "expire", "00000000-0000-4000-8000-000000000000", check=False)
    assert (unknown.returncode, "not found" in unknown.stderr.lower() or "404" in unknown.stderr) == (1, True)
    everything = amtool("silence", "add", "a=~.*", "--comment=c", check=False)
    assert everything.returncode == 1
    assert "matches a missing label" in everything.stderr


def test_the_configuration_is_shown_and_tried(amtool: Amtool) -> None:
    """Routes as the server has them, and where labels would go."""
    assert "receiver: pager" in amtool("config", "show").stdout
    assert 'severity="page"' in amtool("config", "routes", "show").stdout
    assert amtool("config", "routes", "test", "severity=page", "service=x").stdout.strip() == "pager,team"
    assert "disabled" in amtool("cluster", "show").stdout


def test_without_a_configuration_it_shows_what_holds(tmp_path: Path) -> None:
    """The routes by severity, as a file would say them."""
    with AlertHouse(tmp_path, "") as house, serving(house.application(hosts=frozenset({"127.0.0.1"}))) as url:
        command = [str(binary("amtool")), f"--alertmanager.url={url}/alertmanager", "config", "routes", "test", "severity=critical"]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert outcome.stdout.strip() == "page"
