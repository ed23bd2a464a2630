"""Forwarding: an Alertmanager gets from us what a Prometheus would send it."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from tests.alert.pipeline.builders import MINUTE, SECOND, START, VirtualClock
from tests.state.alert_builders import alert

from tocsin.alert.pipeline.forward import BATCH_MAX, QUEUE_MAX, Forwarder, Target
from tocsin.errors import ConfigError
from tocsin.model.alert import Alert
from tocsin.model.instant import format_instant
from tocsin.model.labels import Labels


class Alertmanager:
    """Takes what it is sent; `answer` is a status, or None when nobody answers."""

    def __init__(self) -> None:
        self.answer: int | None = 200
        self.got: list[list[dict[str, Any]]] = []
        self.url = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """As a transport of httpx asks it."""
        self.url = str(request.url)
        if self.answer is None:
            raise httpx.ConnectError("refused")
        self.got.append(json.loads(request.content))
        return httpx.Response(self.answer, text="bad labels")

    def target(self, clock: VirtualClock, url: str = "http://am.example:9093") -> Target:
        """A target that reaches it; alerts end after four minutes."""
        return Target(httpx.URL(url), clock, 240, httpx.Client(transport=httpx.MockTransport(self)))


@pytest.fixture
def alertmanager() -> Alertmanager:
    """Takes everything."""
    return Alertmanager()


@pytest.fixture
def forwarder(alertmanager: Alertmanager, clock: VirtualClock) -> Forwarder:
    """Resends every minute, for rules of every thirty seconds; adds a cluster."""
    made = Forwarder([], clock=clock, resend_s=60, interval_s=30, external_labels={"cluster": "eu", "service": "external"})
    made._targets = [alertmanager.target(clock, "http://ada:hunter2@am.example:9093/prefix/")]
    return made


def sent(forwarder: Forwarder, alertmanager: Alertmanager, alerts: list[Alert], at: int) -> list[dict[str, Any]]:
    """What arrives when rules say these."""
    clock = forwarder._targets[0]._clock
    assert isinstance(clock, VirtualClock)
    clock.now = at
    forwarder.put(alerts, at)
    alertmanager.got.clear()
    while forwarder._targets[0].send():
        pass
    return [each for batch in alertmanager.got for each in batch]


def test_a_firing_alert_ends_by_itself_unless_it_is_said_again(forwarder: Forwarder, alertmanager: Alertmanager) -> None:
    """Its end lies four resends ahead, its own labels win over external ones, the path is Alertmanager's."""
    (found,) = sent(forwarder, alertmanager, [alert(starts_at=START)], START)
    assert found == {
        "labels": {"alertname": "CheckoutBurns", "cluster": "eu", "service": "checkout", "severity": "page"},
        "annotations": {"summary": "it burns"},
        "startsAt": format_instant(START),
        "endsAt": format_instant(START + 4 * MINUTE),
        "generatorURL": "http://here/",
    }
    assert alertmanager.url.endswith("am.example:9093/prefix/api/v2/alerts")


def test_it_is_sent_on_a_change_and_at_every_resend(forwarder: Forwarder, alertmanager: Alertmanager) -> None:
    """What was just sent is not sent again; an end is sent at once and for fifteen minutes; a new beginning, too."""
    firing, ended = alert(starts_at=START), alert(starts_at=START, ends_at=START + 70 * SECOND)
    times = [(firing, 0), (firing, 15), (firing, 60), (ended, 70), (ended, 85), (ended, 130), (ended, 960), (ended, 1000), (firing, 1001)]
    counts = [len(sent(forwarder, alertmanager, [each], START + second * SECOND)) for each, second in times]
    assert counts == [1, 0, 1, 1, 0, 1, 1, 0, 1]


def test_a_full_queue_drops_the_oldest(clock: VirtualClock, alertmanager: Alertmanager, caplog: pytest.LogCaptureFixture) -> None:
    """Counted and said; batches are bounded."""
    target = alertmanager.target(clock)
    target.put([alert(labels=Labels({"alertname": str(number)})) for number in range(QUEUE_MAX + 5)])
    assert (target.queued, target.dropped) == (QUEUE_MAX, 5)
    assert "5 alerts were dropped" in caplog.text
    assert target.send() == BATCH_MAX
    assert alertmanager.got[0][0]["labels"]["alertname"] == "5"
    assert target.sent == BATCH_MAX


def test_a_target_that_is_away_is_said_now_and_then(
    forwarder: Forwarder, alertmanager: Alertmanager, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What it did not get is counted, not tried again by itself; its password is never shown."""
    alertmanager.answer = None
    with caplog.at_level(logging.WARNING):
        for minute in range(7):
            clock.now = START + minute * MINUTE
            assert sent(forwarder, alertmanager, [alert()], clock.now) == []
    assert caplog.text.count("can't be reached") == 2
    alertmanager.answer = 400
    sent(forwarder, alertmanager, [alert()], START + 8 * MINUTE)
    assert forwarder.statistics().failed == {"am.example:9093": 8}
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("wrong", ["am:9093", "", "ftp://am", "http://", "http://[::1"])
def test_an_address_that_is_none_is_refused(clock: VirtualClock, wrong: str) -> None:
    """The option is named."""
    with pytest.raises(ConfigError, match="expected the address of an Alertmanager"):
        Forwarder([wrong], clock=clock, resend_s=60, interval_s=60)


def test_threads_send_what_is_queued_before_they_stop(alertmanager: Alertmanager, clock: VirtualClock) -> None:
    """A clean stop loses nothing."""
    target = alertmanager.target(clock)
    target.start()
    target.put([alert()])
    target.stop()
    target.stop()
    assert target.sent == 1


def test_many_alerts_are_looked_through_once(clock: VirtualClock) -> None:
    """Forty thousand alerts are taken again and again without going through all of them for each; without a target they cost nothing."""
    labels = [Labels({"alertname": "Flood", "pod": str(number)}) for number in range(40_000)]
    alerts = [Alert(one, starts_at=START, source="rule") for one in labels]
    forwarder = Forwarder(["http://127.0.0.1:9"], clock=clock, resend_s=60, interval_s=15)
    for _ in range(3):
        forwarder.put(alerts, clock.now)
        clock.advance(seconds=60)
    counts = forwarder.statistics()
    assert counts.queued == {"127.0.0.1:9": 10_000}
    assert counts.dropped == {"127.0.0.1:9": 110_000}
    nobody = Forwarder([], clock=clock, resend_s=60, interval_s=15)
    nobody.put(alerts, clock.now)
    assert nobody.statistics().sent == {}
