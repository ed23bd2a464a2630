"""`tocsin incident` against a server with incidents."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.api.incident_server import incident_application
from tests.cli.conftest import Outcome, serving
from tests.incident.house import TRACE_ID, House, alert

from tocsin.cli.exit_codes import Exit
from tocsin.incident.options import IncidentOptions

Incident = Callable[..., Outcome]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Incidents with a runbook."""
    (tmp_path / "checkout.md").write_text("# {{ $labels.service }} is broken\n\n- [ ] Roll back\n", encoding="utf-8")
    one = House(tmp_path, IncidentOptions(runbooks=str(tmp_path)))
    yield one
    one.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, str]]:
    """One server for all tests here; each test puts incidents of its own behind it."""
    unused = House(tmp_path_factory.mktemp("unused"))
    application = incident_application(unused, hosts=frozenset({"127.0.0.1"}))
    with serving(application) as url:
        yield application, url
    unused.close()


@pytest.fixture
def incident(served: tuple[FastAPI, str], house: House, tocsin: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> Incident:
    """Runs `tocsin incident ...` as ana."""
    application, url = served
    monkeypatch.setenv("TOCSIN_AUTHOR", "ana")
    monkeypatch.setenv("TOCSIN_URL", url)
    application.state.context = replace(application.state.context, clock=house.clock, incidents=house.desk)
    return lambda *arguments: tocsin("incident", *arguments)


def said(outcome: Outcome) -> str:
    """What a command printed, which went well."""
    assert (outcome.code, outcome.err) == (Exit.OK, "")
    return outcome.out


def test_an_incident_is_worked_on_from_the_terminal(house: House, incident: Incident, tmp_path: Path) -> None:
    """From the list over every order to the end."""
    assert said(incident()) == "no incident\n"
    house.page(alert())
    house.keeper.round()
    assert "INC-1     P1        acknowledge" in said(incident("list", "--state", "open"))
    assert said(incident("acknowledge", "INC-1")) == "INC-1 is acknowledged; now stop the damage: CheckoutBurns of checkout\n"
    said(incident("role", "1", "lead", "ana"))
    said(incident("severity", "1", "P2", "--reason", "only cards"))
    said(incident("note", "1", "kubectl rollout undo", "--command", "--at", "now-1m"))
    said(incident("update", "1", "Cards fail.", "--status", "identified", "--title", "Cards"))
    house.traces[TRACE_ID] = {"spans": []}
    assert said(incident("pin", "1", "trace", TRACE_ID)) == f"pinned as evidence 2: {TRACE_ID}\n"
    assert said(incident("pin", "1", "logs", "error:true", "--start", "now-5m")).startswith("pinned as evidence 3: error:true from now-5m")
    assert "# checkout is broken\n\n- ☐ 1: Roll back" in said(incident("runbook", "1"))
    assert said(incident("tick", "1", "1")) == "step 1 is done; all are done\n"
    said(incident("step", "1", "diagnose"))
    said(incident("resolve", "1", "--reason", "rolled back"))
    text = said(incident("postmortem", "1"))
    assert text.startswith("# Incident Postmortem: CheckoutBurns of checkout (INC-1)\n")
    (tmp_path / "pm.md").write_text(text, encoding="utf-8")
    assert said(incident("postmortem", "1", "--write", str(tmp_path / "pm.md"), "--based-on", "0")).startswith("version 1 of")
    said(incident("action", "1", "alert on cards", "--owner", "bob", "--due", "2026-03-01"))
    assert "2026-03-01  bob    alert on cards" in said(incident("actions"))
    said(incident("done", "1"))
    said(incident("guard", "1", "cards", "--kind", "must_fire", "--path", "cards.yaml"))
    assert "alertname=CheckoutBurns service=checkout" in said(incident("guards"))
    assert said(incident("close", "1")) == "INC-1 is closed: CheckoutBurns of checkout\n"
    whole = said(incident("show", "1"))
    for part in ("P2  CheckoutBurns of checkout", "lead ana", "alert CheckoutBurns, since", "(identified): Cards fail."):
        assert part in whole
    assert "did step 1 of checkout.md: Roll back" in said(incident("timeline", "1"))
    assert '"name"' not in said(incident("evidence", "1", "2"))
    house.clock.advance(minutes=1)
    assert said(incident("weekly", "--start", "now-1h")).splitlines()[1].split() == ["1", "2026-03-02", "1", "1", "0", "1"]
    assert "all" in said(incident("figures"))


def test_json_is_that_of_the_api(incident: Incident) -> None:
    """With --json every part prints what the API answered."""
    opened = json.loads(said(incident("open", "customers can't pay", "--service", "checkout", "--json")))
    assert opened["id"] == "INC-1"
    for part in (["list"], ["show", "1"], ["timeline", "1"], ["evidence", "1"], ["postmortem", "1"], ["actions"], ["guards"], ["weekly"]):
        assert isinstance(json.loads(said(incident(*part, "--json"))), list | dict)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "INC-9"], "there is no incident INC-9"),
        (["pin", "1", "logs", "x"], "needs a range"),
        (["postmortem", "1", "--write", "/nowhere/pm.md"], "can't be read"),
        (["close", "1"], "once it is resolved"),
    ],
)
def test_what_goes_wrong_is_one_sentence(incident: Incident, arguments: list[str], says: str) -> None:
    """On standard error, with an exit code that is not 0."""
    said(incident("open", "customers can't pay"))
    outcome = incident(*arguments)
    assert outcome.code != Exit.OK
    assert says in outcome.err


def test_titles_of_strangers_can_not_move_the_cursor(house: House, incident: Incident) -> None:
    """Control characters in what alerts say are shown, not obeyed."""
    house.page(alert(annotations={"summary": "\x1b[2Jbroken"}))
    house.keeper.round()
    for part in (["list"], ["show", "1"], ["timeline", "1"], ["postmortem", "1"], ["acknowledge", "1"]):
        assert "\x1b" not in said(incident(*part))


def test_every_part_is_documented() -> None:
    """Each part of the command says in a sentence what it does."""
    parts: dict[str, Any] = importlib.import_module("tocsin.cli.incident").PARTS
    assert len(parts) == len({function.__name__ for function in parts.values()})
    assert all(function.__doc__ for function in parts.values())
