"""Golden signals over HTTP: what the wall, endpoints, heatmaps and series look like as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.local_client import LocalClient
from tests.query.conftest import open_world
from tests.query.telemetry import MINUTE, MS, NOW, SECOND, SpanLine

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.instant import format_instant


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    """A desk over ten requests of a service with a slash in its name, one of which failed slowly; made once, nothing here changes it."""
    for world in open_world(tmp_path_factory.mktemp("signals")):
        spans = [
            SpanLine("POST /pay", trace=f"{n}", id=f"{n}", kind="server", service="shop/pay", at=NOW - n * MINUTE - SECOND,
                     duration=(5000 if n == 1 else 20) * MS, status="error" if n == 1 else "unset")
            for n in range(1, 11)
        ]  # fmt: skip
        world.send(*spans)
        yield LocalClient(create_application(Context(desk=world.desk, clock=ReplayClock(NOW, speed=0)), hosts={"localhost"}))


def signal(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A signal of a service by its field or percentile."""
    found = next((one for one in record["latency"] if one["name"] == name), None) or record[name]
    assert isinstance(found, dict)
    return found


def test_the_wall_covers_the_last_quarter_of_an_hour(client: LocalClient) -> None:
    """Without a range; flags and units are words, instants are texts, what is not known is null."""
    wall = client.get("/api/signals").json()
    assert (wall["start"], wall["end"]) == (format_instant(NOW - 15 * MINUTE), format_instant(NOW))
    assert (wall["flag"], wall["updated"]) == ("BREACH", format_instant(NOW))
    (service,) = wall["services"]
    assert (service["service"], service["requests"], service["burn"]) == ("shop/pay", 10, None)
    p95 = signal(service, "latency_p95")
    assert (p95["value"], p95["unit"], p95["shown"], p95["flag"]) == (5000.0, "ms", "5,000 ms", "BREACH")
    assert p95["limits"] == {"warn": 500.0, "breach": 1000.0}
    assert signal(service, "errors")["reason"] == "error rate 10.0 % is above 5.0 %"
    assert signal(service, "saturation")["value"] is None
    assert service["error_split"] == {"explicit": 1, "implicit": None, "policy": None, "policy_exact": True}
    assert [one["operation"] for one in wall["slowest"]] == ["POST /pay"]
    assert [one["count"] for one in wall["top_errors"]] == [1]


def test_a_range_and_a_service_narrow_it(client: LocalClient) -> None:
    """As every other question's do."""
    earlier = client.get("/api/signals", params={"start": "now-12m", "end": "now-3m"}).json()
    assert [one["flag"] for one in earlier["services"]] == ["OK"]
    assert client.get("/api/signals", params={"service": "nobody"}).json()["services"] == []
    assert client.get("/api/signals", params={"service": "shop/pay"}).json()["whole"]["requests"] == 10


def test_endpoints_of_a_service(client: LocalClient) -> None:
    """A service's name may hold a slash."""
    (endpoint,) = client.get("/api/signals/shop%2Fpay/endpoints").json()
    assert (endpoint["operation"], endpoint["kind"], endpoint["flag"]) == ("POST /pay", "server", "BREACH")
    assert sum(one["requests"] for one in endpoint["distribution"]) == 10
    assert client.get("/api/signals/nobody/endpoints").json() == []


def test_a_heatmap_of_a_service(client: LocalClient) -> None:
    """Columns without requests are null; a service without any is not found."""
    found = client.get("/api/signals/shop/pay/heatmap", params={"columns": 15}).json()
    assert sum(sum(column) for column in found["requests"] if column) == 10
    assert None in found["requests"]
    assert len(found["rows"]) == len(next(column for column in found["requests"] if column))
    assert client.get("/api/signals/nobody/heatmap").json()["error"]["code"] == "not_found"


def test_series_of_signals(client: LocalClient) -> None:
    """One for each service, or one for all together."""
    (one,) = client.get("/api/signals/series", params={"points": 15}).json()
    (whole,) = client.get("/api/signals/series", params={"points": 15, "whole": True}).json()
    assert (one["service"], whole["service"], one["step_s"]) == ("shop/pay", None, 60)
    assert one["p95_ms"] == whole["p95_ms"]
    assert 5000.0 in one["p95_ms"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/signals", {"start": "yesterday"}),
        ("/api/signals", {"start": "now", "end": "now-1h"}),
        ("/api/signals", {"start": "now-90d"}),
        ("/api/signals/series", {"points": 0}),
        ("/api/signals/shop/pay/heatmap", {"columns": 1001}),
    ],
)
def test_impossible_questions_are_refused(client: LocalClient, path: str, parameters: dict[str, str | int]) -> None:
    """With a code and a sentence, never with an empty wall."""
    error = client.get(path, params=parameters).json()["error"]
    assert error["code"] in {"invalid_input", "parse_error", "limit_exceeded"}
    assert error["message"]
