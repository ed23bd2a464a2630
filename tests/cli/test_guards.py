"""`tocsin guards`: from an incident to a folder that a pipeline runs, and its exit codes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from tests.cli.conftest import Outcome, serving
from tests.replay.desk_world import DEAF, RULES, replay_application, replay_desk

from tocsin.cli import commands
from tocsin.cli.exit_codes import Exit
from tocsin.cli.guards import unpack
from tocsin.errors import InvalidInput

Run = Callable[..., Outcome]
KEPT: list[dict[str, Any]] = []
INCIDENT = {
    "id": "INC-1",
    "summary": {"title": "the shop is loud", "started_at": "2026-11-16T10:00:00.000000000Z"},
    "incident": {"signature": "alertname=High service=shop", "alerts": []},
}


@pytest.fixture
def guards(tmp_path: Path, tocsin: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `tocsin guards ...` in a team's folder."""
    if not any(command.name == "guards" for command in commands.COMMANDS):
        one = commands.Command("guards", "tocsin.cli.guards", "Guards.")
        monkeypatch.setattr(commands, "COMMANDS", (*commands.COMMANDS, one))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)
    return lambda *arguments: tocsin("guards", *arguments)


def with_incident(app: FastAPI) -> FastAPI:
    """The application with one incident in front, which keeps what guards are told of it."""
    fake = FastAPI()

    @fake.get("/api/incidents/{identity}")
    def show(identity: str) -> dict[str, Any]:
        return INCIDENT

    @fake.post("/api/incidents/{identity}/guards")
    def keep(identity: str, guard: dict[str, Any]) -> dict[str, Any]:
        KEPT.append({"incident": identity, **guard})
        return guard

    app.router.routes[:0] = fake.router.routes
    return app


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server over two days with one loud half hour."""
    folder = tmp_path / "server"
    folder.mkdir()
    desk = replay_desk(folder)
    KEPT.clear()
    with serving(with_incident(replay_application(desk))) as url:
        monkeypatch.setenv("TOCSIN_URL", url)
        yield
    desk.close()


def test_from_an_incident_to_a_pipeline(guards: Run, server: None, tmp_path: Path) -> None:
    """Frozen with its quiet twin and kept with the incident; it holds; a rule that got worse ends with 7, and JUnit says why."""
    quiet = ("--quiet-from", "2026-11-16T02:00:00Z", "--quiet-to", "2026-11-16T08:00:00Z")
    done = guards("freeze", "INC-1", "--within", "1m", "--rules", "../../rules.yaml", "--context", "0s", *quiet)
    assert (done.code, done.err) == (Exit.OK, "")
    assert "guards/High-inc-1  must_fire, 2 files" in done.out
    assert [(one["incident"], one["kind"], one["name"]) for one in KEPT] == [
        ("INC-1", "must_fire", "High-inc-1"),
        ("INC-1", "must_not_fire", "High-inc-1-quiet"),
    ]
    held = guards("run", "--junit", "report.xml")
    assert (held.code, held.err) == (Exit.OK, "")
    assert "ok    High-inc-1  High fires 0s after 2026-11-16T10:00:00Z; allowed are 1m" in held.out
    assert "2 guards hold" in held.out
    (tmp_path / "rules.yaml").write_text(DEAF)
    failed = guards("run", "--junit", "report.xml")
    assert failed.code == Exit.GUARD
    assert "FAIL  High-inc-1  High does not fire; it must within 1m of 2026-11-16T10:00:00Z" in failed.out
    root = ET.parse(tmp_path / "report.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    failure = root.find(".//failure")
    assert failure is not None
    assert "does not fire" in str(failure.get("message"))


def test_a_list_of_guards(guards: Run, server: None) -> None:
    """What each holds and where it came from, as a table and as JSON."""
    assert guards("freeze", "INC-1", "--name", "loud").code == Exit.OK
    assert guards().out.splitlines()[1].split() == ["loud", "must_fire", "High", "INC-1", "the", "shop", "is", "loud"]
    (listed,) = json.loads(guards("list", "--json").out)
    assert (listed["kind"], listed["signature"]) == ("must_fire", "alertname=High service=shop")


def test_a_guard_by_hand(guards: Run, tmp_path: Path) -> None:
    """A folder to fill in; what is not filled in fails with its mistakes; JSON has them, too."""
    assert guards("new", "mine", "--kind", "unit_test").code == Exit.OK
    done = guards("run", "--json")
    assert done.code == Exit.GUARD
    (outcome,) = json.loads(done.out)
    assert "no file is called 'tests.yaml'" in outcome["error"]
    assert guards("new", "mine").code != Exit.OK
    assert guards("new", "../mine").code == Exit.USAGE
    assert (tmp_path / "guards" / "mine" / "guard.yaml").is_file()


@pytest.mark.parametrize("kind", ["must_fire", "must_not_fire", "query", "unit_test"])
def test_every_template_reads(guards: Run, tmp_path: Path, kind: str) -> None:
    """What `new` writes is understood, whatever it lacks yet."""
    guards("new", "mine", "--kind", kind)
    (tmp_path / "guards" / "mine" / "tests.yaml").write_text("tests: []\n")
    (listed,) = json.loads(guards("list", "--json").out)
    assert listed["kind"] == kind


def test_live_queries_are_asked_of_the_server(guards: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --live an expression must hold on the server now."""
    (tmp_path / "guards" / "up").mkdir(parents=True)
    (tmp_path / "guards" / "up" / "guard.yaml").write_text("kind: query\nlive: true\nquery: {promql: 'up == 1'}\n")
    app, values = FastAPI(), [[], [{"metric": {}, "value": [0, "1"]}]]

    @app.get("/prometheus/api/v1/query")
    def query(query: str) -> dict[str, Any]:
        return {"status": "success", "data": {"resultType": "vector", "result": values.pop() if query == "up == 1" else []}}

    with serving(app) as url:
        monkeypatch.setenv("TOCSIN_URL", url)
        assert guards("run", "--live").code == Exit.OK
        assert guards("run", "--live").code == Exit.GUARD
    assert "not asked: no server is given to ask" in guards("run").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "none"), "there is no folder none"),
        (("freeze", "-", "--rule", "High"), "say when it began"),
        (("freeze", "-", "--rule", "Hig", "--start", "2026-11-16T10:00:00Z"), "did you mean 'High'"),
        (("freeze", "INC-1", "--quiet-from", "now"), "both --quiet-from and --quiet-to"),
        (("freeze", "INC-1", "--label", "a"), "--label takes name=value"),
    ],
)
def test_what_is_refused(guards: Run, server: None, arguments: tuple[str, ...], said: str) -> None:
    """A sentence on standard error."""
    done = guards(*arguments)
    assert done.code not in {Exit.OK, Exit.GUARD}
    assert said in done.err


def test_an_archive_stays_in_its_folder(tmp_path: Path) -> None:
    """Whatever a server sends, nothing is written outside of the folder."""
    for name in ("../outside", "/outside", "a/../../outside"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo(name))
        with pytest.raises(InvalidInput, match="outside of its folder"):
            unpack(buffer.getvalue(), tmp_path / "guards")
    assert not (tmp_path / "outside").exists()
