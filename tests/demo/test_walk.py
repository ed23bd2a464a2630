"""docs/walk.md, walked: every line of it is run in its order, against the demo that it starts."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.tidy.source import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]  # two minutes where nothing else runs

WALK = ROOT / "docs" / "walk.md"
START_S, PAGE_S, COMMAND_S = 90.0, 180.0, 60.0
USUAL_REQUESTS = 120  # of the gateway, before something is broken: there must be a usual
POLL_S = 0.5


class Demo:
    """The demo that runs in the first terminal."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.environment = {**os.environ, "TOCSIN_URL": self.url, "TMPDIR": str(folder), "COLUMNS": "200"}
        command = [sys.executable, "-m", "tocsin", "demo", "--up", "--endpoint", self.url, "--data", str(folder / "data"), "--rate", "8"]
        self.folder, self.log = folder, folder / "demo.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env=self.environment, start_new_session=True)

    def wait_for(self, what: str, seen: object, seconds: float) -> None:
        """Wait until `seen()` is true."""
        assert callable(seen)
        waiting = threading.Event()
        for _ in range(int(seconds / POLL_S)):
            if seen():
                return
            assert self.process.poll() is None, f"the demo ended: {self.said()[-2000:]}"
            waiting.wait(POLL_S)
        pytest.fail(f"no {what} within {seconds:g} s; the demo said: {self.said()[-3000:]}")

    def said(self) -> str:
        """What it said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def requests(self) -> int:
        """Requests that the gateway answered."""
        try:
            services = httpx.get(f"{self.url}/api/services", trust_env=False).json()
        except httpx.HTTPError:
            return 0
        return sum(one["requests"] for one in services if one["service"] == "gateway")

    def run(self, line: str) -> str:
        """Run one line of the page as a shell would, with `tocsin` of this interpreter."""
        command = line.replace("tocsin ", f"{shlex.quote(sys.executable)} -m tocsin ", 1)
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo with a usual."""
    found = Demo(tmp_path)
    try:
        found.wait_for("steady load", lambda: found.requests() >= USUAL_REQUESTS, START_S)
        yield found
    finally:
        found.stop()


def lines() -> list[str]:
    """The lines to type, in order, but for the one that starts the demo."""
    blocks = re.findall(r"^```\n(.*?)^```", WALK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for line in "".join(blocks).splitlines() if line and line != "tocsin demo --up"]


def test_the_walk_goes_as_its_page_says(demo: Demo) -> None:
    """From the fault to the guard: each line works, the pager rings, the cause is found, the guard holds, the incident is closed."""
    answers: dict[str, str] = {}
    for line in lines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            demo.environment[name] = value
            continue
        answers[line] = demo.run(line)
        if "demo fault bad-deploy" in line:
            demo.wait_for("page", lambda: re.search(r"PAGER of (ada|grace): \[FIRING\] P1", demo.said()), PAGE_S)
            demo.wait_for("incident", lambda: "INC-1" in demo.run("tocsin incident list"), 30)
    assert "orders 1.1.0" in demo.said()
    assert re.search(r"deployment +\d+%  orders 1\.1\.0", answers["tocsin explain gateway"]), answers["tocsin explain gateway"]
    assert "1 guards hold" in answers["tocsin guards run walk-guards --junit walk-guards.xml"]
    assert "closed" in answers["tocsin incident close INC-1"]
    weekly = json.loads(demo.run("tocsin incident weekly --json"))
    assert weekly[-1]["total_guards"] == 1
    assert (demo.folder / "walk-guards.xml").exists()
