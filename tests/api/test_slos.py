"""Objectives, decisions, the gate and the calculators over HTTP: what reaches the desk, and what comes back."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from pydantic import ValidationError
from tests.api.fake_desk import FakeDesk
from tests.api.fake_slos import DAY, KEY, MINUTE, NOW, SECOND_KEY, FakeSlos, gate_answer
from tests.api.local_client import LocalClient

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.exposition import render
from tocsin.api.slo_decisions import NewExclusion
from tocsin.clock import ReplayClock
from tocsin.errors import Conflict, StoreError
from tocsin.model.budget import CauseKind
from tocsin.slo.answers import GateVerdict
from tocsin.slo.desk_records import ObjectiveStatistics, SloStatistics

SIGNED = {"author": "ada", "reason": "database upgrade"}


@pytest.fixture(scope="module")
def served() -> tuple[FakeSlos, LocalClient]:
    """An application with objectives, its clock standing still at NOW; made once, because that takes a while."""
    slos = FakeSlos()
    context = Context(desk=cast("Any", FakeDesk()), clock=ReplayClock(NOW, speed=0), slos=cast("Any", slos))
    return slos, LocalClient(create_application(context, hosts={"localhost"}))


@pytest.fixture
def slos(served: tuple[FakeSlos, LocalClient]) -> FakeSlos:
    """The desk of objectives behind `client`, as new."""
    served[0].forget()
    return served[0]


@pytest.fixture
def client(served: tuple[FakeSlos, LocalClient], slos: FakeSlos) -> LocalClient:
    """Asks that application."""
    return served[1]


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/api/slos/{key}", "budget"),
        ("/api/slos/{key}/definition", "objective"),
        ("/api/slos/{key}/burn-down", "burn_down"),
        ("/api/slos/{key}/ledger", "ledger"),
        ("/api/slos/{key}/attribution", "attribution"),
        ("/api/slos/{key}/policy-history", "policy_history"),
    ],
)
@pytest.mark.parametrize("key", [KEY, SECOND_KEY, "checkout%2Flatency%2F2"])
def test_keys_may_have_slashes(client: LocalClient, slos: FakeSlos, path: str, question: str, key: str) -> None:
    """The second objective of an SLO is `name/2`, encoded or not; what stands after it is still found."""
    assert client.get(path.format(key=key)).status_code == 200
    asked, args, _ = slos.asked[0]
    assert (asked, args[0]) == (question, key.replace("%2F", "/"))


def test_a_budget_has_all_its_figures(client: LocalClient) -> None:
    """Both with and without exclusions, coverage and burn rates; instants are texts, enums their values."""
    budget = client.get(f"/api/slos/{KEY}").json()
    assert budget["verdict"] == "met"
    assert budget["at"] == "2026-03-02T10:00:00.000000000Z"
    assert budget["figures"]["remaining_minutes"] == pytest.approx(33.2, abs=0.1)
    assert budget["without_exclusions"] != budget["figures"]
    assert [burn["window_s"] for burn in budget["burn_rates"]] == [300, 1800, 3600, 7200, 21_600, 86_400, 259_200]


def test_no_data_is_null_and_not_nought(client: LocalClient) -> None:
    """Where nothing was observed there is no number to misread."""
    nothing = client.get("/api/slos").json()[2]
    assert (nothing["verdict"], nothing["figures"]["sli"], nothing["burn_rates"][0]["rate"]) == ("no_data", None, None)


def test_parameters_reach_the_desk(client: LocalClient, slos: FakeSlos) -> None:
    """Service, instant, points and range are what was asked; instants count back from the server's own present."""
    client.get("/api/slos?service=checkout&at=now-1d")
    client.get(f"/api/slos/{KEY}/burn-down?points=7")
    client.get(f"/api/slos/{KEY}/attribution?start=now-1d&end=now&limit=3")
    assert [options for _, _, options in slos.asked] == [
        {"service": "checkout", "at": NOW - DAY},
        {"points": 7, "at": None},
        {"start": NOW - DAY, "end": NOW, "limit": 3},
    ]


def test_lists_are_lists(client: LocalClient) -> None:
    """Every list answers, each with what the desk has."""
    for path in ("slo-objectives", "policies", "slo-exclusions", "slo-marks", "policy-exceptions", "audit"):
        assert len(client.get(f"/api/{path}").json()) >= 1, path
    assert client.get("/api/slo-problems").json() == {"mistakes": [], "remarks": []}


def test_an_unknown_objective_is_not_found(client: LocalClient) -> None:
    """With the desk's sentence."""
    answer = client.get("/api/slos/nothing")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "no objective is called 'nothing'")


def test_asking_the_gate_is_safe(client: LocalClient, slos: FakeSlos) -> None:
    """GET records nothing, whatever the answer; a no-go is a 200 all the same, with `ok` to read."""
    slos.answer = gate_answer(GateVerdict.NO_GO)
    answer = client.get("/api/gate/checkout?risk_minutes=15&probability=0.3")
    assert (answer.status_code, answer.json()["ok"], answer.json()["verdict"]) == (200, False, "no_go")
    assert slos.asked == [("gate", ("checkout",), {"risk_minutes": 15.0, "probability": 0.3, "record": False})]


def test_passing_the_gate_is_recorded(client: LocalClient, slos: FakeSlos) -> None:
    """POST is a deployment that begins; services may have slashes."""
    answer = client.post("/api/gate/team%2Fcheckout", json={"risk_minutes": 15})
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert slos.asked == [("gate", ("team/checkout",), {"risk_minutes": 15.0, "probability": 1.0, "record": True})]


@pytest.mark.parametrize("query", ["risk_minutes=-1", "probability=1.1", "probability=nan", "risk_minutes=inf", "risk_minutes=x"])
def test_the_gate_refuses_what_is_no_risk(client: LocalClient, slos: FakeSlos, query: str) -> None:
    """A wrong parameter is an error, never an answer that a pipeline could read."""
    assert client.get(f"/api/gate/checkout?{query}").status_code == 422
    assert slos.asked == []


def test_a_broken_store_is_no_answer(client: LocalClient, slos: FakeSlos) -> None:
    """The gate that can't know says so with a 503, so that the caller's own fail-open or fail-closed decides."""
    slos.failure = StoreError("the engine is gone")
    assert client.get("/api/gate/checkout").status_code == 503


def test_an_exclusion_is_what_was_sent(client: LocalClient, slos: FakeSlos) -> None:
    """Times are read by the server's clock; the answer has its id."""
    answer = client.post("/api/slo-exclusions", json={"service": "checkout", "start": "now-1h", "end": "now", **SIGNED})
    assert (answer.status_code, answer.json()["id"]) == (200, "ex-1")
    assert slos.asked[0][2] == {"slo": "", "service": "checkout", "start": NOW - 60 * MINUTE, "end": NOW, "query": "", **SIGNED}


@pytest.mark.parametrize(
    "wrong",
    [
        {"author": ""},
        {"author": "   "},
        {"reason": None},
        {"author": "a\x00b"},
        {"author": "\x1b[2J"},
        {"reason": "x" * 2001},
        {"start": ""},
        {"begin": "now"},
    ],
)
def test_unsigned_or_unprintable_decisions_are_refused(client: LocalClient, slos: FakeSlos, wrong: dict[str, Any]) -> None:
    """Nobody, no reason, control characters and unknown fields never reach the desk."""
    answer = client.post("/api/slo-exclusions", json={"service": "checkout", "start": "now-1h", "end": "now", **SIGNED, **wrong})
    assert answer.status_code == 422
    assert slos.asked == []


@pytest.mark.parametrize("field", ["slo", "author", "reason", "query"])
def test_half_characters_are_refused(field: str) -> None:
    """JSON can spell a lone surrogate, which no database keeps and no terminal shows."""
    with pytest.raises(ValidationError):
        NewExclusion.model_validate({"service": "checkout", **SIGNED, field: json.loads('"\\ud800"')})


def test_marks_and_exceptions_are_what_was_sent(client: LocalClient, slos: FakeSlos) -> None:
    """Kinds are words of a closed list, lengths of time are written out."""
    mark = {"slo": KEY, "start": "now-1h", "end": "now", "kind": "incident", "cause": "INC-12", **SIGNED}
    assert client.post("/api/slo-marks", json=mark).json()["kind"] == "incident"
    assert slos.asked[0][2]["kind"] is CauseKind.INCIDENT
    assert client.post("/api/slo-marks", json={**mark, "kind": "sabotage"}).status_code == 422
    leave = client.post("/api/policy-exceptions", json={"service": "checkout", "kind": "security", "lasting": "90m", **SIGNED}).json()
    assert (leave["uses_left"], leave["expires"]) == (1, "2026-03-02T11:30:00.000000000Z")
    assert (
        client.post("/api/policy-exceptions", json={"service": "checkout", "kind": "security", "lasting": "soon", **SIGNED}).status_code
        == 400
    )


def test_withdrawing_names_who_and_why(client: LocalClient, slos: FakeSlos) -> None:
    """Both kinds of decision; without a reason it is refused; a conflict is told as one."""
    assert client.post("/api/slo-exclusions/ex-1/withdraw", json=SIGNED).status_code == 200
    assert client.post("/api/slo-marks/mark-1/withdraw", json=SIGNED).status_code == 200
    assert client.post("/api/slo-marks/mark-1/withdraw", json={"author": "ada"}).status_code == 422
    assert slos.asked[0] == ("withdraw_exclusion", ("ex-1",), SIGNED)
    slos.failure = Conflict("it was withdrawn")
    assert client.post("/api/slo-exclusions/ex-1/withdraw", json=SIGNED).status_code == 409


def test_a_server_without_objectives_says_so() -> None:
    """404 with a sentence, on every route but the calculators."""
    context = Context(desk=cast("Any", FakeDesk()), clock=ReplayClock(NOW, speed=0))
    client = LocalClient(create_application(context, hosts={"localhost"}))
    for path in ("/api/slos", "/api/gate/checkout", "/api/audit", "/api/slo-exclusions"):
        assert "no objectives behind this server" in client.get(path).json()["error"]["message"]
    assert client.get("/api/calculators").status_code == 200


def test_objectives_are_metrics() -> None:
    """What is left and how it burns, by objective, so that others can alert on it."""
    known = {KEY: ObjectiveStatistics(0.769, 0.9998, 0.4, 0.5, 1.0)}
    lines = render({"slo": SloStatistics(rounds=3, objectives=known)}).splitlines()
    assert f'tocsin_slo_remaining_ratio{{objective="{KEY}"}} 0.769' in lines
    assert f'tocsin_slo_burn_rate_1h{{objective="{KEY}"}} 0.4' in lines
    assert "tocsin_slo_rounds_total 3" in lines


def test_calculators_calculate(client: LocalClient) -> None:
    """Parameters are those of the address; several values stand in one or in several."""
    answer = client.get("/api/calculators/downtime?target=99.9%25").json()
    assert answer["result"]["per_month_s"] == pytest.approx(2592)
    assert answer["given"] == {"target": ["99.9%"]}
    once = client.get("/api/calculators/serial?availabilities=99.95%25,99.99%25").json()
    twice = client.get("/api/calculators/serial?availabilities=99.95%25&availabilities=99.99%25").json()
    assert once["result"] == twice["result"]
    assert once["result"]["availability"] == pytest.approx(0.99940005)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("downtme?target=0.9", 404, "did you mean 'downtime'"),
        ("downtime", 400, "needs target"),
        ("downtime?target=0.9&target=0.8", 400, "given 2 times"),
        ("downtime?tarket=0.9", 400, "did you mean 'target'"),
        ("downtime?target=x", 400, "must be a number"),
        (f"downtime?target={'9' * 10_001}", 413, "10001 characters"),
    ],
)
def test_calculators_say_what_is_wrong(client: LocalClient, path: str, status: int, message: str) -> None:
    """Unknown names with what was meant, values with what was expected."""
    answer = client.get(f"/api/calculators/{path}")
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]


def test_every_calculator_is_listed_with_its_parameters(client: LocalClient) -> None:
    """A page can ask for them without knowing any."""
    listed = client.get("/api/calculators").json()
    assert {one["name"] for one in listed} >= {"downtime", "serial", "budget", "burn-rate", "trace-volume"}
    assert all(one["summary"] and one["parameters"] for one in listed)
