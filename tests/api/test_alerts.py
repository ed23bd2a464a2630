"""Alerts, notifications and silences by our own API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.alert.pipeline.builders import START
from tests.api.alert_house import AlertHouse
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient
from tests.state.alert_builders import attempt

from tocsin.alert.desk_records import PostedAlert
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.model.notification import DeliveryState

PATHS = (
    "/api/alerts", "/api/alerts/0", "/api/alert-groups", "/api/alert-events", "/api/notifications", "/api/notifications/0", "/api/silences",
    "/api/silences/0", "/api/receivers", "/api/alerting",
)  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AlertHouse]:
    """Two alerts of which one inhibits the other, told to the team."""
    with AlertHouse(tmp_path) as found:
        labels = {"service": "shop", "zone": "eu"}
        out = PostedAlert({**labels, "alertname": "Out", "severity": "page"}, {"summary": "out"}, generator_url="http://x/y")
        slow = PostedAlert({**labels, "alertname": "Slow", "severity": "warning"})
        found.desk.post([out, slow])
        found.let_pass(3)
        yield found


@pytest.fixture
def client(house: AlertHouse) -> LocalClient:
    """Asks an application over it."""
    return LocalClient(house.application())


def names(client: LocalClient, **parameters: str) -> list[str]:
    """Of the alerts that are found."""
    return sorted(alert["name"] for alert in client.get("/api/alerts", params=parameters).json())


def silence(client: LocalClient, *matchers: str, **more: Any) -> Any:
    """What comes of an order for a silence."""
    order = {"matchers": list(matchers), "lasting": "2h", "author": "ana", "comment": "moving", **more}
    return client.post("/api/silences", json={name: value for name, value in order.items() if value is not None}).json()


def test_an_alert_says_what_becomes_of_it(client: LocalClient) -> None:
    """How bad, since when, who is told; the same by its fingerprint."""
    (out,) = client.get("/api/alerts", params={"match": "alertname=Out"}).json()
    assert (out["name"], out["severity"], out["level"], out["quiet"]) == ("Out", "page", "P1", None)
    assert (out["receivers"], out["starts_at"]) == (["pager", "team"], "2026-09-21T14:13:20.000000000Z")
    assert client.get(f"/api/alerts/{out['fingerprint']}").json() == out


def test_alerts_are_found_by_labels_and_by_what_keeps_them_quiet(client: LocalClient) -> None:
    """In Alertmanager's notation."""
    assert names(client, match='service="shop",zone=~"e.*"') == ["Out", "Slow"]
    assert names(client, match="service!=shop") == []
    silence(client, 'alertname="Slow"')
    assert (names(client, quiet="true"), names(client, quiet="false")) == (["Slow"], ["Out"])
    assert names(client, receiver="pag.*") == ["Out"]
    assert client.get("/api/alerts", params={"match": "{a"}).json()["error"]["code"] == "parse_error"


def test_groups_say_when_they_were_told(client: LocalClient) -> None:
    """And when they are looked at next."""
    groups = {(group["receiver"], group["key"]): group for group in client.get("/api/alert-groups").json()}
    told = next(group for (receiver, _), group in groups.items() if receiver == "team" and group["labels"] == {"service": "shop"})
    assert (told["told_at"] is not None, told["next_look_at"] > told["began_at"]) == (True, True)
    assert [alert["name"] for alert in told["alerts"]] == ["Out"]
    assert next(group for (receiver, _), group in groups.items() if receiver == "pager")["told_at"] is None


def test_notifications_have_their_attempts(house: AlertHouse, client: LocalClient) -> None:
    """With what the receiver answered."""
    pending = client.get("/api/notifications", params={"state": "pending"}).json()
    shown = next(one for one in pending if one["group_labels"] == {"service": "shop"})
    assert (shown["receiver"], shown["channel"], shown["reason"]) == ("team", "webhook/0", "first_notification")
    assert (shown["firing"], shown["resolved"], shown["alerts"], shown["attempts"]) == (1, 0, ["Out"], [])
    house.state.alerting.outbox.record(
        replace(attempt(shown["key"]), outcome="delivered", detail="200: fine"), DeliveryState.DELIVERED, START
    )
    one = client.get(f"/api/notifications/{shown['key']}").json()
    assert (one["state"], one["attempts"][0]["detail"], one["next_attempt_at"]) == ("delivered", "200: fine", None)
    assert client.get("/api/notifications", params={"group_key": "none"}).json() == []
    assert client.get("/api/notifications", params={"end": "2020-01-01"}).json() == []


def test_events_are_kept(client: LocalClient) -> None:
    """Beginnings and ends, of all or of one."""
    events = client.get("/api/alert-events").json()
    assert [(event["kind"], event["labels"]["alertname"]) for event in events] == [("fired", "Out"), ("fired", "Slow")]
    assert len(client.get("/api/alert-events", params={"fingerprint": events[0]["fingerprint"]}).json()) == 1


def test_a_silence_is_entered_changed_and_ended(client: LocalClient) -> None:
    """It says which alerts it keeps quiet."""
    made = silence(client, 'service="shop"', "zone=~e.*")
    assert (made["state"], made["matchers"], made["author"]) == ("active", ['service="shop"', 'zone=~"e.*"'], "ana")
    assert (made["ends_at"], len(made["alerts"])) == ("2026-09-21T16:13:23.000000000Z", 2)
    longer = silence(client, *made["matchers"], id=made["id"], lasting="3h")
    assert (longer["id"], longer["ends_at"]) == (made["id"], "2026-09-21T17:13:23.000000000Z")
    assert [one["id"] for one in client.get("/api/silences", params={"match": "service=shop"}).json()] == [made["id"]]
    ended = client.post(f"/api/silences/{made['id']}/expire", json={"author": "bob"}).json()
    assert (ended["state"], client.get("/api/silences").json()) == ("expired", [])
    assert len(client.get("/api/silences", params={"expired": "true"}).json()) == 1
    assert client.post(f"/api/silences/{made['id']}/expire", json={"author": "bob"}).json()["error"]["code"] == "conflict"


def test_what_is_wrong_with_a_silence_is_said(client: LocalClient) -> None:
    """Matchers that don't read, no end, two ends, everything."""
    assert silence(client, "{a")["error"]["code"] == "parse_error"
    assert "either until when" in silence(client, "a=b", lasting=None)["error"]["message"]
    assert "either until when" in silence(client, "a=b", end="2027-01-01")["error"]["message"]
    assert "matches a missing label" in silence(client, "a=~.*")["error"]["message"]
    assert silence(client, "a=b", author=" ")["error"]["code"] == "invalid_input"
    assert silence(client, "a=b", lasting="200000d")["error"]["code"] == "invalid_input"


def test_a_receiver_is_tried(client: LocalClient) -> None:
    """Each of its channels is told; one without any is refused."""
    assert [(one["name"], one["channels"]) for one in client.get("/api/receivers").json()] == [("team", ["webhook/0"]), ("pager", [])]
    (made,) = client.post("/api/receivers/team/test", json={"author": "ana"}).json()
    assert (made["reason"], made["channel"], made["alerts"], made["state"]) == ("test", "webhook/0", ["TocsinTest"], "pending")
    for name, words in (("pager", "no channel"), ("teem", "did you mean 'team'")):
        answer = client.post(f"/api/receivers/{name}/test", json={})
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (404, True)


def test_the_state_of_alerting_is_told(client: LocalClient) -> None:
    """How many alerts, how many wait, what is in force."""
    status = client.get("/api/alerting").json()
    assert (status["alerts"], status["outbox"]["pending"] > 0, "receiver: pager" in status["config"]) == (2, True, True)


@pytest.mark.parametrize("path", PATHS)
def test_without_alerts_each_route_says_so(house: AlertHouse, path: str) -> None:
    """A desk alone evaluates nothing."""
    app = create_application(Context(desk=cast("Any", FakeDesk()), clock=house.clock), hosts={"localhost"})
    assert "no alerts behind this server" in LocalClient(app).get(path).json()["error"]["message"]


def test_times_at_the_ends_of_time_are_refused(client: LocalClient) -> None:
    """In a sentence, whatever is added to what."""
    for lasting in ("100000d", "106751d"):
        assert silence(client, "a=b", start=str(START // 10**9), lasting=lasting).keys() & {"error", "id"}
