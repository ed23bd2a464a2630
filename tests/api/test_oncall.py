"""On call over HTTP: what reaches the desk, what comes back, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient
from tests.oncall.desks import DeskHouse
from tests.oncall.house import HandClock, told

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.exposition import render

SIGNED = {"author": "ana", "reason": "dentist"}
OVERRIDE = {"schedule": "primary", "person": "bob", "start": "now", "end": "2026-01-07T11:00:00Z", **SIGNED}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application, made once, because that takes a while; each test puts a desk of its own behind it."""
    return create_application(Context(desk=cast("Any", FakeDesk()), clock=HandClock()), hosts={"localhost"})


@pytest.fixture
def house(tmp_path: Path, app: FastAPI) -> Iterator[DeskHouse]:
    """What stands behind `client`."""
    found, before = DeskHouse(tmp_path), app.state.context
    app.state.context = replace(before, clock=found.clock, oncall=found.desk)
    yield found
    app.state.context = before
    found.close()


@pytest.fixture
def client(app: FastAPI, house: DeskHouse) -> LocalClient:
    """Asks that application."""
    assert app.state.context.oncall is house.desk
    return LocalClient(app)


def test_who_is_on_call(client: LocalClient) -> None:
    """On each schedule, with the shift, why, and who is next; at another instant too."""
    primary, office = client.get("/api/oncall/who").json()
    assert primary["shift"]["person"] == "ana"
    assert (primary["shift"]["origin"], primary["shift"]["source"]) == ("layer", "weekly")
    assert primary["next"]["start"] == "2026-01-12T08:00:00.000000000Z"
    assert (office["shift"]["person"], office["shift"]["origin"]) == ("", "nobody")
    then = client.get("/api/oncall/who", params={"schedule": "primary", "at": "2026-01-14"}).json()
    assert [one["shift"]["person"] for one in then] == ["bob"]


def test_shifts_with_gaps(client: LocalClient) -> None:
    """Four weeks by default; of one person those of all schedules."""
    weeks = client.get("/api/oncall/shifts", params={"schedule": "primary"}).json()
    assert [one["person"] for one in weeks] == ["ana", "bob", "ana", "bob", "ana"]
    day = {"start": "2026-01-06", "end": "2026-01-07", "schedule": "office"}
    assert [one["person"] for one in client.get("/api/oncall/shifts", params=day).json()] == ["", "bob", ""]
    assert {one["person"] for one in client.get("/api/oncall/shifts", params={"person": "bob"}).json()} == {"bob"}


def test_definitions_and_problems(client: LocalClient) -> None:
    """What the files say, and what is wrong with them."""
    found = client.get("/api/oncall/definitions").json()
    assert [one["name"] for one in found["people"]] == ["ana", "bob"]
    assert found["chains"][0]["steps"][0] == {"notify": ["schedule primary"], "acknowledge_within_s": 300.0}
    assert set(client.get("/api/oncall/problems").json()) == {"mistakes", "remarks", "gaps", "unreachable"}


def test_an_override_from_its_entry_to_its_withdrawal(client: LocalClient) -> None:
    """It is listed while it holds, and later among the past ones."""
    made = client.post("/api/oncall/overrides", json=OVERRIDE).json()
    assert client.get("/api/oncall/who").json()[0]["shift"]["origin"] == "override"
    assert [one["id"] for one in client.get("/api/oncall/overrides").json()] == [made["id"]]
    withdrawn = client.post(f"/api/oncall/overrides/{made['id']}/withdraw", json=SIGNED).json()
    assert withdrawn["withdrawn"]["author"] == "ana"
    assert client.get("/api/oncall/overrides").json() == []
    assert len(client.get("/api/oncall/overrides", params={"past": "true"}).json()) == 1
    assert client.post(f"/api/oncall/overrides/{made['id']}/withdraw", json=SIGNED).json()["error"]["code"] == "conflict"


def test_swaps_are_asked_and_answered(client: LocalClient) -> None:
    """Accepted, declined, withdrawn."""
    order = {"schedule": "primary", "person": "bob", "to": "ana", "reason": "wedding"}
    first, second, third = (client.post("/api/oncall/swaps", json=order).json() for _ in range(3))
    assert first["state"] == "asked"
    assert client.post(f"/api/oncall/swaps/{first['id']}/accept", json={"by": "ana", "comment": "fine"}).json()["state"] == "accepted"
    assert client.post(f"/api/oncall/swaps/{second['id']}/decline", json={"by": "ana"}).json()["state"] == "declined"
    assert client.post(f"/api/oncall/swaps/{third['id']}/withdraw", json={"by": "bob"}).json()["state"] == "withdrawn"
    assert [one["id"] for one in client.get("/api/oncall/swaps", params={"state": "accepted"}).json()] == [first["id"]]
    assert len(client.get("/api/oncall/swaps").json()) == 3
    refused = client.post(f"/api/oncall/swaps/{first['id']}/accept", json={"by": "bob"})
    assert refused.json()["error"]["code"] == "invalid_input"


def test_pages_are_listed_told_and_taken(client: LocalClient, house: DeskHouse) -> None:
    """By their ids or their group."""
    page = house.desk.escalator.start(told())
    assert page is not None
    (listed,) = client.get("/api/oncall/pages", params={"open": "true"}).json()
    assert (listed["id"], listed["state"], listed["called"], listed["due_at"]) == (
        page.id,
        "calling",
        ["ana"],
        "2026-01-06T11:05:00.000000000Z",
    )
    assert listed["alerts"] == [{"alertname": "CheckoutBurns", "severity": "page"}]
    story = client.get(f"/api/oncall/pages/{page.id}").json()
    assert [call["channel"] for call in story["calls"]] == ["person/ana/slack/0"]
    (taken,) = client.post("/api/oncall/acknowledge", json={"page": "group-1", "by": "bob"}).json()
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "bob")
    (again,) = client.post("/api/oncall/acknowledge", json={"page": page.id, "by": "ana"}).json()
    assert again["acknowledged_by"] == "bob"
    assert client.get("/api/oncall/pages/pg-none").json()["error"]["code"] == "not_found"


def test_the_load(client: LocalClient) -> None:
    """Per person and shift, against the budget."""
    found = client.get("/api/oncall/load", params={"start": "2026-01-05", "end": "2026-01-12"}).json()
    assert found["pages_per_week"] == 2.0
    assert {"person", "pages", "nights", "unanswered", "on_call_s", "budget", "is_over"} == set(found["people"][0])


def test_calendars_need_no_login_but_a_secret(client: LocalClient) -> None:
    """As text/calendar; an old address is not found."""
    order = {"subject": "schedule", "name": "primary", "author": "ana"}
    made = client.post("/api/oncall/calendars", json=order).json()
    answer = client.get(made["path"])
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert [one["name"] for one in client.get("/api/oncall/calendars").json()] == ["primary"]
    assert client.post("/api/oncall/calendars/revoke", json=order).json() == []
    assert client.get(made["path"]).status_code == 404
    assert client.get("/api/oncall/ical", params={"person": "bob"}).text.count("BEGIN:VEVENT") > 10


@pytest.mark.parametrize(
    ("verb", "path", "body", "code"),
    [
        ("GET", "/api/oncall/who?schedule=prmary", None, "not_found"),
        ("GET", "/api/oncall/who?at=yesterday", None, "invalid_input"),
        ("GET", "/api/oncall/shifts?start=2026-01-02&end=2026-01-01", None, "invalid_input"),
        ("GET", "/api/oncall/shifts?start=2026-01-02&end=2036-01-01", None, "invalid_input"),
        ("GET", "/api/oncall/ical", None, "invalid_input"),
        ("GET", "/api/oncall/ical?schedule=primary&person=ana", None, "invalid_input"),
        ("GET", "/api/oncall/calendar/0000.ics", None, "not_found"),
        ("GET", "/api/oncall/swaps?state=maybe", None, "invalid_input"),
        ("POST", "/api/oncall/overrides", {**OVERRIDE, "person": "eve"}, "not_found"),
        ("POST", "/api/oncall/overrides", {**OVERRIDE, "author": " "}, "invalid_input"),
        ("POST", "/api/oncall/overrides", {**OVERRIDE, "autor": "x"}, "invalid_input"),
        ("POST", "/api/oncall/acknowledge", {"page": "nothing", "by": "ana"}, "not_found"),
        ("POST", "/api/oncall/calendars", {"subject": "team", "name": "x", "author": "ana"}, "invalid_input"),
    ],
)
def test_what_is_wrong_is_said(client: LocalClient, verb: str, path: str, body: object, code: str) -> None:
    """In the words of the error tree."""
    assert client.request(verb, path, json=body).json()["error"]["code"] == code


def test_without_a_desk_nobody_is_on_call(app: FastAPI) -> None:
    """Where only telemetry is asked, the answer says so."""
    assert LocalClient(app).get("/api/oncall/who").json()["error"]["code"] == "not_found"


def test_statistics_become_metrics(house: DeskHouse) -> None:
    """Files and pages, each with its help."""
    text = render({"oncall": house.desk.statistics()})
    assert "tocsin_oncall_plan_mistakes" in text
    assert "tocsin_oncall_escalator_exhausted_total" in text


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["schedule", "person", "start", "end", "replaces", "author", "reason", "by", "page", "to"]), TEXTS))
@pytest.mark.parametrize("path", ["overrides", "swaps", "acknowledge", "calendars", "swaps/x/accept", "overrides/x/withdraw"])
def test_no_order_breaks_the_door(client: LocalClient, path: str, order: dict[str, str]) -> None:
    """Whatever is sent: an answer, or an error of the tree that is the caller's."""
    answer = client.post(f"/api/oncall/{path}", json=order)
    assert answer.status_code < 500
