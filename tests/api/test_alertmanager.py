"""Alertmanager's API as its clients meet it; tests/peers holds it beside the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import orjson
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.alert.pipeline.builders import START
from tests.api.alert_house import AlertHouse
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient

from tocsin.api.alertmanager.bodies import OBJECTS_MAX, read_alerts, read_silence
from tocsin.api.alertmanager.render import label_order
from tocsin.api.application import create_application
from tocsin.api.browser import ALERT_BODY_BYTES_MAX
from tocsin.api.context import Context
from tocsin.api.readiness import Dependency, Readiness
from tocsin.errors import StoreError, TocsinError
from tocsin.model.instant import NANOSECONDS, format_instant
from tocsin.model.labels import Labels

V2 = "/alertmanager/api/v2"
HOUR = 3600 * NANOSECONDS
SILENCE = {
    "matchers": [{"name": "service", "value": "shop", "isRegex": False}],
    "startsAt": format_instant(START),
    "endsAt": format_instant(START + HOUR),
    "createdBy": "ana",
    "comment": "moving",
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AlertHouse]:
    """No alert yet."""
    with AlertHouse(tmp_path, alerts_max=3) as found:
        yield found


@pytest.fixture
def client(house: AlertHouse) -> LocalClient:
    """Asks an application over it."""
    return LocalClient(house.application())


def post(client: LocalClient, *labels: dict[str, str], **more: Any) -> httpx.Response:
    """Say alerts with these labels."""
    return client.request("POST", f"{V2}/alerts", json=[{"labels": one, **more} for one in labels])


def found(client: LocalClient, **parameters: str) -> list[str]:
    """Names of the alerts that are found."""
    return sorted(alert["labels"]["alertname"] for alert in client.get(f"{V2}/alerts", params=parameters).json())


def test_an_alert_is_taken_and_shown(client: LocalClient) -> None:
    """With everything that clients of Alertmanager need, and nothing that has no value."""
    labels = {"alertname": "Out", "service": "shop"}
    assert post(client, labels, annotations={"summary": "out"}).text == ""
    (alert,) = client.get(f"{V2}/alerts").json()
    assert alert == {
        "labels": labels,
        "annotations": {"summary": "out"},
        "startsAt": "2026-09-21T14:13:20.000Z",
        "endsAt": "2026-09-21T14:18:20.000Z",
        "updatedAt": "2026-09-21T14:13:20.000Z",
        "fingerprint": alert["fingerprint"],
        "receivers": [{"name": "team"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    }


def test_of_a_batch_those_are_taken_that_make_sense(client: LocalClient) -> None:
    """What is wrong with each of the others is a line of the answer, a text as JSON."""
    answer = post(client, {"alertname": "Out"}, {}, {"": "x"})
    assert (answer.status_code, len(answer.json().splitlines())) == (400, 2)
    assert found(client) == ["Out"]


def test_an_alert_too_many_is_said(client: LocalClient) -> None:
    """Those that have room are kept."""
    answer = post(client, *({"alertname": f"A{number}"} for number in range(5)))
    assert (answer.status_code, answer.json().count("as many alerts as alert.alerts_max")) == (400, 2)
    assert len(found(client)) == 3


def test_an_alert_of_a_rule_has_an_end_ahead(house: AlertHouse, client: LocalClient) -> None:
    """It has none until it is told to have ended; the API must show one."""
    post(client, {"alertname": "Out"})
    alert = replace(house.desk.alerts()[0].alert, ends_at=None, source="rule")
    house.pipeline.accept([alert], START)
    (shown,) = client.get(f"{V2}/alerts").json()
    assert shown["endsAt"] == "2026-09-21T14:18:20.000Z"


def test_alerts_are_found_by_what_becomes_of_them(house: AlertHouse, client: LocalClient) -> None:
    """Silenced, inhibited, told; a time interval that is quiet is said of groups alone."""
    post(
        client, {"alertname": "Out", "severity": "page", "service": "cart"}, {"alertname": "Slow", "severity": "ticket", "service": "cart"}
    )
    post(client, {"alertname": "Night", "quiet": "yes", "service": "shop"})
    house.let_pass(3)
    assert found(client, inhibited="false") == ["Night", "Out"]
    assert found(client, active="false") == ["Slow"]
    assert found(client, filter="service=cart", receiver="pag.*") == ["Out"]
    assert found(client, receiver_matchers="zone=eu", filter="severity=page") == ["Out"]
    assert client.post(f"{V2}/silences", json=SILENCE).status_code == 200
    assert found(client, silenced="no") == ["Out", "Slow"]
    groups = client.get(f"{V2}/alerts/groups").json()
    assert [(group["receiver"]["name"], group["labels"]) for group in groups] == [
        ("team", {"service": "cart"}),
        ("team", {"alertname": "Night"}),
        ("pager", {"alertname": "Out"}),
        ("team", {"alertname": "Slow"}),
    ]
    assert groups[1]["alerts"][0]["status"]["mutedBy"] == ["always"]
    assert len(client.get(f"{V2}/alerts/groups", params={"muted": "false"}).json()) == 3


def test_silences_are_entered_changed_and_ended(client: LocalClient) -> None:
    """By their ids; one that has ended stays to be read, and may be ended again."""
    identity = client.post(f"{V2}/silences", json=SILENCE).json()["silenceID"]
    shown = client.get(f"{V2}/silence/{identity}").json()
    assert shown["matchers"] == [{"name": "service", "value": "shop", "isRegex": False, "isEqual": True}]
    assert (shown["status"]["state"], shown["createdBy"], shown["comment"]) == ("active", "ana", "moving")
    changed = client.post(f"{V2}/silences", json={**shown, "comment": "still moving"}).json()["silenceID"]
    assert client.get(f"{V2}/silence/{changed}").json()["comment"] == "still moving"
    for _ in range(2):
        assert client.request("DELETE", f"{V2}/silence/{changed}").status_code == 200
    (ended,) = client.get(f"{V2}/silences", params={"filter": "service=shop"}).json()
    assert ended["status"]["state"] == "expired"
    assert client.get(f"{V2}/silences", params={"expired": "false"}).json() == []


@pytest.mark.parametrize(
    ("verb", "path", "status", "keys"),
    [
        ("GET", f"{V2}/nothing", 404, {"code", "message"}),
        ("PUT", f"{V2}/alerts", 405, {"code", "message"}),
        ("GET", f"{V2}/silence/none", 422, {"code", "message"}),
        ("GET", f"{V2}/alerts?filter=%7B", 400, str),
        ("GET", f"{V2}/alerts?filter=a&receiver=%5B", 400, str),
        ("GET", f"{V2}/alerts?filter=%FF", 400, {"code", "message"}),
        ("GET", "/alertmanager/api/v1/alerts", 410, {"status", "error"}),
        ("POST", "/alertmanager/api/v1/alerts", 410, {"status", "error"}),
    ],
)
def test_what_is_wrong_has_alertmanagers_shapes(client: LocalClient, verb: str, path: str, status: int, keys: Any) -> None:
    """A text where a handler refuses, else a code and a message."""
    answer = client.request(verb, path)
    assert answer.status_code == status
    assert isinstance(answer.json(), str) if keys is str else set(answer.json()) == keys


def test_a_database_that_fails_is_the_servers_fault(house: AlertHouse, client: LocalClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever posts says it again."""

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(house.pipeline, "accept", fail)
    answer = post(client, {"alertname": "Out"})
    assert (answer.status_code, answer.json()) == (503, "the disk is full")


def test_bodies_are_bounded(house: AlertHouse) -> None:
    """By bytes, said or not, and by objects; what is not JSON is no order at all."""
    app = house.application()
    room = b"[" + b" " * (ALERT_BODY_BYTES_MAX - 2) + b"]"
    assert _send(app, room).status_code == 200
    assert _send(app, room + b" ").status_code == 413
    assert _send(app, b"[" + b"{}," * OBJECTS_MAX + b"{}]").status_code == 413
    assert _send(app, b"[]", media_type="text/plain").status_code == 415
    assert _send(app, b"[]", media_type="application/json; charset=utf-8").status_code == 200


def test_pages_of_others_may_not_post(client: LocalClient) -> None:
    """A page that somebody visits can neither say alerts nor silence them."""
    answer = client.request("POST", f"{V2}/silences", json=SILENCE, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message"})


def test_without_alerts_it_says_so() -> None:
    """A desk alone evaluates nothing."""
    context = Context(desk=cast("Any", FakeDesk()), clock=cast("Any", _Standing()))
    answer = LocalClient(create_application(context, hosts={"localhost"})).get(f"{V2}/alerts")
    assert (answer.status_code, answer.json()[:19]) == (404, "there are no alerts")


def test_health_is_asked_as_there(house: AlertHouse) -> None:
    """Ready while everything works."""
    app = house.application()
    assert [LocalClient(app).get(f"/alertmanager/-/{name}").text for name in ("healthy", "ready")] == ["OK", "OK"]
    broken = Readiness(ready=False, dependencies=[Dependency("disk", works=False, detail="full")])
    app.state.context = replace(app.state.context, readiness=lambda: broken)
    assert (LocalClient(app).get("/alertmanager/-/ready").status_code, LocalClient(app).get("/alertmanager/-/healthy").text) == (503, "OK")


def test_without_a_configuration_the_status_shows_what_holds(tmp_path: Path) -> None:
    """As the file that would say it."""
    with AlertHouse(tmp_path, "") as house:
        status = LocalClient(house.application()).get(f"{V2}/status").json()
    assert status["config"]["original"].startswith("route:\n  receiver: ticket\n")
    assert status["cluster"] == {"status": "disabled", "peers": []}


def test_labels_have_alertmanagers_order() -> None:
    """Fewer before more; then those without the names that come early."""
    sets: list[dict[str, str]] = [{}, {"service": "a"}, {"alertnamex": "a"}, {"alertname": "a"}, {"alertname": "b"}, {"a": "x", "b": "y"}]
    assert sorted(map(Labels, reversed(sets)), key=label_order) == list(map(Labels, sets))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ("labels", "annotations", "startsAt", "endsAt", "generatorURL", "matchers", "createdBy", "comment", "id", "isRegex")
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=40) | st.builds(orjson.dumps, JSON_VALUES | st.lists(st.dictionaries(FIELDS, JSON_VALUES, max_size=6), max_size=3))
)
def test_whatever_is_posted_is_read_or_refused(body: bytes) -> None:
    """No body is a bug of ours."""
    for read in (read_alerts, read_silence):
        try:
            read(body)
        except TocsinError as error:
            assert str(error)  # noqa: PT017 - that it is one of ours is what is tested


class _Standing:
    def now_ns(self) -> int:
        return START


def _send(app: FastAPI, body: bytes, *, media_type: str = "application/json") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(f"{V2}/alerts", content=body, headers={"Content-Type": media_type})

    return asyncio.run(send())
