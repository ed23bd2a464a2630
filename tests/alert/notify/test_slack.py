"""Slack: attachments, tokens, updates, and texts that bring no markup."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import PAGE, alert, channel, notification
from tests.alert.notify.receivers import Answer, HttpReceiver, http_receiver

from tocsin.alert.page.text import PageText
from tocsin.alert.routing.receivers import Receiver, SlackAction, SlackConfig, SlackField
from tocsin.errors import DeliveryError


def slack(receiver: HttpReceiver, **settings: object) -> Receiver:
    """A receiver with one incoming webhook."""
    config = SlackConfig(api_url=SecretStr(f"{receiver.url}/services/T0/B0/hidden-part"), **settings)  # type: ignore[arg-type]
    return Receiver("team", slack=(config,))


def test_the_page_becomes_an_attachment() -> None:
    """Title, sentences, alerts and links, red while something fires."""
    with http_receiver() as receiver, closing(channel(slack(receiver, channel="#ops"))) as out:
        assert out.send(notification(), PAGE) == "200 OK: ok"
        assert receiver.request.json == {
            "channel": "#ops",
            "username": "Tocsin",
            "attachments": [
                {
                    "title": PAGE.title,
                    "title_link": "https://ops.example",
                    "text": (
                        "At this rate the budget is gone in 21 h.\nSince 02:03 UTC (4 min).\n• instance=a\n• instance=b\n"
                        "<https://runs/checkout?a=1&b=2|Runbook> · Dashboard: board 7"
                    ),
                    "fallback": PAGE.title,
                    "color": "danger",
                    "mrkdwn_in": ["fallback", "pretext", "text"],
                }
            ],
        }


def test_what_ended_is_green() -> None:
    """When nothing fires any more."""
    with http_receiver() as receiver, closing(channel(slack(receiver))) as out:
        out.send(notification(alert(ended=True)), PAGE)
        assert receiver.request.json["attachments"][0]["color"] == "good"


def test_texts_of_others_bring_no_markup() -> None:
    """A label can neither call the whole channel nor disguise a link."""
    page = PageText("<!channel> & <https://evil|here>", ("<@U1>",))
    with http_receiver() as receiver, closing(channel(slack(receiver))) as out:
        out.send(notification(), page)
        attachment = receiver.request.json["attachments"][0]
    assert attachment["title"] == "&lt;!channel&gt; &amp; &lt;https://evil|here&gt;"
    assert attachment["text"] == "&lt;@U1&gt;"


def test_own_texts_fields_and_buttons() -> None:
    """What a configuration says is filled in; a text that can't be falls back to the page."""
    with http_receiver() as receiver:
        own = slack(
            receiver,
            title="{{ .CommonLabels.alertname }}",
            text="{{ .Nope }}",
            fields=(SlackField("Where", "{{ .CommonLabels.service }}"), SlackField("Long", "x", short=False)),
            short_fields=True,
            actions=(SlackAction(type="button", text="Runbook", url="{{ .CommonAnnotations.runbook_url }}"),),
        )
        with closing(channel(own)) as out:
            out.send(notification(), PAGE)
        attachment = receiver.request.json["attachments"][0]
    assert attachment["title"] == "Burns"
    assert attachment["text"].startswith("At this rate")
    assert attachment["fields"] == [
        {"title": "Where", "value": "checkout", "short": True},
        {"title": "Long", "value": "x", "short": False},
    ]
    assert attachment["actions"] == [{"type": "button", "text": "Runbook", "url": "https://runs/checkout"}]


def test_a_plain_message() -> None:
    """With `message_text` there is no attachment."""
    with http_receiver() as receiver, closing(channel(slack(receiver, message_text="{{ .Status }}"))) as out:
        out.send(notification(), PAGE)
        assert receiver.request.json == {"username": "Tocsin", "text": "firing"}


def test_a_token_changes_the_first_message() -> None:
    """The first notification of a group posts, the next ones change that message, and after its end a new one is posted."""
    answer = Answer(200, json.dumps({"ok": True, "channel": "C1", "ts": "17.5"}))
    with http_receiver(answer) as receiver:
        config = SlackConfig(
            app_token=SecretStr("xoxb-hidden"), app_url=f"{receiver.url}/api/chat.postMessage", channel="#ops", update_message=True
        )
        with closing(channel(Receiver("team", slack=(config,)))) as out:
            assert out.send(notification(), PAGE) == "200 OK: message 17.5 in C1"
            out.send(notification(alert("a"), alert("b")), PAGE)
            out.send(notification(alert(ended=True)), PAGE)
            out.send(notification(), PAGE)
        sent = [(request.path, request.json["channel"], request.json.get("ts")) for request in receiver.requests]
        assert receiver.requests[0].headers["authorization"] == "Bearer xoxb-hidden"
    assert sent == [
        ("/api/chat.postMessage", "#ops", None),
        ("/api/chat.update", "C1", "17.5"),
        ("/api/chat.update", "C1", "17.5"),
        ("/api/chat.postMessage", "#ops", None),
    ]


@pytest.mark.parametrize(("error", "lasting"), [("channel_not_found", True), ("ratelimited", False), ("<secret>", True)])
def test_a_refusal_within_a_success_is_one(error: str, lasting: bool) -> None:
    """Slack answers 200 and says `ok: false`."""
    with (
        http_receiver(Answer(200, json.dumps({"ok": False, "error": error}))) as receiver,
        closing(channel(slack(receiver))) as out,
        pytest.raises(DeliveryError, match="Slack refused") as failed,
    ):
        out.send(notification(), PAGE)
    assert failed.value.lasting is lasting


def test_the_address_is_never_shown() -> None:
    """The path of an incoming webhook is its secret."""
    with (
        http_receiver(Answer(404, "no service at /services/T0/B0/hidden-part")) as receiver,
        closing(channel(slack(receiver))) as out,
        pytest.raises(DeliveryError) as failed,
    ):
        out.send(notification(), PAGE)
    assert "hidden-part" not in str(failed.value)
    assert failed.value.lasting
