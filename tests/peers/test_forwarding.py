"""Alerts of our rules arrive in a real Alertmanager as those of a Prometheus would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.peers.alertmanager import Alertmanager
from tests.spine.server import wait_until
from tests.state.alert_builders import alert

from tocsin.alert.pipeline.forward import Forwarder
from tocsin.clock import RealClock
from tocsin.model.instant import NANOSECONDS, parse_instant

CONFIGURATION = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@pytest.mark.slow
def test_an_alertmanager_knows_what_fires_and_what_has_ended(tmp_path: Path) -> None:
    """It has the alert with external labels until four resends ahead, and no longer once its end was forwarded."""
    clock = RealClock()
    with Alertmanager(tmp_path, CONFIGURATION) as peer:
        forwarder = Forwarder([f"{peer.url}/"], clock=clock, resend_s=60, interval_s=15, external_labels={"cluster": "eu"})
        forwarder.start()
        try:
            now = clock.now_ns()
            firing = alert(starts_at=now - 5 * NANOSECONDS)
            forwarder.put([firing], now)
            wait_until(lambda: bool(peer.get("alerts")), timeout_s=20, what="the alert to arrive")
            (found,) = peer.get("alerts")
            forwarder.put([replace(firing, ends_at=clock.now_ns())], clock.now_ns())
            wait_until(lambda: not peer.get("alerts"), timeout_s=20, what="its end to arrive")
        finally:
            forwarder.stop()
    assert found["labels"] == {**dict(firing.labels), "cluster": "eu"}
    assert (found["annotations"], found["generatorURL"]) == (dict(firing.annotations), firing.generator_url)
    assert abs(_instant(found["startsAt"]) - firing.starts_at) < NANOSECONDS
    assert 235 < (_instant(found["endsAt"]) - now) / NANOSECONDS < 265
    assert list(forwarder.statistics().sent.values()) == [2]


def _instant(text: Any) -> int:
    assert isinstance(text, str)
    return parse_instant(text)
