"""Rules through the API."""

from __future__ import annotations

from typing import cast

import pytest
from fastapi import FastAPI
from tests.alert.rule_states import checked, statuses
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient

from tocsin.api import rules
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.instant import parse_instant
from tocsin.query.desk import Desk

NOW = parse_instant("2026-11-20T02:03:11Z")


def served(context: Context) -> LocalClient:
    """A client of an application over this context."""
    app: FastAPI = create_application(context, hosts={"localhost"})
    app.include_router(rules.router, prefix="/api")
    return LocalClient(app)


@pytest.fixture
def client() -> LocalClient:
    """Asks a server that evaluates three rules."""
    desk = cast("Desk", FakeDesk())
    return served(Context(desk, ReplayClock(NOW, speed=0), rules=lambda: statuses(NOW), checked_rules=checked))


def test_groups_with_their_rules_and_alerts(client: LocalClient) -> None:
    """What each asks, how it stands, whom it tells, what it found."""
    db, shop = client.get("/api/rules").json()
    assert (db["name"], db["file"], db["interval_s"], db["missed"]) == ("db", "rules.yaml", 15, 3)
    record, down = db["rules"]
    assert (record["kind"], record["state"], record["health"]) == ("recording", "inactive", "unknown")
    assert (down["health"], down["error"], down["for_s"], down["severity"]) == ("err", "the engine is gone", 60, "ticket")
    (burn,) = shop["rules"]
    assert (burn["state"], burn["condition"]) == ("firing", 'burn_rate("checkout") > 14.4 over 1h and 5m')
    assert (burn["symptom"], burn["owner"], burn["runbook"], burn["place"]) == (True, "team-shop", "checkout.md", "slos.yaml:3")
    (alert,) = burn["alerts"]
    assert (alert["labels"], alert["state"], alert["value"]) == ({"alertname": "SloBurn", "service": "shop"}, "firing", 20)
    assert alert["active_at"] == "2026-11-20T02:01:41.000000000Z"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"service": "shop"}, ["SloBurn"]),
        ({"service": "db"}, ["Down"]),
        ({"name": "service:rate"}, ["service:rate"]),
        ({"state": "firing"}, ["SloBurn"]),
        ({"state": "pending"}, []),
    ],
)
def test_some_of_them(client: LocalClient, asked: dict[str, str], names: list[str]) -> None:
    """By service, name and state; groups without any are left out."""
    assert [rule["name"] for group in client.get("/api/rules", params=asked).json() for rule in group["rules"]] == names


def test_what_is_wrong_with_them(client: LocalClient) -> None:
    """Mistakes of files, and what lint says."""
    answer = client.get("/api/rules/lint").json()
    assert (answer["failed"], answer["mistakes"]) == (True, ["rules.yaml:9:1: a rule has no field 'fro'"])
    assert answer["findings"] == [
        {
            "code": "page_without_owner",
            "level": "error",
            "rule": "SloBurn",
            "group": "shop",
            "place": "slos.yaml:3",
            "message": "SloBurn pages without an owner: name a team",
        }
    ]


@pytest.mark.parametrize("path", ["/api/rules", "/api/rules/lint"])
def test_a_server_that_evaluates_none_says_so(path: str) -> None:
    """An empty list would say that there are none."""
    answer = served(Context(cast("Desk", FakeDesk()), ReplayClock(NOW, speed=0))).get(path)
    assert (answer.status_code, "alert.enabled" in answer.text) == (404, True)
