"""Security and cost signals over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.local_client import LocalClient
from tests.query.conftest import open_world
from tests.query.telemetry import MINUTE, NOW, SpanLine, World

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A client that is refused thirty times, and a call to a model."""
    for world in open_world(tmp_path_factory.mktemp("usage")):
        refused = {"client.address": "6.6.6.6", "http.response.status_code": 401}
        usage = {"gen_ai.request.model": "owl", "gen_ai.usage.input_tokens": 70, "tenant.id": "acme"}
        world.send(
            *(SpanLine("GET", f"{number + 1:x}", at=NOW - MINUTE, kind="server", attributes=refused) for number in range(30)),
            SpanLine("chat", "ff", at=NOW - MINUTE, attributes=usage),
        )
        yield world


@pytest.fixture
def client(world: World) -> LocalClient:
    """Asks a server over it."""
    return LocalClient(create_application(Context(desk=world.desk, clock=ReplayClock(NOW, speed=0))))


def test_security_as_json(client: LocalClient) -> None:
    """Flags, counts, and the rates of false alarms that they have."""
    found = client.get("/api/security").json()
    assert (found["flag"], found["clients"], found["failures"], found["warn_rate"]) == ("WARN", 1, 30, 0.05)
    assert (found["signals"][0]["client"], found["signals"][0]["measures"][0]["name"]) == ("6.6.6.6", "requests")
    assert client.get("/api/security", params={"start": "now-2d"}).json()["error"]["code"] == "invalid_input"
    assert client.get("/api/security", params={"start": "now-20m", "end": "now-10m"}).json()["flag"] == "NO_DATA"


def test_costs_as_json(client: LocalClient) -> None:
    """Rows by tenant, route or model; what has no price is said."""
    found = client.get("/api/costs").json()
    assert {row["name"]: row["usage"]["input_tokens"] for row in found["rows"]} == {"": 0, "acme": 70}
    assert (found["unpriced"], found["total"]["money"]) == ([{"model": "owl", "calls": 1, "input_tokens": 70, "output_tokens": 0}], None)
    assert client.get("/api/costs", params={"by": "model"}).json()["rows"][0]["name"] == "owl"
    assert client.get("/api/costs", params={"by": "weather"}).status_code == 422
