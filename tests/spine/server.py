"""A real `tocsin up` as a child process, for tests that need the whole: started on free ports, stopped by who started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tocsin.clock import RealClock

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 90.0
POLL_S = 0.05


class Server:
    """
    A server on `data`; a context manager that ends it.

    Args:
        data: Its data directory.
        extra: Further arguments of `tocsin up`.
        environment: Further variables for it.
        http_port: Where it listens; a free port by default.
    """

    def __init__(self, data: Path, *extra: str, environment: dict[str, str] | None = None, http_port: int | None = None) -> None:
        self.data = data
        self.http_port, self.grpc_port = http_port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.log = data.parent / f"{data.name}.log"
        command = [sys.executable, "-m", "tocsin", "up", "--data", str(data)]
        command += ["--http", f"127.0.0.1:{self.http_port}", "--grpc", f"127.0.0.1:{self.grpc_port}", *extra]
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        try:
            wait_until(self._answers, timeout_s=START_TIMEOUT_S, what=f"the server to start; its log:\n{self.said()}")
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def post(self, signal_name: str, body: dict[str, Any]) -> httpx.Response:
        """Send one OTLP JSON request."""
        return self.client.post(f"/v1/{signal_name}", json=body)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer of a GET that must succeed."""
        answer = self.client.get(path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    def rows(self, statement: str) -> list[list[Any]]:
        """Rows of a read-only statement."""
        answer = self.client.post("/api/sql", json={"statement": statement, "limit": 100_000})
        assert answer.is_success, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        return rows

    def said(self) -> str:
        """What it has written to its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(STOP_TIMEOUT_S)
        self.client.close()

    def stop(self) -> int:
        """SIGTERM, and wait; returns its exit status."""
        if self.child.poll() is None:
            self.child.terminate()
            self.child.wait(STOP_TIMEOUT_S)
        self.client.close()
        return self.child.returncode

    def _answers(self) -> bool:
        assert self.child.poll() is None, f"the server ended by itself:\n{self.said()}"
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Return once the condition holds; fail when it does not within `timeout_s`."""
    clock = RealClock()
    deadline_s = clock.monotonic_s() + timeout_s
    never = threading.Event()
    while not condition():
        assert clock.monotonic_s() < deadline_s, f"waited {timeout_s:g} s in vain for {what}"
        never.wait(POLL_S)


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
