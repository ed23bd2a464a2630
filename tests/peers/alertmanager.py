"""A real Alertmanager as a child process, and a receiver of its webhooks that keeps what came."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.peers.programs import ROOT, binary
from tests.spine.server import free_port, wait_until

TEMPLATES = b"/usr/share/prometheus/alertmanager"  # where Debian's build looks for its default templates


class Alertmanager:
    """
    An Alertmanager on a folder; a context manager that ends it.

    Args:
        folder: For its configuration, data and log.
        configuration: Its alertmanager.yml.
        extra: Further arguments.
    """

    def __init__(self, folder: Path, configuration: str, *extra: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(configuration, encoding="utf-8")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            str(_here(folder)), "--config.file=alertmanager.yml", "--storage.path=data", f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=", "--log.level=warn", *extra,
        ]  # fmt: skip
        with (folder / "log").open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        try:
            wait_until(self._ready, timeout_s=60, what="Alertmanager to start")
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def post(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Say alerts, as the API takes them."""
        self.client.post("/api/v2/alerts", json=list(alerts)).raise_for_status()

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON answer of the API."""
        return self.client.get(f"/api/v2/{path}", params=parameters).raise_for_status().json()

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


class WebhookReceiver:
    """An HTTP server on loopback that keeps the JSON of every POST with its path; a context manager that ends it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - as the library calls it
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _here(folder: Path) -> Path:
    """
    A copy of the program that finds its templates without being installed.

    It knows a path of the system by heart; a path from the working directory that is as long stands in its place.
    """
    program = folder / "alertmanager"
    if not program.exists():
        code = binary("prometheus-alertmanager").read_bytes()
        link = b"./" * ((len(TEMPLATES) - 8) // 2) + b"template"
        assert len(link) == len(TEMPLATES), "a text in a program can't grow"
        program.write_bytes(code.replace(TEMPLATES, link))
        program.chmod(0o755)
        (folder / "template").symlink_to(ROOT / ".peers" / "usr" / "share" / "prometheus" / "alertmanager")
    return program
