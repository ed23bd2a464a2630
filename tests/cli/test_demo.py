"""`tocsin demo` and `tocsin lab`."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from tests.cli.conftest import Tocsin


@pytest.fixture
def endpoint() -> str:
    """An address of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_the_demo_brings_its_own_server(tocsin: Tocsin, endpoint: str, tmp_path: Path) -> None:
    """--up starts a server, runs four services under load, stops all of it; what they sent is in the data directory."""
    data = str(tmp_path / "data")
    outcome = tocsin("demo", "--up", "--endpoint", endpoint, "--data", data, "--rate", "20", "--duration", "3")
    assert outcome.code == 0, outcome.err
    assert re.search(r"\d+ requests were answered, \d+ failed", outcome.out)
    assert f"tocsin services --url {endpoint}" in outcome.out
    assert "everything acknowledged is stored" in outcome.out
    services = json.loads(tocsin("services", "--data", data, "--json").out)
    assert {"gateway", "orders"} <= {row["service"] for row in services}
    with socket.create_server(("127.0.0.1", int(endpoint.rpartition(":")[2]))):
        pass  # the server is gone, its port is free


@pytest.mark.slow
def test_a_demo_whose_server_does_not_start_ends(tocsin: Tocsin, tmp_path: Path) -> None:
    """The server says why in its own sentence, and the demo ends with the same number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = tocsin("demo", "--up", "--endpoint", endpoint, "--data", str(tmp_path / "data"), "--duration", "1")
    assert outcome.code == 5
    assert "another program listens on" in outcome.err


def test_a_demo_that_can_not_be_is_said(tocsin: Tocsin) -> None:
    """Wrong settings are a wrong command line."""
    outcome = tocsin("demo", "--rate", "0")
    assert outcome.code == 2
    assert "rate 0" in outcome.err


@pytest.mark.slow
def test_the_lab_runs(tocsin: Tocsin) -> None:
    """`tocsin lab structured-logging` shows its three sections."""
    outcome = tocsin("lab", "structured-logging")
    assert outcome.code == 0
    assert [line[5] for line in outcome.out.splitlines() if line.startswith("====")] == ["A", "B", "C"]
    assert "'event': 'tool', 'tool': 'retrieve', 'latency_ms': 5000, 'error': True" in outcome.out
