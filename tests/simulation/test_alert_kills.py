"""SIGKILL between any two steps of the pipeline: the page still goes out, once per channel for a receiver that drops repeats by key."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from tocsin.alert.pipeline.steps import PipelineStep

ROOT = Path(__file__).parents[2]
CHANNELS = ("team/web/0", "team/flaky/0", "ops/web/0")


class Told(NamedTuple):
    """What a receiver was told once."""

    key: str
    status: str
    alerts: tuple[str, ...]


class Receiver(BaseHTTPRequestHandler):
    """Takes what it is told, by path; one path refuses everything."""

    told: defaultdict[str, list[Told]]

    def do_POST(self) -> None:
        """Keep what was said: its key, its status, its alerts."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = tuple(alert["labels"]["alertname"] for alert in body["alerts"])
        self.told[self.path.strip("/")].append(Told(self.headers["Idempotency-Key"], body["status"], names))
        self.send_response(400 if "refusing" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing."""


@pytest.mark.slow
def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Whichever step was the last before each of two kills, each channel is told of the beginning and the end, once by key, in order."""
    told: defaultdict[str, list[Told]] = defaultdict(list)
    handler = type("Receiver", (Receiver,), {"told": told})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            program = [sys.executable, "-m", "tests.simulation.alert_kills", str(tmp_path), f"http://127.0.0.1:{server.server_port}"]
            done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
        finally:
            server.shutdown()
            thread.join()
    assert done.returncode == 0, done.stderr
    kills: dict[str, int] = json.loads(done.stdout)
    reached = {name.rpartition("-")[0] for name, count in kills.items() if count}
    assert reached == {step.value for step in PipelineStep}
    for scenario, count in kills.items():
        for channel in CHANNELS:
            heard = told[f"{scenario}/{channel}"]
            by_key = list({each.key: each for each in heard}.values())
            where = f"{scenario}, killed {count} times, {channel}: {heard}"
            assert [each.status for each in by_key] == ["firing", "resolved"], where
            assert all(each.alerts == ("Down",) for each in by_key), where
            assert len(heard) <= len(by_key) + count, where
