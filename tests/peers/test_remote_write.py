"""The real Prometheus writes to Tocsin, through a kill in between; promtool asks Tocsin."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.peers.programs import Prometheus, binary
from tests.spine.server import Server, free_port, wait_until

from tocsin.clock import RealClock

SECONDS = float(os.environ.get("TOCSIN_TEST_REMOTE_WRITE_S", "8"))  # of writing before the kill, and after it
CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
remote_write:
  - url: {url}
    protobuf_message: {message}
    metadata_config: {{send_interval: 2s}}
    queue_config: {{max_backoff: 1s, batch_send_deadline: 500ms}}
"""
MESSAGES = {"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("version", MESSAGES)
def test_nothing_that_prometheus_writes_is_lost_by_a_kill(tmp_path: Path, version: str) -> None:
    """After SIGKILL and a restart every sample of every series that Prometheus has is here too, with its value, and none twice."""
    port, own_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/prometheus/api/v1/write"
    configuration = CONFIGURATION.format(port=own_port, url=url, message=MESSAGES[version])
    never = threading.Event()
    first = Server(tmp_path / "data", http_port=port)
    with Prometheus(tmp_path / "prometheus", configuration, "--enable-feature=metadata-wal-records", port=own_port) as peer:
        never.wait(SECONDS)
        first.kill()
        never.wait(1)
        with Server(tmp_path / "data", http_port=port) as server:
            never.wait(SECONDS)
            end_s = float(peer.ask("query", query="time()")["data"]["result"][1])
            window = f"{round(2 * SECONDS + 30)}s"
            theirs = _samples(peer.ask("query", query=f'{{__name__=~".+"}}[{window}]', time=end_s))
            assert len(theirs) > 200
            wait_until(lambda: not _missing(theirs, _ours(server, window, end_s)), timeout_s=60, what="all that Prometheus has")
            assert _metadata(server, "go_goroutines") == "gauge"


def _samples(answer: Any) -> dict[tuple[tuple[str, str], ...], list[tuple[float, str]]]:
    assert answer["status"] == "success", answer
    return {tuple(sorted(one["metric"].items())): [(at, value) for at, value in one.get("values", ())] for one in answer["data"]["result"]}


def _ours(server: Server, window: str, end_s: float) -> dict[tuple[tuple[str, str], ...], list[tuple[float, str]]]:
    return _samples(server.get("/prometheus/api/v1/query", query=f'{{job="prometheus"}}[{window}]', time=end_s))


def _missing(theirs: dict[Any, list[tuple[float, str]]], ours: dict[Any, list[tuple[float, str]]]) -> list[Any]:
    """Series whose samples differ."""
    return [
        labels
        for labels, samples in theirs.items()
        if [(at, float(value)) for at, value in samples if value != "NaN"]
        != [(at, float(value)) for at, value in ours.get(labels, ()) if value != "NaN"]
    ]


def _metadata(server: Server, metric: str) -> str:
    found: list[dict[str, str]] = server.get("/prometheus/api/v1/metadata", metric=metric)["data"].get(metric, [])
    return found[0]["type"] if found else ""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_promtool_asks_tocsin(tmp_path: Path) -> None:
    """Its query commands and health checks work unmodified, under the API's prefix."""
    promtool = binary("promtool")
    with Server(tmp_path / "data") as server:
        server.post("metrics", _gauge())
        url = f"{server.url}/prometheus"
        wait_until(lambda: "temperature" in _run(promtool, "query", "labels", url, "__name__"), timeout_s=30, what="the gauge to be stored")
        assert 'temperature{instance="i1", job="weather", place="attic"} => 21.5' in _run(promtool, "query", "instant", url, "temperature")
        assert "21.5" in _run(promtool, "query", "range", "--step=15s", url, "temperature")
        assert 'place="attic"' in _run(promtool, "query", "series", "--match=temperature", url)
        _run(promtool, "check", "healthy", f"--url={url}")  # ends with an error when it is not
        refused = subprocess.run([promtool, "query", "instant", url, "sum("], capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert "parse error" in refused.stderr + refused.stdout


def _run(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, timeout=30).stdout


def _gauge() -> dict[str, Any]:
    attributes = [
        {"key": "service.name", "value": {"stringValue": "weather"}},
        {"key": "service.instance.id", "value": {"stringValue": "i1"}},
    ]
    point: dict[str, Any] = {"asDouble": 21.5, "attributes": [{"key": "place", "value": {"stringValue": "attic"}}]}
    point["timeUnixNano"] = str(RealClock().now_ns())
    metric = {"name": "temperature", "gauge": {"dataPoints": [point]}}
    return {"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": [metric]}]}]}
