"""PagerDuty and Opsgenie: what triggers is found again by what resolves, and limits of size are kept."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import GROUP_KEY, PAGE, alert, channel, notification
from tests.alert.notify.receivers import Answer, http_receiver

from tocsin.alert.page.text import PageText
from tocsin.alert.routing.receivers import OpsgenieConfig, OpsgenieResponder, PagerdutyConfig, PagerdutyLink, Receiver
from tocsin.errors import DeliveryError
from tocsin.model.notification import NotificationReason

KEY = hashlib.sha256(GROUP_KEY.encode()).hexdigest()
STORY = "Not told before: a notification of 2026-11-20T02:03:00Z: Burns fired at 2026-11-20T02:03:00Z, resolved at 2026-11-20T02:06:00Z"
UNTOLD = replace(notification(alert(ended=True), reason=NotificationReason.ALL_RESOLVED), untold=1, note=STORY)
ROUTING = "0123456789abcdef0123456789abcdef"


def pagerduty(url: str, **settings: object) -> Receiver:
    """A receiver with one integration of PagerDuty."""
    return Receiver("team", pagerduty=(PagerdutyConfig(routing_key=SecretStr(ROUTING), url=f"{url}/v2/enqueue", **settings),))  # type: ignore[arg-type]


def test_trigger_acknowledge_and_resolve_share_a_key() -> None:
    """Whatever happens to a group, PagerDuty finds the same incident."""
    with http_receiver(Answer(202, '{"status":"success"}')) as receiver, closing(channel(pagerduty(receiver.url))) as out:
        assert out.send(notification(), PAGE).startswith("202 Accepted")
        out.send(notification(reason=NotificationReason.ACKNOWLEDGED), PAGE)
        out.send(notification(alert(ended=True)), PAGE)
        events = [request.json for request in receiver.requests]
    assert [(event["event_action"], event["dedup_key"]) for event in events] == [("trigger", KEY), ("acknowledge", KEY), ("resolve", KEY)]
    assert all(event["routing_key"] == ROUTING for event in events)


def test_the_event_holds_the_page() -> None:
    """Summary, source, severity, time, details that are JSON as JSON, and the links of the page."""
    settings = {"severity": "{{ if eq .CommonLabels.severity `page` }}critical{{ else }}info{{ end }}", "class_": "burn"}
    links = (PagerdutyLink("https://own/x", "Own"), PagerdutyLink("javascript:alert(1)", "Evil"))
    with http_receiver(Answer(202)) as receiver, closing(channel(pagerduty(receiver.url, links=links, **settings))) as out:
        out.send(notification(), PAGE)
        event = receiver.request.json
    payload = event["payload"]
    assert payload["summary"] == PAGE.title
    assert (payload["source"], payload["severity"], payload["class"]) == ("Tocsin", "critical", "burn")
    assert payload["timestamp"] == "2026-11-20T02:03:00.000000000Z"
    assert payload["custom_details"]["num_firing"] == 1
    assert payload["custom_details"]["firing"][0]["labels"]["instance"] == "a"
    assert payload["custom_details"]["page"].startswith("At this rate")
    assert event["links"] == [{"href": "https://own/x", "text": "Own"}, {"href": "https://runs/checkout?a=1&b=2", "text": "Runbook"}]
    assert event["client_url"] == "https://ops.example"


def test_large_events_lose_their_details() -> None:
    """PagerDuty takes 512,000 bytes: a megabyte of annotations must not keep the page from going out."""
    with http_receiver(Answer(202)) as receiver, closing(channel(pagerduty(receiver.url))) as out:
        out.send(notification(alert(annotations={"summary": "\0<b>" + "x" * 600_000})), PageText("t" * 5_000))
        out.send(notification(alert(annotations={"summary": "x" * 1_000_000})), PAGE)
        large, huge = receiver.requests
    assert len(large.body) < 512_000
    assert len(large.json["payload"]["summary"]) == 1_024
    assert "left_out" in large.json["payload"]["custom_details"]
    assert huge.json["payload"]["custom_details"]["firing"].startswith("can't be filled in")


def test_the_older_api_is_spoken_with_a_service_key() -> None:
    """An integration of the kind Prometheus has another address and other names."""
    with http_receiver() as receiver:
        config = PagerdutyConfig(service_key=SecretStr("service-key-1"), url=f"{receiver.url}/generic")
        with closing(channel(Receiver("team", pagerduty=(config,)))) as out:
            out.send(notification(alert(ended=True)), PAGE)
        event = receiver.request.json
    assert (event["service_key"], event["event_type"], event["incident_key"]) == ("service-key-1", "resolve", KEY)
    assert event["details"]["num_resolved"] == 1


@pytest.mark.parametrize("older_api", [False, True])
def test_what_nobody_was_told_is_triggered_before_it_is_resolved(older_api: bool) -> None:
    """A group that began and ended while PagerDuty could not be reached: a resolve alone would be dropped, and nobody would ever know."""
    with http_receiver() as receiver:
        old = PagerdutyConfig(service_key=SecretStr("service-key-1"), url=f"{receiver.url}/generic")
        with closing(channel(Receiver("team", pagerduty=(old,)) if older_api else pagerduty(receiver.url))) as out:
            out.send(UNTOLD, PAGE)
        events = [request.json for request in receiver.requests]
    action, key = ("event_type", "incident_key") if older_api else ("event_action", "dedup_key")
    assert [(event[action], event[key]) for event in events] == [("trigger", KEY), ("resolve", KEY)]
    called = [event["description"] if older_api else event["payload"]["summary"] for event in events]
    assert called[0].endswith(STORY)
    assert STORY not in called[1]


def test_what_still_fires_is_not_resolved_for_what_was_not_told() -> None:
    """Earlier notifications that nobody saw change nothing while something fires: one trigger."""
    with http_receiver() as receiver, closing(channel(pagerduty(receiver.url))) as out:
        out.send(replace(notification(), untold=2, note=STORY), PAGE)
        assert receiver.request.json["event_action"] == "trigger"


def test_a_trigger_that_is_refused_leaves_nothing_resolved() -> None:
    """The next attempt sends both again: a resolve without its trigger would be dropped."""
    answers = (Answer(503), Answer(202))
    with http_receiver(*answers) as receiver, closing(channel(pagerduty(receiver.url))) as out:
        with pytest.raises(DeliveryError):
            out.send(UNTOLD, PAGE)
        out.send(UNTOLD, PAGE)
        actions = [request.json["event_action"] for request in receiver.requests]
    assert actions == ["trigger", "trigger", "resolve"]


@pytest.mark.parametrize(("status", "lasting"), [(400, True), (403, True), (429, False), (500, False)])
def test_refusals_of_pagerduty(status: int, lasting: bool) -> None:
    """A bad key is never tried again, a limit of rate is; the key is not shown."""
    with (
        http_receiver(Answer(status, f"Invalid key {ROUTING}")) as receiver,
        closing(channel(pagerduty(receiver.url))) as out,
        pytest.raises(DeliveryError) as failed,
    ):
        out.send(notification(), PAGE)
    assert failed.value.lasting is lasting
    assert ROUTING not in str(failed.value)


def opsgenie(url: str, **settings: object) -> Receiver:
    """A receiver with one integration of Opsgenie."""
    return Receiver("team", opsgenie=(OpsgenieConfig(api_key=SecretStr("genie-key-1"), api_url=url, **settings),))  # type: ignore[arg-type]


def test_opsgenie_creates_and_closes_under_one_alias() -> None:
    """The alias is a hash of the group's key."""
    responders = (
        OpsgenieResponder("team", name="{{ .CommonLabels.service }}"),
        OpsgenieResponder("user", username="{{ .CommonLabels.no }}"),
    )
    settings = {"tags": "a, {{ .Status }},", "details": {"more": "{{ .Receiver }}"}, "responders": responders}
    with http_receiver(Answer(202)) as receiver, closing(channel(opsgenie(receiver.url, **settings))) as out:
        out.send(notification(), PageText("x" * 500, severity="P1"))
        out.send(notification(alert(ended=True)), PAGE)
        created, closed = receiver.requests
    assert created.path == "/v2/alerts"
    assert created.headers["authorization"] == "GenieKey genie-key-1"
    body = created.json
    assert (body["alias"], len(body["message"]), body["priority"]) == (KEY, 130, "P1")
    assert body["tags"] == ["a", "firing"]
    assert body["responders"] == [{"type": "team", "name": "checkout"}]
    assert body["details"] == {"alertname": "Burns", "instance": "a", "service": "checkout", "severity": "page", "more": "team"}
    assert closed.path == f"/v2/alerts/{KEY}/close?identifierType=alias"


def test_opsgenie_changes_an_alert_where_asked() -> None:
    """With `update_alerts` message and description follow."""
    with http_receiver(Answer(202)) as receiver, closing(channel(opsgenie(receiver.url, update_alerts=True))) as out:
        out.send(notification(), PAGE)
        paths = [(request.method, request.path) for request in receiver.requests]
    assert paths == [
        ("POST", "/v2/alerts"),
        ("PUT", f"/v2/alerts/{KEY}/message?identifierType=alias"),
        ("PUT", f"/v2/alerts/{KEY}/description?identifierType=alias"),
    ]


def test_opsgenie_creates_what_nobody_was_told_before_it_closes_it() -> None:
    """An alias without an alert can't be closed: the alert is created with its story, then closed."""
    with http_receiver(Answer(202)) as receiver, closing(channel(opsgenie(receiver.url))) as out:
        out.send(UNTOLD, PAGE)
        created, closed = receiver.requests
    assert created.path == "/v2/alerts"
    assert created.json["alias"] == KEY
    assert created.json["description"].startswith(STORY)
    assert closed.path == f"/v2/alerts/{KEY}/close?identifierType=alias"
