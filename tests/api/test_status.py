"""Probes, metrics and the status page."""

from __future__ import annotations

from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.readiness import Dependency, Readiness
from tocsin.clock import ReplayClock
from tocsin.journal.statistics import JournalStatistics, LaneStatistics
from tocsin.model.signal import Signal


def _client(*dependencies: Dependency) -> LocalClient:
    context = Context(
        desk=FakeDesk(),
        clock=ReplayClock(0, speed=0),
        options={"server": {"http": "127.0.0.1:4318"}},
        statistics={"journal": lambda: JournalStatistics({Signal.LOGS: LaneStatistics(acknowledged_records=2)}, 0, 0, 0, None)},
        readiness=lambda: Readiness.of(list(dependencies)),
    )
    return LocalClient(create_application(context))


def test_alive_is_all_that_health_says() -> None:
    """/healthz answers whatever else is broken."""
    assert _client(Dependency("engine", False, "gone")).get("/healthz").text == "alive\n"


def test_ready_only_when_everything_works() -> None:
    """/readyz is 200 with every dependency by name."""
    response = _client(Dependency("journal", True, "fine"), Dependency("engine", True, "fine")).get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "dependencies": [
            {"name": "journal", "works": True, "detail": "fine"},
            {"name": "engine", "works": True, "detail": "fine"},
        ],
    }


def test_not_ready_says_why() -> None:
    """One broken dependency makes it 503, with what is wrong in the message."""
    response = _client(Dependency("journal", True, "fine"), Dependency("loader", False, "41 s behind")).get("/readyz")
    assert response.status_code == 503
    assert response.json()["error"]["message"] == "not ready: loader: 41 s behind"
    assert [part["works"] for part in response.json()["dependencies"]] == [True, False]


def test_a_desk_alone_is_ready(client: LocalClient) -> None:
    """Without a server around it there is nothing to wait for."""
    assert client.get("/readyz").json() == {"ready": True, "dependencies": []}


def test_the_status_has_everything_but_secrets() -> None:
    """Version, now, options and statistics by name, signals by their word."""
    status = _client().get("/api/status").json()
    assert status["now"] == "1970-01-01T00:00:00.000000000Z"
    assert status["options"] == {"server": {"http": "127.0.0.1:4318"}}
    assert status["statistics"]["journal"]["lanes"]["logs"]["acknowledged_records"] == 2


def test_metrics_come_in_the_format_that_is_accepted() -> None:
    """Prometheus text by default, OpenMetrics for who asks."""
    client = _client()
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
