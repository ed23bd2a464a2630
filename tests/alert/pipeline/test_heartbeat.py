"""The heartbeat: sent while people would be told, withheld with a reason otherwise."""

from __future__ import annotations

import logging

import httpx
import pytest
from tests.alert.pipeline.builders import VirtualClock

from tocsin.alert.pipeline.heartbeat import Beat, Heartbeat
from tocsin.errors import ConfigError

URL = "https://ping.example/secret-token"


class Outside:
    """The service outside; `answer` is a status, or None when nobody answers."""

    def __init__(self) -> None:
        self.answer: int | None = 200
        self.calls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """As a transport of httpx asks it."""
        self.calls.append(str(request.url))
        if self.answer is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.answer)

    def client(self) -> httpx.Client:
        """A client that reaches it."""
        return httpx.Client(transport=httpx.MockTransport(self))


def test_it_is_withheld_when_nobody_would_be_told(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    """Stale rules, a stuck outbox, or a judgement that fails: no call, and the reason is known; the address is never shown."""
    outside = Outside()
    rules, outbox = [True], [True]

    def outbox_works() -> bool:
        if not outbox:
            raise KeyError
        return outbox[0]

    heart = Heartbeat(URL, 60, clock=clock, rules_run=lambda: rules[0], outbox_works=outbox_works, client=outside.client())
    with caplog.at_level(logging.INFO, logger="tocsin.alert.pipeline.heartbeat"):
        assert heart.beat() is Beat.SENT
        rules[0] = False
        assert heart.beat() is Beat.RULES_STALE
        rules[0], outbox[0] = True, False
        assert heart.beat() is Beat.OUTBOX_STUCK
        outbox.clear()
        assert heart.beat() is Beat.OUTBOX_STUCK
        assert outside.calls == [URL]
        outbox.append(True)
        outside.answer = 500
        assert heart.beat() is Beat.FAILED
        outside.answer = None
        assert heart.beat() is Beat.FAILED
    assert heart.statistics().beats == {"sent": 1, "rules_stale": 1, "outbox_stuck": 2, "failed": 2}
    assert heart.statistics().last == "failed"
    assert "secret-token" not in caplog.text
    assert "withheld: rules_stale" in caplog.text


def test_an_address_that_is_none_is_refused(clock: VirtualClock) -> None:
    """The option is named, what was given is not repeated."""
    with pytest.raises(ConfigError, match="expected an address") as caught:
        Heartbeat("ping.example/secret", 60, clock=clock, rules_run=lambda: True, outbox_works=lambda: True)
    assert caught.value.key == "alert.heartbeat_url"
    assert "secret" not in str(caught.value)
