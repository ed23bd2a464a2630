"""Handing alerts on to an Alertmanager."""

from __future__ import annotations

import httpx
import pytest
from tests.alert.notify.builders import NOW, alert
from tests.alert.notify.receivers import Answer, http_receiver

from tocsin.alert.notify.alertmanager import post_alerts
from tocsin.errors import DeliveryError


@pytest.mark.parametrize("path", ["", "/", "/api/v2/alerts"])
def test_alerts_are_posted_as_prometheus_does(path: str) -> None:
    """A firing alert ends ahead, an ended one when it did."""
    with http_receiver() as receiver, httpx.Client(trust_env=False) as client:
        assert post_alerts(client, receiver.url + path, [alert("a"), alert("b", ended=True)], NOW, 240) == "200 OK"
        request = receiver.request
    assert request.path == "/api/v2/alerts"
    firing, ended = request.json
    assert firing == {
        "labels": {"alertname": "Burns", "instance": "a", "service": "checkout", "severity": "page"},
        "annotations": {"summary": "a burns", "runbook_url": "https://runs/checkout"},
        "startsAt": "2026-11-20T02:03:00.000000000Z",
        "endsAt": "2026-11-20T02:11:00.000000000Z",
        "generatorURL": "https://tocsin/rules?x=1",
    }
    assert ended["endsAt"] == "2026-11-20T02:06:00.000000000Z"


@pytest.mark.parametrize(("status", "lasting"), [(400, True), (500, False), (429, False)])
def test_refusals(status: int, lasting: bool) -> None:
    """What is malformed will be so again; a password in the address is not shown."""
    with (
        http_receiver(Answer(status, "no: pass-word-1")) as receiver,
        httpx.Client(trust_env=False) as client,
        pytest.raises(DeliveryError, match=str(status)) as failed,
    ):
        post_alerts(client, receiver.url.replace("//", "//me:pass-word-1@"), [alert()], NOW, 240)
    assert failed.value.lasting is lasting
    assert "pass-word-1" not in str(failed.value)
