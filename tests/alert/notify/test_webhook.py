"""Webhooks: the very payload, what answers mean, and that no secret leaves."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import GROUP_KEY, PAGE, StillClock, alert, channel, notification
from tests.alert.notify.receivers import Answer, HttpReceiver, http_receiver
from tests.collect.certificate import CERTIFICATE, wrap_in_tls

from tocsin.alert.routing.receivers import Authorization, BasicAuth, HttpConfig, OAuth2, Receiver, TlsConfig, WebhookConfig
from tocsin.errors import DeliveryError
from tocsin.model.notification import NotificationReason

SECRET = "tok-3141592653"


def webhook(receiver: HttpReceiver, path: str = "/hook", **settings: object) -> Receiver:
    """A receiver with one webhook."""
    config = WebhookConfig(SecretStr(f"{receiver.url}{path}"), **settings)  # type: ignore[arg-type]
    return Receiver("team", webhook=(config,))


def test_the_payload_is_alertmanagers() -> None:
    """Version 4 of the JSON, with our key, reason and page beside it, and the key as a header."""
    told = notification(alert("a"), alert("b", ended=True), reason=NotificationReason.NEW_ALERTS, truncated=3)
    with http_receiver() as receiver, closing(channel(webhook(receiver))) as hook:
        assert hook.send(told, PAGE) == "200 OK: ok"
        request = receiver.request
    firing = {
        "status": "firing",
        "labels": {"alertname": "Burns", "instance": "a", "service": "checkout", "severity": "page"},
        "annotations": {"runbook_url": "https://runs/checkout", "summary": "a burns"},
        "startsAt": "2026-11-20T02:03:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://tocsin/rules?x=1",
        "fingerprint": alert("a").fingerprint,
    }
    ended = {
        **firing,
        "status": "resolved",
        "labels": {**firing["labels"], "instance": "b"},  # type: ignore[dict-item]
        "annotations": {"runbook_url": "https://runs/checkout", "summary": "b burns"},
        "endsAt": "2026-11-20T02:06:00Z",
        "fingerprint": alert("b").fingerprint,
    }
    assert request.json == {
        "receiver": "team",
        "status": "firing",
        "alerts": [firing, ended],
        "notification_reason": "new alerts added",
        "groupLabels": {"alertname": "Burns"},
        "commonLabels": {"alertname": "Burns", "service": "checkout", "severity": "page"},
        "commonAnnotations": {"runbook_url": "https://runs/checkout"},
        "externalURL": "https://ops.example",
        "version": "4",
        "groupKey": GROUP_KEY,
        "truncatedAlerts": 3,
        "notification_key": "key-1",
        "page": {
            "title": PAGE.title,
            "lines": list(PAGE.lines),
            "alerts": ["instance=a", "instance=b"],
            "links": [
                {"kind": "runbook", "label": "Runbook", "url": "https://runs/checkout?a=1&b=2"},
                {"kind": "dashboard", "label": "Dashboard: board 7", "url": ""},
            ],
            "severity": "P1",
        },
    }
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["content-type"] == "application/json"


def test_alerts_are_cut_and_the_rest_is_counted() -> None:
    """`max_alerts` bounds the payload; what is left out is added to what was left out before."""
    told = notification(*(alert(str(index)) for index in range(5)), truncated=2)
    with http_receiver() as receiver, closing(channel(webhook(receiver, max_alerts=2))) as hook:
        hook.send(told, PAGE)
        assert len(receiver.request.json["alerts"]) == 2
        assert receiver.request.json["truncatedAlerts"] == 5


def test_the_address_and_a_payload_of_ones_own_are_templates() -> None:
    """Texts in a payload of one's own are filled in, other values stay; so is the address."""
    payload = {"text": "{{ .Page.Title }}", "list": ["{{ .Status }}", 5], "deep": {"on": True}}
    with http_receiver() as receiver, closing(channel(webhook(receiver, "/{{ .Receiver }}", payload=payload))) as hook:
        hook.send(notification(), PAGE)
        assert receiver.request.path == "/team"
        assert receiver.request.json == {"text": PAGE.title, "list": ["firing", 5], "deep": {"on": True}}


@pytest.mark.parametrize(
    ("answer", "lasting", "retry_after_s"),
    [
        (Answer(500, "broken"), False, None),
        (Answer(503, "", {"Retry-After": "120"}), False, 120.0),
        (Answer(429, "slow", {"Retry-After": "Fri, 20 Nov 2026 02:08:30 GMT"}), False, 90.0),
        (Answer(429, "", {"Retry-After": "99999999"}), False, 3600.0),
        (Answer(429, "", {"Retry-After": "soon"}), False, None),
        (Answer(408), False, None),
        (Answer(400, "bad"), True, None),
        (Answer(404, "", {"Retry-After": "5"}), True, None),
        (Answer(410), True, None),
        (Answer(302, "", {"Location": "http://elsewhere.example/x"}), True, None),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else None,
)
def test_answers_say_whether_to_try_again(answer: Answer, lasting: bool, retry_after_s: float | None) -> None:
    """Servers in trouble and those that want less are asked again; whoever refuses is not. Redirects are not followed."""
    with http_receiver(answer) as receiver, closing(channel(webhook(receiver))) as hook:
        with pytest.raises(DeliveryError) as failed:
            hook.send(notification(), PAGE)
        assert len(receiver.requests) == 1
    assert failed.value.lasting is lasting
    assert failed.value.retry_after_s == retry_after_s
    assert str(answer.status) in str(failed.value)


def test_nobody_there_is_tried_again() -> None:
    """A refused connection passes by itself."""
    with http_receiver() as receiver:
        pass
    with closing(channel(webhook(receiver))) as hook, pytest.raises(DeliveryError, match=r"127\.0\.0\.1 can't be reached") as failed:
        hook.send(notification(), PAGE)
    assert not failed.value.lasting


def test_an_answer_shows_no_secret_and_little() -> None:
    """A receiver that sends back what it got, at length, brings neither the token nor the address into the error."""
    echo = Answer(400, f"path /hooks/{SECRET}?key=abcdef99 token {SECRET} " + "x" * 50_000)
    config = HttpConfig(authorization=Authorization("Bearer", SecretStr(SECRET)))
    with http_receiver(echo) as receiver, closing(channel(webhook(receiver, f"/hooks/{SECRET}?key=abcdef99", http_config=config))) as hook:
        with pytest.raises(DeliveryError) as failed:
            hook.send(notification(), PAGE)
        assert receiver.request.headers["authorization"] == f"Bearer {SECRET}"
    said = str(failed.value)
    assert SECRET not in said
    assert "abcdef99" not in said
    assert len(said) < 300
    assert SECRET not in repr(failed.value.__cause__) + repr(failed.value.__context__)


def test_users_and_headers_are_sent() -> None:
    """Basic authentication, and headers of one's own."""
    config = HttpConfig(basic_auth=BasicAuth("ana", SecretStr("pass")), http_headers={"X-Own": (SecretStr("one"),)})
    with http_receiver() as receiver, closing(channel(webhook(receiver, http_config=config))) as hook:
        hook.send(notification(), PAGE)
        assert receiver.request.headers["authorization"] == "Basic YW5hOnBhc3M="
        assert receiver.request.headers["x-own"] == "one"


def test_oauth2_tokens_are_fetched_once_and_renewed() -> None:
    """A token is used until it ends, then another is fetched."""
    clock = StillClock()
    token = Answer(200, json.dumps({"access_token": "granted-token", "expires_in": 3600}))
    with http_receiver(token) as issuer, http_receiver() as receiver:
        config = HttpConfig(oauth2=OAuth2("me", SecretStr("client-secret"), f"{issuer.url}/token", ("send",)))
        with closing(channel(webhook(receiver, http_config=config), clock=clock)) as hook:
            hook.send(notification(), PAGE)
            hook.send(notification(), PAGE)
            clock.seconds = 3600
            hook.send(notification(), PAGE)
        assert len(issuer.requests) == 2
        assert b"grant_type=client_credentials" in issuer.requests[0].body
        assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer granted-token"}


def test_certificates_are_checked(tmp_path: Path) -> None:
    """A server that nobody vouches for is not told anything; with its certificate it is."""
    with http_receiver(wrap=wrap_in_tls(tmp_path)) as receiver:
        with closing(channel(webhook(receiver))) as hook, pytest.raises(DeliveryError, match="can't be reached"):
            hook.send(notification(), PAGE)
        trusting = HttpConfig(tls_config=TlsConfig(ca=CERTIFICATE))
        with closing(channel(webhook(receiver, http_config=trusting))) as hook:
            assert hook.send(notification(), PAGE) == "200 OK: ok"


def test_hostile_texts_arrive_as_they_are() -> None:
    """Markup, a megabyte, control characters and half characters are texts like any other in JSON."""
    text = "<script>{{ evil }}</script>\0\ud800" + "x" * 1_000_000
    with http_receiver() as receiver, closing(channel(webhook(receiver))) as hook:
        hook.send(notification(alert(annotations={"summary": text})), PAGE)
        found = receiver.request.json["alerts"][0]["annotations"]["summary"]
    assert found == text.replace("\ud800", "?")


def test_a_template_that_fails_in_an_address_is_lasting() -> None:
    """Nobody knows where to send, and the next try would not know either; the address itself is not shown."""
    with http_receiver() as receiver, closing(channel(webhook(receiver, f"/{SECRET}/{{{{ .Nope }}}}"))) as hook:
        with pytest.raises(DeliveryError, match="url is a template that can't be filled in") as failed:
            hook.send(notification(), PAGE)
        assert failed.value.lasting
        assert SECRET not in str(failed.value)
        assert not receiver.requests


def test_a_channel_that_is_closed_ends_what_it_began() -> None:
    """A configuration that is replaced while a page goes out neither breaks it nor loses the next one."""
    arrived, go_on = threading.Event(), threading.Event()
    answers: list[str] = []

    def hold() -> None:
        arrived.set()
        go_on.wait(10)

    with http_receiver() as receiver:
        receiver.before_answer = hold
        hook = channel(webhook(receiver))
        sender = threading.Thread(target=lambda: answers.append(hook.send(notification(), PAGE)))
        sender.start()
        assert arrived.wait(10)
        hook.close()
        go_on.set()
        sender.join(10)
        assert answers == ["200 OK: ok"]
        with pytest.raises(DeliveryError, match="just replaced") as failed:
            hook.send(notification(), PAGE)
        assert not failed.value.lasting
