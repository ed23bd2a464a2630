"""The JSON API over a fake desk: what each route asks, what it answers, and how every one of them fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.api.conftest import NOW
from tests.api.fake_desk import FakeDesk
from tests.api.fake_signals import TRACE_ID
from tests.api.local_client import LocalClient

from tocsin.errors import Overloaded, ParseError, StoreError, Timeout
from tocsin.model.instant import parse_instant
from tocsin.wire.prometheus.admission import CardinalityReport

HOUR = 3600 * 10**9
QUESTIONS = [
    ("GET", "/api/logs", None),
    ("GET", "/api/logs/histogram", None),
    ("GET", "/api/logs/facets", None),
    ("GET", "/api/logs/patterns", None),
    ("GET", "/api/explain/gateway", None),
    ("GET", "/api/correlate/req-B", None),
    ("GET", "/api/traces", None),
    ("GET", f"/api/traces/{TRACE_ID}", None),
    ("GET", "/api/services", None),
    ("GET", "/api/services/gateway/operations", None),
    ("GET", "/api/service-map", None),
    ("GET", "/api/errors", None),
    ("POST", "/api/sql", {"statement": "SELECT 1"}),
]
OTHERS = [
    ("GET", "/api/status"),
    ("GET", "/api/journal/quarantine"),
    ("POST", "/api/journal/quarantine/replay"),
    ("GET", "/api/metrics/series-cost"),
    ("POST", "/api/metrics/settle"),
]
BESIDE = {  # areas with tests of their own: where those are
    "objectives": "test_slos.py",
    "decisions": "test_slos.py",
    "gate": "test_slos.py",
    "calculators": "test_slos.py",
    "signals": "test_signals.py",
    "usage": "test_usage.py",
    "deployments": "test_deployments.py",
    "alerts": "test_alerts.py",
    "rules": "test_rules.py",
    "on-call": "test_oncall.py",
    "incidents": "test_incidents.py",
    "replay": "test_replay.py",
}
SCANS = ["/api/logs", "/api/logs/histogram", "/api/logs/facets", "/api/traces", "/api/services", "/api/service-map", "/api/errors"]


def test_every_route_is_in_the_lists_above(app: FastAPI) -> None:
    """A route that nobody tests can't be added."""
    listed = {
        (verb, path.replace("req-B", "{id}").replace("gateway", "{service}").replace(TRACE_ID, "{trace_id}")) for verb, path, _ in QUESTIONS
    }
    document = app.openapi()
    operations = [
        (verb.upper(), path, operation["tags"][0])
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if path.startswith("/api")
    ]
    assert {(verb, path) for verb, path, area in operations if area not in BESIDE} == listed | set(OTHERS)
    texts = {name: (Path(__file__).parent / name).read_text(encoding="utf-8") for name in BESIDE.values()}
    asked = [
        (verb, path)
        for verb, path, area in operations
        if area in BESIDE and path.split("{")[0].rstrip("/").rpartition("/")[2] not in texts[BESIDE[area]]
    ]
    assert not asked, "routes that no test asks"


def test_metrics_of_a_server_are_asked_where_there_is_none(client: LocalClient) -> None:
    """A desk alone neither counts series at doors nor folds: that is said rather than an empty answer given."""
    for answer in (client.get("/api/metrics/series-cost"), client.post("/api/metrics/settle")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_metrics_of_a_server_are_passed_on(app: FastAPI, client: LocalClient) -> None:
    """What the doors report, and how many partitions were folded."""
    report = CardinalityReport(series=1, series_max=2, metrics=(), jobs=(), refused={})
    app.state.context = replace(app.state.context, series_report=lambda _limit: report, settle=lambda: 3)
    assert client.get("/api/metrics/series-cost").json()["series_max"] == 2
    assert client.post("/api/metrics/settle").json() == {"partitions": 3}


@pytest.mark.parametrize(("verb", "path", "body"), QUESTIONS)
def test_a_question_is_answered(client: LocalClient, desk: FakeDesk, verb: str, path: str, body: Any) -> None:
    """Each route asks the desk once and answers with JSON."""
    response = client.request(verb, path, json=body)
    assert response.status_code == 200, response.text
    assert len(desk.asked) == 1
    assert response.json()


@pytest.mark.parametrize("failure", [ParseError("no", position=3), Overloaded("no", retry_after_s=2), StoreError("no"), Timeout("no")])
@pytest.mark.parametrize(("verb", "path", "body"), QUESTIONS)
def test_every_failure_has_one_shape(client: LocalClient, desk: FakeDesk, verb: str, path: str, body: Any, failure: Exception) -> None:
    """Whatever fails, the body says code, message and whether to try again."""
    desk.failure = failure
    response = client.request(verb, path, json=body)
    assert response.status_code >= 400
    error = response.json()["error"]
    assert (error["code"], error["message"], error["retryable"]) == (failure.code, "no", failure.retryable)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("verb", "path", "body"), QUESTIONS)
def test_a_bug_is_not_told_to_strangers(client: LocalClient, desk: FakeDesk, verb: str, path: str, body: Any) -> None:
    """An exception that nobody meant has the same shape, and none of its text."""
    desk.failure = ZeroDivisionError("secret detail")
    response = client.request(verb, path, json=body)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "secret" not in response.text


@pytest.mark.parametrize(("verb", "path", "body"), QUESTIONS)
def test_a_wrong_method_has_that_shape_too(client: LocalClient, verb: str, path: str, body: Any) -> None:
    """DELETE is taken nowhere, and refused as everything is refused."""
    assert client.request("DELETE", path).json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/logs?limit=0", "query.limit"),
        ("/api/logs?limit=many", "query.limit"),
        ("/api/logs?order=sideways", "query.order"),
        ("/api/logs/histogram?buckets=100000", "query.buckets"),
        ("/api/traces?errors=perhaps", "query.errors"),
        ("/api/service-map?traces_max=-1", "query.traces_max"),
        ("/api/logs?start=yesterday", "yesterday"),
        ("/api/logs?start=now-3x", "3x"),
        ("/api/logs?start=now&end=now-1h", "swap"),
        ("/api/correlate/x?start=now&end=now-1h", "swap"),
        (f"/api/logs?query={'x' * 10_001}", "query.query"),
    ],
)
def test_wrong_parameters_are_named(client: LocalClient, desk: FakeDesk, path: str, named: str) -> None:
    """What is wrong with a parameter is said, and the desk is not asked."""
    response = client.get(path)
    assert 400 <= response.status_code < 500
    assert named in response.json()["error"]["message"]
    assert not desk.asked


@pytest.mark.parametrize("path", SCANS)
def test_a_list_covers_the_last_hour_of_the_servers_clock(client: LocalClient, desk: FakeDesk, path: str) -> None:
    """Without a range, a list that scans is about the hour before the clock's now."""
    client.get(path)
    _, _, options = desk.asked[0]
    assert (options["start"], options["end"]) == (NOW - HOUR, NOW)


def test_a_range_is_taken_in_every_spelling(client: LocalClient, desk: FakeDesk) -> None:
    """Instants may be RFC 3339, seconds, or relative to the server's clock; an end alone takes the hour before it."""
    client.get("/api/logs", params={"start": "now-30m", "end": "2026-03-02T09:45:00Z"})
    client.get("/api/logs", params={"end": "1772442000"})
    first, second = (options for _, _, options in desk.asked)
    assert (first["start"], first["end"]) == (NOW - HOUR // 2, parse_instant("2026-03-02T09:45:00Z"))
    assert second["end"] - second["start"] == HOUR


def test_an_id_is_looked_for_in_everything_stored(client: LocalClient, desk: FakeDesk) -> None:
    """A story has no default range, and its id may have slashes."""
    client.get("/api/correlate/a/b%20c?limit=7")
    assert desk.asked == [("correlate", ("a/b c",), {"start": None, "end": None, "limit": 7})]


def test_parameters_reach_the_desk(client: LocalClient, desk: FakeDesk) -> None:
    """What was asked is what the desk is asked."""
    client.get("/api/traces?query=a&service=s&operation=o&errors=true&min_duration=1s&max_duration=2s&order=slowest&limit=3&cursor=c")
    _, args, options = desk.asked[0]
    del options["start"], options["end"]
    assert args == ("a",)
    assert options == {
        "service": "s",
        "operation": "o",
        "errors": True,
        "min_duration": "1s",
        "max_duration": "2s",
        "order": "slowest",
        "limit": 3,
        "cursor": "c",
    }


def test_facets_take_several_fields(client: LocalClient, desk: FakeDesk) -> None:
    """`field` may be repeated."""
    client.get("/api/logs/facets?field=event&field=tool")
    assert desk.asked[0][2]["fields"] == ["event", "tool"]


def test_answers_keep_every_nanosecond_and_every_digit(client: LocalClient) -> None:
    """Instants are texts with nine decimals; large integers are not rounded."""
    assert client.get("/api/logs").json()["records"][0]["time"] == "2026-03-02T09:30:00.000000000Z"
    assert "9007199254740993" in client.post("/api/sql", json={"statement": "SELECT 1"}).text


def test_sql_takes_nothing_it_does_not_know(client: LocalClient) -> None:
    """A misspelt field of the body is refused rather than ignored."""
    assert client.post("/api/sql", json={"statement": "SELECT 1", "limits": 3}).status_code == 422


def test_without_a_journal_there_is_no_quarantine(client: LocalClient) -> None:
    """A server that has no journal behind it says so."""
    assert client.get("/api/journal/quarantine").json()["error"]["code"] == "not_found"
    assert client.post("/api/journal/quarantine/replay", json={}).json()["error"]["code"] == "not_found"
