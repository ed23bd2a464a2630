"""A Tocsin server as a child process, watched: memory, processor time, what it has stored."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 120.0
SAMPLE_S = 0.25


class Server:
    """
    `tocsin up` on a data directory and free loopback ports, from construction to `stop`.

    `started_s` says how long it took from the command to the first answer of `/readyz`; `memory_bytes` is a list of (seconds, resident
    bytes) since then.
    """

    def __init__(self, data: Path, *, extra: tuple[str, ...] = ()) -> None:
        self.port, grpc_port = _free_port(), _free_port()
        command = [sys.executable, "-m", "tocsin", "up", "--data", str(data), "--http", f"127.0.0.1:{self.port}"]
        begun = time.monotonic()
        with (data.parent / f"{data.name}.log").open("ab") as log:
            self._child = subprocess.Popen([*command, "--grpc", f"127.0.0.1:{grpc_port}", *extra], stdout=log, stderr=log)
        self.process = psutil.Process(self._child.pid)
        while not self._ready():
            if self._child.poll() is not None or time.monotonic() - begun > START_TIMEOUT_S:
                raise SystemExit(f"the server did not start; see {data}.log")
            time.sleep(0.02)
        self.started_s = time.monotonic() - begun
        self.memory_bytes: list[tuple[float, int]] = []
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def get(self, path: str) -> Any:
        """The JSON answer of a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.load(answer)

    def sql(self, statement: str) -> list[list[Any]]:
        """Rows of a read-only statement, asked through the API."""
        body = json.dumps({"statement": statement, "timeout_s": 60}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/sql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=90) as answer:
            rows: list[list[Any]] = json.load(answer)["rows"]
            return rows

    def post(self, path: str, body: Any) -> bool:
        """POST JSON; whether it was accepted (False: the server asks to come back later)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):
                return False
            raise

    def count(self, table: str) -> int:
        """Rows stored in a table."""
        return int(self.sql(f"SELECT count() FROM {table}")[0][0])

    def stored(self, signal: str) -> int:
        """Records of a signal stored so far; samples move from table to table, so it is the intake that is asked."""
        return int(self.sql(f"SELECT sum(records) FROM intake WHERE signal = '{signal}'")[0][0])

    def cpu_s(self) -> float:
        """Processor time used so far, seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_peak_bytes(self) -> int:
        """The largest resident size seen since the last call."""
        peak = max((size for _, size in self.memory_bytes), default=0)
        self.memory_bytes.clear()
        return peak

    def stop(self) -> None:
        """End it cleanly, draining."""
        self._stopping.set()
        self._watch.join()
        if self._child.poll() is None:
            self._child.terminate()
            self._child.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._stopping.set()
        self._watch.join()
        self._child.kill()
        self._child.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _sample(self) -> None:
        begun = time.monotonic()
        while not self._stopping.wait(SAMPLE_S):
            try:
                self.memory_bytes.append((time.monotonic() - begun, self.process.memory_info().rss))
            except psutil.NoSuchProcess:
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
