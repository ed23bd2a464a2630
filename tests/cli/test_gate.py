"""`tocsin gate`: verdicts as exit codes, what is recorded, and what holds when nobody answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from tests.api.fake_slos import FakeSlos, gate_answer
from tests.cli.conftest import Tocsin, serving
from tests.cli.slo_server import slo_server

from tocsin.errors import Overloaded, StoreError
from tocsin.slo.answers import GateVerdict

RISK = ("--risk-minutes", "15", "--probability", "0.3")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeSlos, str]]:
    """One server for all tests here."""
    slos = FakeSlos()
    with slo_server(slos) as address:
        yield slos, address


@pytest.fixture
def slos(served: tuple[FakeSlos, str]) -> FakeSlos:
    """The desk of objectives behind `url`, as new."""
    served[0].forget()
    return served[0]


@pytest.fixture
def url(served: tuple[FakeSlos, str], slos: FakeSlos) -> str:
    """The server's address."""
    return served[1]


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("verdict", "code", "word"),
    [
        (GateVerdict.GO, 0, "GO  checkout"),
        (GateVerdict.CANARY, 0, "GO, BEHIND A CANARY  checkout"),
        (GateVerdict.NO_GO, 6, "NO GO  checkout"),
    ],
)
def test_a_verdict_is_an_exit_code(tocsin: Tocsin, url: str, slos: FakeSlos, verdict: GateVerdict, code: int, word: str) -> None:
    """0 lets the pipeline go on, 6 does not; the sentence and what other objectives say are printed, harmless for a terminal."""
    slos.answer = gate_answer(verdict)
    outcome = tocsin("gate", "checkout", *RISK, "--url", url)
    assert (outcome.code, outcome.err) == (code, "")
    assert outcome.out.startswith(f"{word}\n33.2 of 43.2 minutes are left␛[2J\nalso: latency has enough left\n")


def test_a_deployment_is_recorded_and_a_question_is_not(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """--dry-run only asks; services may have slashes and blanks."""
    tocsin("gate", "team/check out", *RISK, "--url", url)
    tocsin("gate", "team/check out", *RISK, "--dry-run", "--url", url)
    risk = {"risk_minutes": 15.0, "probability": 0.3}
    assert slos.asked == [("gate", ("team/check out",), {**risk, "record": True}), ("gate", ("team/check out",), {**risk, "record": False})]


def test_json_is_the_apis_own(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """One line, and the exit code all the same."""
    slos.answer = gate_answer(GateVerdict.NO_GO)
    outcome = tocsin("gate", "checkout", "--json", "--url", url)
    assert (outcome.code, outcome.out.count("\n")) == (6, 1)
    assert json.loads(outcome.out)["reason"] == "policy_freeze"


def test_the_exception_that_let_it_through_is_named(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """So that it can be found in the audit."""
    slos.answer = replace(gate_answer(), exception="leave-1")
    assert "exception leave-1\n" in tocsin("gate", "checkout", "--url", url).out


def test_nobody_answers_and_the_gate_is_closed(tocsin: Tocsin, nobody: str) -> None:
    """By default: exit code 3, the verdict on standard output, why on standard error."""
    outcome = tocsin("gate", "checkout", "--url", nobody)
    assert outcome.code == 3
    assert outcome.out == "NO GO  checkout  nobody answered, and the gate fails closed\n"
    assert outcome.err.startswith(f"error: no server at {nobody}")


def test_nobody_answers_and_the_gate_is_open(tocsin: Tocsin, nobody: str, tmp_path: Path) -> None:
    """By flag, or by the option slo.gate.when_unreachable; the flag goes first. Standard error still says that nobody was asked."""
    outcome = tocsin("gate", "checkout", "--fail-open", "--url", nobody)
    assert (outcome.code, outcome.out) == (0, "GO  checkout  nobody answered, and the gate fails open\n")
    assert "no server" in outcome.err
    config = tmp_path / "tocsin.yaml"
    config.write_text("slo: {gate: {when_unreachable: go}}", encoding="utf-8")
    assert tocsin("gate", "checkout", "--config", str(config), "--url", nobody).code == 0
    assert tocsin("gate", "checkout", "--config", str(config), "--fail-closed", "--url", nobody).code == 3


def test_silence_is_json_too(tocsin: Tocsin, nobody: str) -> None:
    """With the keys that a pipeline reads."""
    answer = json.loads(tocsin("gate", "checkout", "--json", "--fail-open", "--url", nobody).out)
    assert (answer["service"], answer["ok"], answer["verdict"], answer["reason"]) == ("checkout", True, "go", "unreachable")


def test_a_server_that_fails_has_not_answered(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Its error is the same as silence: closed with exit code 4, open with 0."""
    slos.failure = StoreError("the engine is gone")
    closed = tocsin("gate", "checkout", "--url", url)
    assert (closed.code, closed.err) == (4, "error: the engine is gone\n")
    assert tocsin("gate", "checkout", "--fail-open", "--url", url).code == 0


@pytest.mark.parametrize("wrong", [("--risk-minutes", "-1"), ("--probability", "1.5"), ("--probability", "high")])
def test_a_wrong_command_line_is_never_go(tocsin: Tocsin, url: str, slos: FakeSlos, wrong: tuple[str, str]) -> None:
    """Exit code 2 whatever --fail-open says, and nothing is asked."""
    assert tocsin("gate", "checkout", *wrong, "--fail-open", "--url", url).code == 2
    assert slos.asked == []


@pytest.mark.parametrize("flag", ["--fail-open", "--fail-closed"])
@pytest.mark.parametrize("service", ["", "  "])
def test_no_service_is_never_go(tocsin: Tocsin, url: str, slos: FakeSlos, service: str, flag: str) -> None:
    """An unset variable of a shell is refused before anybody is asked."""
    outcome = tocsin("gate", service, flag, "--url", url)
    assert (outcome.code, outcome.out, slos.asked) == (2, "", [])
    assert outcome.err.startswith("error: SERVICE is empty")


@pytest.mark.parametrize("flag", ["--fail-open", "--fail-closed"])
def test_a_question_that_is_refused_is_never_go(tocsin: Tocsin, url: str, slos: FakeSlos, flag: str) -> None:
    """Somebody answered: a risk out of bounds and an address of something else are mistakes of the pipeline."""
    for arguments in (("checkout", "--risk-minutes", "1e9"), ("checkout", "--url", f"{url}/elsewhere")):
        outcome = tocsin("gate", *arguments, flag, *(() if "--url" in arguments else ("--url", url)))
        assert (outcome.code, outcome.out) == (2, "")
        assert "the gate was not asked well" in outcome.err
    assert slos.asked == []


def test_a_crowded_server_has_not_answered(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Asked to come back later is as good as silence."""
    slos.failure = Overloaded("too many questions", retry_after_s=1)
    assert tocsin("gate", "checkout", "--url", url).code == 4
    assert tocsin("gate", "checkout", "--fail-open", "--url", url).code == 0


@pytest.mark.parametrize("body", ["<html>", "[]", "{}"])
def test_something_else_that_answers_is_silence(tocsin: Tocsin, body: str) -> None:
    """A page in place of an answer is neither go nor no-go."""
    app = FastAPI()
    app.add_api_route("/{path:path}", lambda: Response(body), methods=["POST"])
    with serving(app) as address:
        assert tocsin("gate", "checkout", "--url", address).code == 3
        assert tocsin("gate", "checkout", "--fail-open", "--url", address).code == 0
