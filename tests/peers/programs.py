"""Real peers as child processes: fetched by the project's own script, started on free loopback ports, stopped by who started them."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
from tests.spine.server import free_port, wait_until

ROOT = Path(__file__).parents[2]
BINARIES = ROOT / ".peers" / "usr" / "bin"
FETCH_TIMEOUT_S = 300
NOT_HERE = 3  # what scripts/peers ends with on a system whose packages it can't use
_fetching = threading.Lock()


def binary(name: str) -> Path:
    """A peer's program; fetched on first use. Skips the test where this system has no such packages, fails where fetching fails."""
    with _fetching:
        if not (BINARIES / name).exists():
            outcome = subprocess.run([ROOT / "scripts" / "peers"], capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
            if outcome.returncode == NOT_HERE:
                pytest.skip(outcome.stderr.strip())
            assert outcome.returncode == 0, outcome.stderr
    return BINARIES / name


class Prometheus:
    """
    A Prometheus server on a folder; a context manager that ends it.

    Args:
        folder: For its configuration, data and log.
        configuration: Its prometheus.yml.
        extra: Further arguments.
        port: Where it listens; a free port by default.
    """

    def __init__(self, folder: Path, configuration: str = "global: {scrape_interval: 1h}\n", *extra: str, port: int | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(configuration, encoding="utf-8")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            str(binary("prometheus")), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
            "--web.enable-remote-write-receiver", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
            "--storage.remote.flush-deadline=1s", *extra,
        ]  # fmt: skip
        with (folder / "log").open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        try:
            wait_until(self._ready, timeout_s=60, what="Prometheus to start")
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def ask(self, path: str, **parameters: Any) -> Any:
        """The JSON answer of the API, errors too."""
        return self.client.get(f"/api/v1/{path}", params=parameters).json()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.child.poll() is None:
            self.child.terminate()
            self.child.wait(30)
        self.client.close()

    def _ready(self) -> bool:
        assert self.child.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
        try:
            return self.client.get("/-/ready").is_success
        except httpx.TransportError:
            return False
