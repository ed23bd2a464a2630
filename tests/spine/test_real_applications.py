"""Real applications under OpenTelemetry's own auto-instrumentation, over both protocols, asked about through the API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.spine.server import Server, free_port, wait_until

APPS = Path(__file__).parent / "apps"
STOP_TIMEOUT_S = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for this module."""
    with Server(tmp_path_factory.mktemp("applications") / "data") as running:
        yield running


@contextmanager
def application(server: Server, name: str, service: str, protocol: str, *arguments: str) -> Iterator[int]:
    """An application as a child process; gives its port; ends it, which makes the SDK send what it still holds."""
    port = free_port()
    endpoint = server.url if protocol == "http/protobuf" else f"http://127.0.0.1:{server.grpc_port}"
    environment = {
        **os.environ,
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    }
    command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable, str(APPS / name), str(port), *arguments]
    log = server.data.parent / f"{service}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: _listens(child, port, log), timeout_s=60, what=f"{name} to listen; it said: {log.read_text()}")
        yield port
    finally:
        child.terminate()
        child.wait(STOP_TIMEOUT_S)


def _listens(child: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert child.poll() is None, log.read_text()
    try:
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    except httpx.TransportError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_auto_instrumented_flask_and_fastapi(server: Server, protocol: str) -> None:
    """Two applications that know nothing of us: one trace across both, with its logs, metrics and failure, without their secrets."""
    shop, checkout = f"shop-{protocol[:4]}", f"checkout-{protocol[:4]}"
    with (
        application(server, "flask_app.py", shop, protocol) as shop_port,
        application(server, "fastapi_app.py", checkout, protocol, str(shop_port)) as port,
    ):
        assert httpx.get(f"http://127.0.0.1:{port}/checkout/7", trust_env=False).json() == {"status": 200}
        assert httpx.get(f"http://127.0.0.1:{port}/checkout/13", trust_env=False).json() == {"status": 500}
        wait_until(lambda: bool(_failed(server, shop)), timeout_s=60, what="the failed trace")
        wait_until(lambda: server.get("/api/logs", query=f"service:{shop}")["records"] != [], timeout_s=60, what="the log record")
        wait_until(lambda: _series(server, shop) > 0, timeout_s=60, what="the metrics")
    trace_id = _failed(server, shop)[0]["trace_id"]
    trace = server.get(f"/api/traces/{trace_id}")
    assert set(trace["services"]) == {shop, checkout}
    assert len(trace["roots"]) == 1, "the context travelled: one tree, no orphans"
    story = server.get(f"/api/correlate/{trace_id}")
    assert {entry["service"] for entry in story["entries"]} == {shop, checkout}
    assert any(entry["log"] and entry["log"]["body"] == "looking for order" for entry in story["entries"])
    errors = server.get("/api/errors", service=shop)
    assert any("order 13 is broken" in error["message"] for error in errors)
    secrets = server.rows(f"SELECT attributes['password'] FROM logs WHERE service = '{shop}' AND mapContains(attributes, 'password')")
    assert secrets
    assert all(row == ["[REDACTED]"] for row in secrets)


def _failed(server: Server, service: str) -> list[dict[str, Any]]:
    traces: list[dict[str, Any]] = server.get("/api/traces", service=service, errors="true")["traces"]
    return [trace for trace in traces if len(trace["services"]) == 2]


def _series(server: Server, service: str) -> int:
    return int(server.rows(f"SELECT count() FROM series WHERE service = '{service}'")[0][0])
